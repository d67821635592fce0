"""Text of a receipt, in one segment."""

import datetime as dt
from functools import cache, lru_cache
from pathlib import Path

from msgspec import Struct

from receipts.model.message import FailureCause, MessageStatus
from receipts.model.reported_time import ReportedTime, TimePrecision, is_before
from receipts.model.vocabulary import (
    FailureReason,
    Language,
    Msisdn,
    PromotionCategory,
    ReceiptOutcome,
)
from receipts.wording.catalogue import Catalogue
from receipts.wording.times import short_time, time_phrase

#: Stands for the recipient in a text that several receipts share.
_FRIEND = "{friend}"

_FAILED = (MessageStatus.EXPIRED, MessageStatus.FAILED, MessageStatus.REJECTED)


class ReceiptTimes(Struct, frozen=True):
    """Times of a customer's text; None where the network gave none that can be true."""

    #: The moment to which the receipt's outcome is known.
    written: dt.datetime
    sent: ReportedTime | None = None
    done: ReportedTime | None = None


@cache
def sentences() -> Catalogue:
    """Catalogue of receipt texts, loaded once."""
    return Catalogue(Path(__file__).with_name("receipts.toml"))


def receipt_text(
    status: MessageStatus | ReceiptOutcome,
    recipient: Msisdn,
    times: ReceiptTimes,
    language: Language,
    cause: FailureCause = FailureCause.UNKNOWN,
    *,
    today: dt.datetime | None = None,
) -> str:
    """Text of a receipt to send ``today``, by default when written; not final is no answer.

    A known cause of a failure has a sentence of its own; the others name none.
    """
    times = ReceiptTimes(_minute(times.written), times.sent, times.done)
    shared = _shared_text(status, times, language, cause, today and _minute(today))
    return shared.replace(_FRIEND, recipient.national)


def _minute(at: dt.datetime) -> dt.datetime:
    """The whole minute of a moment, as texts name no smaller unit."""
    return at.replace(second=0, microsecond=0)


# The texts of a batch ended at about the same second, with few results.
@lru_cache(maxsize=1024)
def _shared_text(
    status: MessageStatus | ReceiptOutcome,
    times: ReceiptTimes,
    language: Language,
    cause: FailureCause,
    today: dt.datetime | None,
) -> str:
    """Text of a receipt with a placeholder for its recipient."""
    today = today or times.written
    sent = short_time(times.sent, today, language) if times.sent else ""
    if language is Language.EN and sent:
        sent = f" ({sent})"
    key, params = _sentence(status, times, today, language)
    if cause is not FailureCause.UNKNOWN and "result" in params:
        key = f"cause.{cause}"
    return sentences().render(key, language, friend=_FRIEND, sent=sent, **params)


def failure_reason(status: MessageStatus | None, cause: FailureCause) -> FailureReason | None:
    """Why a text failed, as ``receipt_text`` tells; None for another result."""
    if status not in _FAILED:
        return None
    return FailureReason((status if cause is FailureCause.UNKNOWN else cause).value)


def _sentence(
    status: MessageStatus | ReceiptOutcome, times: ReceiptTimes, today: dt.datetime, lang: Language
) -> tuple[str, dict[str, str]]:
    """Key of the sentence for a status, and its times other than ``sent``."""
    sent, done = times.sent, times.done
    if status.value == MessageStatus.DELIVERED.value:
        # A prompt delivery needs no second time, and one before the sending is false.
        if done is None or (sent is not None and not is_before(sent, done, TimePrecision.MINUTE)):
            return "delivered.untimed", {}
        return "delivered", {"time": time_phrase(done, today, lang)}
    if status.value not in sentences():
        status = ReceiptOutcome.NO_ANSWER
    if status is ReceiptOutcome.NO_ANSWER:
        return status.value, {"time": short_time(ReportedTime(times.written), today, lang)}
    # A failure is told by the time of its report only where no other time names the text.
    result = "" if sent or done is None else short_time(done, today, lang)
    brackets = "（{}）" if lang is Language.ZH else " ({})"
    return status.value, {"result": brackets.format(result) if result else ""}


def with_promotion(
    receipt: str, kind: PromotionCategory, message: str, language: Language, stop: str
) -> str:
    """Receipt text with a promotion, marked with its category; an advertisement can be refused."""
    return sentences().render(f"with.{kind}", language, receipt=receipt, message=message, stop=stop)
