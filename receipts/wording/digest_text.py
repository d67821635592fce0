"""The text of several receipts at once: within one segment, the bad news first."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from receipts.model.vocabulary import Language, Msisdn, ReceiptOutcome
from receipts.wording.receipt_text import sentences
from receipts.wording.segments import segments

MemberStatus = tuple[ReceiptOutcome, Msisdn]

#: What a customer may have to act upon comes first, and is the last to be left out.
_FIRST = (
    ReceiptOutcome.FAILED,
    ReceiptOutcome.REJECTED,
    ReceiptOutcome.NO_ANSWER,
    ReceiptOutcome.DELIVERED,
)

#: Between friends, and between outcomes.
_FRIENDS = {Language.ZH: "、", Language.EN: ", "}
_OUTCOMES = {Language.ZH: "，", Language.EN: "; "}

#: Digits by which people know a number that they cannot see whole.
_ENDING = 4


def digest_text(members: Sequence[MemberStatus], language: Language) -> str:
    """What became of several texts, newest first as given, in one segment.

    Friends go by their whole number while there is room, else by its last digits where these tell
    them apart; those for whom there is no room at all are counted.
    """
    times = Counter(members)
    entries = sorted(times, key=lambda each: _FIRST.index(each[0]))  # stable: newest stay first
    friends = {recipient for _, recipient in entries}
    apart = len({recipient[-_ENDING:] for recipient in friends}) == len(friends)
    forms = ("numbers", "endings") if apart else ("numbers",)
    for shown in range(len(entries), 0, -1):
        for form in forms:
            text = _render(entries[:shown], times, form, language)
            if segments(text) == 1:
                return text
    raise ValueError("a number that does not fit a text")


def _render(
    entries: Sequence[MemberStatus], times: Counter[MemberStatus], form: str, language: Language
) -> str:
    say = sentences().render
    parts = []
    for outcome, group in groupby(entries, key=lambda each: each[0]):
        named = _FRIENDS[language].join(_friend(each, times, form, language) for each in group)
        text = say(f"digest.{outcome}", language)
        parts.append(say(f"digest.{form}", language, friends=named, outcome=text))
    count, more = times.total(), times.total() - sum(times[each] for each in entries)
    key = "digest.some" if more else "digest.all"
    params = {"more": more} if more else {}
    return say(key, language, count=count, list=_OUTCOMES[language].join(parts), **params)


def _friend(
    members: MemberStatus, times: Counter[MemberStatus], form: str, language: Language
) -> str:
    recipient = members[1].national if form == "numbers" else members[1][-_ENDING:]
    if times[members] == 1:
        return recipient
    return sentences().render("digest.times", language, friend=recipient, times=times[members])
