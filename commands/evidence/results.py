"""Results of the comparison with kept roots, as `consent` and `export audit` print them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import to_builtins

from app.bootstrap import Container
from commands.evidence.comparison import NO_ROOT, ConsentLog, RootComparison
from commands.evidence.signing import load_key, public_key, sign
from receipts.model.charge import AuditEntry
from receipts.model.vocabulary import Msisdn
from receipts.store.commit_script import LONGEST_CHAIN
from receipts.subscriptions.consent_roots import DayRoot, day_of


@dataclass(frozen=True, slots=True)
class RootEvidence:
    """A result to print, and whether it contradicts nothing that was asked for."""

    values: dict[str, Any]
    valid: bool

    def short(self) -> dict[str, Any]:
        """The values for a terminal: of the roots the last one."""
        roots = self.values.get("roots", [])
        last = f"{roots[-1]['day']}: {roots[-1]['root']}" if roots else None
        others = {name: value for name, value in self.values.items() if name != "roots"}
        return others | {"last_root": last} if "roots" in self.values else others


#: Of an export that holds no consent.
NO_EVIDENCE = RootEvidence({}, valid=True)


def month_evidence(services: Container, month: str, kept: Sequence[DayRoot]) -> RootEvidence:
    """The signed roots of a month, and the comparison of the store with kept roots.

    Raises SettingsError, StoreUnavailableError.
    """
    log, setting = _log_of(services), services.settings.consent_signing_key
    values: dict[str, Any] = {"signature": "not signed", "roots": []}
    if setting:
        key = load_key(setting)
        values["signature"] = f"signed by {public_key(key)}"
        values["roots"] = [sign(root, key) for root in log.roots_to_sign(month)]
    comparison = log.compare(kept)
    return RootEvidence(values | _summary(comparison), _is_valid(comparison, kept))


def chain_evidence(
    services: Container,
    number: Msisdn,
    chain: Sequence[AuditEntry],
    shown: Sequence[AuditEntry],
    kept: Sequence[DayRoot],
) -> RootEvidence:
    """The comparison of one customer's chain with kept roots, and the proofs of shown entries.

    Raises StoreUnavailableError.
    """
    if not kept:
        return RootEvidence({"compared": NO_ROOT}, valid=True)
    days = {day_of(entry) for entry in shown}
    comparison = _log_of(services).compare(kept, number, days)
    if comparison.until is None:
        return RootEvidence(_summary(comparison), valid=False)
    _name_entries(comparison, chain)
    values = _summary(comparison)
    if comparison.differences:
        return RootEvidence(values, valid=False)
    since, until = comparison.computed[0].day, comparison.until
    covered = sum(since <= day_of(entry) <= until for entry in shown)
    if shown and not covered:
        values["compared"] = f"{NO_ROOT}: none covers these entries"
    elif covered < len(shown):
        values["compared"] += f", which covers {covered} of {len(shown)} entries"
    return RootEvidence(values | _proofs(comparison, shown), valid=bool(covered or not shown))


def _log_of(services: Container) -> ConsentLog:
    return ConsentLog(services.clients.bulk_reader, services.book, services.clock.now())


def _summary(comparison: RootComparison) -> dict[str, Any]:
    values: dict[str, Any] = {"compared": comparison.result}
    if comparison.computed:
        values["since"] = comparison.computed[0].day.isoformat()
    if comparison.expired:
        values["expired_roots"] = [day.isoformat() for day in comparison.expired]
    return values


def _is_valid(comparison: RootComparison, kept: Sequence[DayRoot]) -> bool:
    """Roots that were given must have been compared, and none may differ."""
    return not comparison.differences and (comparison.until is not None or not kept)


def _name_entries(comparison: RootComparison, chain: Sequence[AuditEntry]) -> None:
    """Put the entries of a chain that are not proved before the other differences."""
    until, total = comparison.until or dt.date.min, len(chain)
    first_day = comparison.computed[0].day
    numbers = [n for n, entry in enumerate(chain, 1) if day_of(entry) == comparison.different_day]
    if numbers:
        comparison.differences.insert(0, _not_proved(numbers, total))
    covered = [entry for entry in chain if first_day <= day_of(entry) <= until]
    logged = [proof.entry for proof in comparison.entries]
    if len(chain) >= LONGEST_CHAIN:  # its oldest entries are dropped in time
        logged = logged[max(0, len(logged) - len(covered)) :]
    before = sum(day_of(entry) < first_day for entry in chain)
    for index in range(max(len(covered), len(logged))):
        if covered[index : index + 1] != logged[index : index + 1]:
            wrong = f"entry {before + index + 1} of {total} differs from the audit log"
            comparison.differences.insert(0, wrong)
            return


def _not_proved(numbers: Sequence[int], total: int) -> str:
    first, last = numbers[0], numbers[-1]
    if first == last:
        return f"entry {first} of {total} is not proved"
    return f"entries {first} to {last} of {total} are not proved"


def _proofs(comparison: RootComparison, shown: Sequence[AuditEntry]) -> dict[str, Any]:
    """The proofs of shown entries (counted from 1), and all roots from their days to the last."""
    by_entry = {proof.entry: proof for proof in comparison.entries}
    proved = [(n, by_entry[entry]) for n, entry in enumerate(shown, 1) if entry in by_entry]
    proofs = [
        {
            "entry": number,
            "day": proof.day.isoformat(),
            "index": proof.index,
            "path": [each.hex() for each in proof.path],
        }
        for number, proof in proved
    ]
    first = min((proof.day for _, proof in proved), default=dt.date.max)
    days = [to_builtins(root) for root in comparison.computed if root.day >= first]
    return {"proofs": proofs, "days": days}
