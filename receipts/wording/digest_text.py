"""Text of a digest of several receipts: one segment, failures first."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from receipts.model.vocabulary import Language, Msisdn, ReceiptOutcome
from receipts.wording.receipt_text import sentences
from receipts.wording.segments import segments

MemberStatus = tuple[ReceiptOutcome, Msisdn]

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


def digest_text(members: Sequence[MemberStatus], language: Language) -> str:
    """Outcomes of several texts, newest first as given, in one segment.

    Numbers are whole, else unambiguous endings; recipients that do not fit are counted.
    Raises: ValueError if one number alone does not fit.
    """
    times = Counter(members)
    entries = sorted(times, key=lambda each: _FIRST.index(each[0]))  # stable: newest stay first
    recipients = {recipient for _, recipient in entries}
    distinct = len({each[-_ENDING_DIGITS:] for each in recipients}) == len(recipients)
    forms = ("numbers", "endings") if distinct else ("numbers",)
    for shown in range(len(entries), 0, -1):
        for form in forms:
            text = _render(entries[:shown], times, form, language)
            if segments(text) == 1:
                return text
    raise ValueError("a number that does not fit a text")


def _render(
    entries: Sequence[MemberStatus], times: Counter[MemberStatus], form: str, language: Language
) -> str:
    render, parts = sentences().render, []
    for outcome, group in groupby(entries, key=lambda each: each[0]):
        named = [_recipient(each, times[each], form, language) for each in group]
        text = render(f"digest.{outcome}", language)
        listed = _RECIPIENTS[language].join(named)
        parts.append(render(f"digest.{form}", language, friends=listed, outcome=text))
    count = times.total()
    more = count - sum(times[each] for each in entries)
    key = "digest.some" if more else "digest.all"
    return render(key, language, count=count, more=more, list=_OUTCOMES[language].join(parts))


def _recipient(member: MemberStatus, count: int, form: str, language: Language) -> str:
    number = member[1].national if form == "numbers" else member[1][-_ENDING_DIGITS:]
    if count == 1:
        return number
    return sentences().render("digest.times", language, friend=number, times=count)
