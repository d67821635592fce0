"""Wishes about a part of the service: flash or regular texts, and the language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from receipts.model.vocabulary import Intent
from receipts.rulebook.schema import PhraseRole

_R = PhraseRole


@dataclass(frozen=True, slots=True)
class Token:
    """A phrase with its role; without one, an unknown unit. Each mark begins a new clause."""

    role: PhraseRole | None
    text: str
    clause: int


#: Intents of a part that is wanted, and of one that is not.
_WANTED: Mapping[PhraseRole | None, Intent] = {
    _R.FLASH: Intent.FLASH,
    _R.REGULAR: Intent.ORDINARY,
    _R.CHINESE: Intent.CHINESE,
    _R.ENGLISH: Intent.ENGLISH,
}
_INSTEAD: Mapping[PhraseRole | None, Intent] = {
    _R.FLASH: Intent.ORDINARY,
    _R.REGULAR: Intent.FLASH,
    _R.CHINESE: Intent.ENGLISH,
    _R.ENGLISH: Intent.CHINESE,
}
PARTS = frozenset(_WANTED)

_NEGATORS = {_R.REFUSAL, _R.NEGATION}
_AGAINST = {_R.CANCELLING, _R.LEAVE, _R.WEAK, *_NEGATORS}
#: Subjects beside which a refusal is of the service, or concerns another matter.
_WHOLE = {_R.SERVICE, _R.GENERIC}
_ELSEWHERE = {_R.OTHER, _R.CHARGES, _R.EXTRAS}


def part_intent(tokens: Sequence[Token]) -> Intent | None:
    """The intent of a wish about a part, such as "turn off flash messages"; else None.

    A sentence with a refusal of anything else is none: "my phone has no flash messages, cancel".
    """
    roles = {token.role for token in tokens}
    if not roles & PARTS or roles & _ELSEWHERE:
        return None
    clauses: dict[int, set[PhraseRole | None]] = {}
    for token in tokens:
        clauses.setdefault(token.clause, set()).add(token.role)
    against = {number for number, clause in clauses.items() if clause & _AGAINST}
    if any(not clauses[each] & PARTS or clauses[each] & _WHOLE for each in against):
        return None
    if any(clauses[each] & _NEGATORS and _R.CANCELLING in clauses[each] for each in against):
        return None
    target = _switched_to(tokens)
    if target is not None:
        return target
    wanted = {token.role for token in tokens if token.role in PARTS and token.clause not in against}
    refused = (roles & PARTS) - wanted
    # Receipts as regular texts that are refused alone are all of the receipts.
    if not refused or (refused == {_R.REGULAR} and not wanted):
        return None
    named = {_WANTED[each] for each in wanted} or {_INSTEAD[each] for each in refused}
    return named.pop() if len(named) == 1 else None


def _switched_to(tokens: Sequence[Token]) -> Intent | None:
    """The part behind the last verb of a switch; another one if the verb is negated."""
    verbs = [at for at, token in enumerate(tokens) if token.role is _R.SWITCH]
    if not verbs:
        return None
    target = next((token for token in tokens[verbs[-1] :] if token.role in PARTS), None)
    before = [token for token in tokens[: verbs[-1]] if token.role is not _R.POLITE]
    if target is None:
        return None
    negated = before and before[-1].role in {*_NEGATORS, _R.LEAVE}
    negated = negated and before[-1].clause == target.clause
    return (_INSTEAD if negated else _WANTED)[target.role]
