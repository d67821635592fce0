"""Text of a receipt, in one segment."""

import datetime as dt
from functools import cache
from pathlib import Path

from receipts.model.calendar import SHANGHAI
from receipts.model.message import FailureCause, MessageStatus
from receipts.model.vocabulary import Language, Msisdn, PromotionCategory, ReceiptOutcome
from receipts.wording.catalogue import Catalogue


@cache
def sentences() -> Catalogue:
    """Catalogue of receipt texts, loaded once."""
    return Catalogue(Path(__file__).with_name("receipts.toml"))


def receipt_text(
    status: MessageStatus | ReceiptOutcome,
    recipient: Msisdn,
    at: dt.datetime,
    language: Language,
    cause: FailureCause = FailureCause.UNKNOWN,
) -> str:
    """Text of a receipt; ``at`` is shown in China's time, and a status not final as no answer.

    A known cause of a failure has a sentence of its own; the others name none.
    """
    key = status.value if status.value in sentences().keys() else ReceiptOutcome.NO_ANSWER.value  # noqa: SIM118
    if cause is not FailureCause.UNKNOWN and status is not MessageStatus.DELIVERED:
        key = f"cause.{cause}"
    time = f"{at.astimezone(SHANGHAI):%H:%M:%S}"
    return sentences().render(key, language, friend=recipient.national, time=time)


def with_promotion(
    receipt: str, kind: PromotionCategory, message: str, language: Language, stop: str
) -> str:
    """Receipt text with a promotion, marked with its category; an advertisement can be refused."""
    return sentences().render(f"with.{kind}", language, receipt=receipt, message=message, stop=stop)
