"""One person-to-person text as the network tells of it: its id, its parts, its fate."""

import re
from collections.abc import Sequence
from functools import lru_cache

from msgspec.structs import replace

from receipts.model.message import Fate, Final, Heard, Report, Trail, WhyNot
from receipts.model.vocabulary import Outcome

#: What the receipt tells of each final fate; running out of time is a failure to the sender.
OUTCOME_OF: dict[Fate, Outcome] = {
    Fate.DELIVERED: Outcome.DELIVERED,
    Fate.EXPIRED: Outcome.FAILED,
    Fate.FAILED: Outcome.FAILED,
    Fate.REJECTED: Outcome.REJECTED,
}

#: News kept with a text of one part, and more for each part of a long one; a network that says
#: more than this is repeating itself.
_HISTORY, _HISTORY_A_PART = 40, 4

#: Message centres count in 64 bits. A longer id is a random one, written in one way only.
_NUMBER = re.compile(r"(0x)?0*([0-9a-f]{1,20})", re.ASCII)
_TOO_LARGE = 2**64


@lru_cache(maxsize=16_384)  # of each text asked several times, between reading and writing
def id_form(message_id: str) -> str:
    """The one form in which all spellings of an id are compared: hex or not, padded, any case.

    Only an id with a hex letter or 0x is hex; two plain numbers are never taken for one
    (decision 008).
    """
    plain = message_id.strip().lower()
    number = _NUMBER.fullmatch(plain)
    if number is None:
        return plain
    marked, digits = number.groups()
    value = int(digits, 16 if marked or not digits.isdigit() else 10)
    return str(value) if value < _TOO_LARGE else plain


def word_of(report: Report) -> str:
    """What a report says, by which a repeat of it is known."""
    return f"{report.part}/{report.parts} {report.word}" if report.parts > 1 else report.word


def knows(trail: Trail, report: Report) -> bool:
    """Whether the very same was said of this text before."""
    word = word_of(report)
    return any(heard.word == word for heard in trail.history)


def noted(
    trail: Trail, report: Report, why_not: WhyNot | None, *, version: int, over: bool
) -> Trail:
    """The trail with one more piece of news, and why that one gave no receipt.

    Where its fate is known now, ``over``, that is why the whole text gave none.
    """
    parts = trail.parts if decided(trail) else max(trail.parts, report.parts)
    kept = max(_HISTORY, _HISTORY_A_PART * parts)
    heard = Heard(report.at, word_of(report), why_not)
    return replace(
        trail,
        version=version,
        parts=parts,
        history=(*trail.history, heard)[-kept:],
        why_not=why_not if over else trail.why_not,
    )


def with_final(trail: Trail, report: Report) -> Trail:
    """The trail with the fate of one more part; the text's own fate once it has all of them."""
    parts = max(trail.parts, report.parts)
    finals = (*trail.finals, Final(report.part, report.fate, report.at))
    return replace(trail, parts=parts, finals=finals, fate=_fate_of(finals, parts))


def decided(trail: Trail) -> bool:
    """Whether the fate of the whole text is known: from then on it stands."""
    return trail.fate in OUTCOME_OF


def _fate_of(finals: Sequence[Final], parts: int) -> Fate:
    """The fate of a whole text: final when all its parts are, failed when one of them is."""
    if len(finals) < parts:
        return Fate.UNDERWAY
    # Of several failed parts the first one speaks, so that their order of arrival does not matter.
    failed = [final for final in finals if final.fate is not Fate.DELIVERED]
    return min(failed).fate if failed else Fate.DELIVERED


def not_final(trail: Trail, report: Report) -> WhyNot | None:
    """Why a report tells no fate that we did not know; None when it does."""
    if report.fate is Fate.UNKNOWN:
        return WhyNot.UNKNOWN_WORD
    if report.fate not in OUTCOME_OF:
        return WhyNot.UNDERWAY
    of_part = {final.part: final.fate for final in trail.finals}
    known = of_part.get(report.part, trail.fate if decided(trail) else None)
    if known is None:
        return None
    return WhyNot.REPEATED if known is report.fate else WhyNot.CONTRADICTED
