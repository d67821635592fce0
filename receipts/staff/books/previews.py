"""Preview of an operator's message with the longest receipt that it can ride on."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from receipts.model.message import FailureCause, MessageStatus
from receipts.model.reported_time import ReportedTime
from receipts.model.vocabulary import Language, Msisdn, PromotionCategory, ReceiptOutcome
from receipts.rulebook.schema import Promotion, RuleBook
from receipts.subscriptions.promotions import opt_out_keyword
from receipts.wording.receipt_text import ReceiptTimes, receipt_text, with_promotion
from receipts.wording.segments import TextSize, size_of

#: A friend's number in previews; all mobile numbers of China are as long.
_FRIEND = Msisdn("+8613900000000")

#: Kinds of receipts by the key of their name, each with a status and a cause of failure.
_KINDS: dict[str, tuple[MessageStatus | ReceiptOutcome, FailureCause]] = {
    "delivered": (MessageStatus.DELIVERED, FailureCause.UNKNOWN),
    "expired": (MessageStatus.EXPIRED, FailureCause.UNKNOWN),
    "failed": (MessageStatus.FAILED, FailureCause.UNKNOWN),
    **{cause.value: (MessageStatus.FAILED, cause) for cause in FailureCause},
    "rejected": (MessageStatus.REJECTED, FailureCause.UNKNOWN),
    "no_answer": (ReceiptOutcome.NO_ANSWER, FailureCause.UNKNOWN),
}
del _KINDS[FailureCause.UNKNOWN.value]


@dataclass(frozen=True, slots=True)
class MessagePreview:
    """A message in one language: the longest receipt with it, and the kinds that carry it.

    ``text`` is empty if the message fits no receipt. ``room`` counts the units that its own text
    may have on the shortest receipt. ``sometimes`` lists kinds that carry it if their times are
    short.
    """

    language: Language
    text: str
    size: TextSize
    room: int
    always: tuple[str, ...]
    sometimes: tuple[str, ...]
    never: tuple[str, ...]


def preview(book: RuleBook, message: Promotion, language: Language) -> MessagePreview:
    """The message in one language, with all kinds of receipts."""
    codes = message.provinces or tuple(book.provinces)
    # The longest keyword of its provinces, so that it fits in all of them.
    stop = max((opt_out_keyword(book, book.province(code)) for code in codes), key=len, default="")
    fitting: list[tuple[TextSize, str]] = []
    carried: dict[str, list[bool]] = {}
    for kind, receipt in _receipts(language):
        text = with_promotion(receipt, message.kind, message.in_(language), language, stop)
        size = size_of(text)
        carried.setdefault(kind, []).append(size.units <= size.most)
        if size.units <= size.most:
            fitting.append((size, text))
    longest = max(fitting, key=lambda each: each[0].units, default=(TextSize("", 0, 0), ""))
    return MessagePreview(
        language,
        longest[1],
        longest[0],
        _room(message.kind, language, stop),
        tuple(kind for kind, fits in carried.items() if all(fits)),
        tuple(kind for kind, fits in carried.items() if any(fits) and not all(fits)),
        tuple(kind for kind, fits in carried.items() if not any(fits)),
    )


def _room(kind: PromotionCategory, language: Language, stop: str) -> int:
    sizes = (
        size_of(with_promotion(receipt, kind, "", language, stop))
        for _, receipt in _receipts(language)
    )
    return max(size.most - size.units for size in sizes)


def _receipts(language: Language) -> Iterator[tuple[str, str]]:
    """Each kind of receipt with short times and with long ones, of another day and year."""
    written = dt.datetime(2026, 12, 31, 13, 40, tzinfo=dt.UTC)
    today = ReportedTime(written - dt.timedelta(minutes=40))
    earlier = ReportedTime(written - dt.timedelta(days=1))
    for kind, (status, cause) in _KINDS.items():
        for sent, done, read_at in (
            (None, None, written),
            (today, today, written),
            (today, ReportedTime(written), written),
            (earlier, ReportedTime(written), written),
            (earlier, ReportedTime(written), written + dt.timedelta(days=1)),
        ):
            times = ReceiptTimes(written, sent, done)
            text = receipt_text(status, _FRIEND, times, language, cause, today=read_at)
            yield kind, text
