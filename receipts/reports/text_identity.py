"""Texts that share one message id, because the network's ids are counters (decision 009)."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from functools import lru_cache

from msgspec.structs import replace

from receipts.model.message import DeliveryReport, MessageTrace
from receipts.model.receipt import Receipt
from receipts.model.reported_time import distance, is_before
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import Record
from receipts.reports.message_trace import is_final, normalise_message_id

#: Texts kept under one id; the oldest is dropped.
_MAX_TEXTS = 8

#: Largest difference of ``submitted`` between two parts or two reports on one text.
_SUBMITTED_TOLERANCE = dt.timedelta(minutes=10)

#: Largest difference of ``done`` between repeats of one end: some centres stamp each repeat anew.
_DONE_TOLERANCE = dt.timedelta(hours=6)


@lru_cache(maxsize=4096)  # to read a text's receipt, and to make it
def receipt_seed(
    sender: Msisdn, recipient: Msisdn, message_id: str, series: str = "", *, answered: bool = True
) -> str:
    """Seed of the id of a text's receipt; the one for "no answer yet" differs."""
    about = f"{sender}|{recipient}|{normalise_message_id(message_id)}"
    about += f"|{series}" if series else ""
    return seed_of(about if answered else f"{about}|no answer")


def seed_of(about: str) -> str:
    """Seed of the id of a receipt or notice, the same for the same subject."""
    return hashlib.blake2b(about.encode(), digest_size=10).hexdigest()


def texts_of(record: MessageTrace) -> list[MessageTrace]:
    """The texts of a stored trace, oldest first."""
    return [*record.earlier, replace(record, earlier=())]


def record_of(texts: Sequence[MessageTrace], version: int) -> MessageTrace:
    """The stored trace of the texts of one id: the newest text, with the earlier ones in it."""
    if len(texts) == 1:
        return replace(texts[0], version=version)
    *earlier, newest = (replace(text, dropped_texts=0) for text in texts[-_MAX_TEXTS:])
    before = max(text.dropped_texts for text in texts)
    dropped = before + max(0, len(texts) - _MAX_TEXTS)
    return replace(newest, version=version, earlier=tuple(earlier), dropped_texts=dropped)


def within_receipt(trace: MessageTrace, records: Sequence[Record]) -> tuple[Record, ...] | None:
    """The records with a trace in its new receipt; None if the trace needs a record of its own.

    The receipt's id must lead from the text to it, so the text is the only one of its id.
    """
    if trace.earlier or trace.series or trace.dropped_texts:
        return None
    answers = [r for r in records if isinstance(r, Receipt) and r.id == trace.receipt_id]
    others = (record for record in records if record not in answers)
    return (*(each.with_text_trace(trace) for each in answers), *others) if answers else None


def is_found_by_its_reports(receipt: Receipt, trace: MessageTrace) -> bool:
    """Whether each report on an archived receipt's text, when repeated, leads to the archive.

    A report does by its time of sending, so all of them must have stated one: none but the only
    report of a text is sure to.
    """
    if len(trace.history) != 1 or trace.dropped_events or trace.submitted is None:
        return False
    # Without a stated time, a live report's arrival stands for it.
    sent, arrived = trace.submitted.at, trace.history[0].at
    return sent != arrived and sent <= receipt.created_at


def position_of(
    texts: Sequence[MessageTrace], report: DeliveryReport, validity: dt.timedelta
) -> int | None:
    """Position of the text that a report belongs to, the newest possible; None for a new text."""
    for position in reversed(range(len(texts))):
        if _is_same_text(texts[position], report, validity):
            return position
    return None


def new_text(report: DeliveryReport, beside: Sequence[MessageTrace] = ()) -> MessageTrace:
    """Empty trace of a text; beside others of its id, it has its own series of receipt ids."""
    series = series_at(report.at, beside) if beside else ""
    return MessageTrace(report.message_id, report.sender, report.recipient, series=series)


def series_at(begun: dt.datetime, beside: Sequence[MessageTrace]) -> str:
    """Series of a text by the arrival of its first report, and its number in the record.

    The reports of a batch arrive at one moment.
    """
    numbers = (int(text.series.partition("-")[2]) for text in beside if text.series)
    return f"{begun.astimezone(dt.UTC):%Y%m%d%H%M%S%f}-{max(numbers, default=0) + 1}"


def _is_same_text(text: MessageTrace, report: DeliveryReport, validity: dt.timedelta) -> bool:
    if text.submitted and report.submitted:
        return distance(text.submitted, report.submitted) <= _SUBMITTED_TOLERANCE
    if report.live or not text.part_statuses or not is_final(text):
        return True
    ends = {final.part: final.done for final in text.part_statuses if final.done}
    last = max(ends.values(), key=lambda each: each.at, default=None)
    if report.submitted and last and is_before(last, report.submitted):
        return False
    if report.done and (end := ends.get(report.part, last)):
        # One text does not come to the same end twice; a contradiction may come much later.
        limit = _DONE_TOLERANCE if text.status is report.status else validity
        return distance(report.done, end) <= limit
    age = report.at - max(final.at for final in text.part_statuses)
    return is_repeat_at(text.message_id, age, validity)


def is_repeat_at(message_id: str, age: dt.timedelta, validity: dt.timedelta) -> bool:
    """Whether a report without times still concerns a text that ended this long ago.

    An id beyond 64 bits is no counter, so it names one text for ever.
    """
    return age <= validity or not normalise_message_id(message_id).isdigit()
