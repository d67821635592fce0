"""Text of a digest of several receipts: one segment, failures first."""

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import groupby

from receipts.model.reported_time import ReportedTime
from receipts.model.vocabulary import Language, Msisdn, ReceiptOutcome
from receipts.wording.receipt_text import sentences
from receipts.wording.segments import segments
from receipts.wording.times import short_time

#: Outcome and recipient of a text, and the time it was sent if that is known.
MemberStatus = tuple[ReceiptOutcome, Msisdn, ReportedTime | None]

_Recipient = tuple[ReceiptOutcome, Msisdn]

#: Failures come first and are left out last, because a customer may act on them.
_FIRST = (
    ReceiptOutcome.FAILED,
    ReceiptOutcome.REJECTED,
    ReceiptOutcome.NO_ANSWER,
    ReceiptOutcome.DELIVERED,
)

#: Separators of recipients, and of outcomes.
_RECIPIENTS = {Language.ZH: "、", Language.EN: ", "}
_OUTCOMES = {Language.ZH: "，", Language.EN: "; "}

#: Digits shown of a shortened number.
_ENDING_DIGITS = 4


def digest_text(members: Sequence[MemberStatus], language: Language, today: dt.datetime) -> str:
    """Outcomes of several texts, newest first as given, in one segment to send ``today``.

    Numbers are whole, else unambiguous endings. Texts have the times they were sent if all fit;
    recipients that do not fit are counted. Raises: ValueError if one number alone does not fit.
    """
    sent: dict[_Recipient, list[ReportedTime | None]] = {}
    for outcome, recipient, at in members:
        sent.setdefault((outcome, recipient), []).append(at)
    entries = sorted(sent, key=lambda each: _FIRST.index(each[0]))  # stable: newest stay first
    recipients = {recipient for _, recipient in entries}
    distinct = len({each[-_ENDING_DIGITS:] for each in recipients}) == len(recipients)
    forms = ("numbers", "endings") if distinct else ("numbers",)
    timed = {key: _times(each, language, today) for key, each in sent.items()}
    untimed = dict.fromkeys(sent, "")
    lengths = [(len(entries), timed), *((n, untimed) for n in range(len(entries), 0, -1))]
    for shown, times in lengths:
        for form in forms:
            labels = {key: _label(key, len(sent[key]), times[key], form, language) for key in sent}
            more = sum(len(sent[key]) for key in entries[shown:])
            text = _render(entries[:shown], labels, form, language, len(members), more)
            if segments(text) == 1:
                return text
    raise ValueError("a number that does not fit a text")


def _render(
    entries: Sequence[_Recipient],
    labels: Mapping[_Recipient, str],
    form: str,
    language: Language,
    count: int,
    more: int,
) -> str:
    render, parts = sentences().render, []
    for outcome, group in groupby(entries, key=lambda each: each[0]):
        text = render(f"digest.{outcome}", language)
        listed = _RECIPIENTS[language].join(labels[each] for each in group)
        parts.append(render(f"digest.{form}", language, friends=listed, outcome=text))
    key = "digest.some" if more else "digest.all"
    return render(key, language, count=count, more=more, list=_OUTCOMES[language].join(parts))


def _times(sent: Sequence[ReportedTime | None], language: Language, today: dt.datetime) -> str:
    """Times of texts to one recipient; empty unless each is known and they differ."""
    told = [short_time(at, today, language) for at in sent if at is not None]
    return _RECIPIENTS[language].join(told) if len(set(told)) == len(sent) else ""


def _label(entry: _Recipient, count: int, times: str, form: str, language: Language) -> str:
    number = entry[1].national if form == "numbers" else entry[1][-_ENDING_DIGITS:]
    if times:
        return sentences().render("digest.sent", language, friend=number, sent=times)
    if count == 1:
        return number
    return sentences().render("digest.times", language, friend=number, times=count)
