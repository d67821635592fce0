"""What proves that a charge was agreed to: the offer, the answer, and a chain nobody rewrote."""

from collections.abc import Sequence
from typing import Any

from receipts.consent import Consent, broken_at, led_to
from receipts.model import Audit, Charge, Msisdn, Subscription
from receipts.tariff import fees
from switchboard import shown
from switchboard.wiring import Services

#: Times we look again when the customer changed between our two reads.
_LOOKS = 5


class NoSuchCharge(LookupError):
    """The customer has no charge with that id."""


def bundle(
    built: Services, number: Msisdn, charge_id: str | None, months: Sequence[str]
) -> tuple[dict[str, Any], bool]:
    """The proof for one charge, or the whole chain; and whether it holds.

    Raises NoSuchCharge and StoreUnavailable.
    """
    customer, entries = _read(built, number)
    broken = broken_at(entries, customer.chain)
    told: dict[str, Any] = {"number": str(number)}
    consent: Consent | None = None
    if charge_id is not None:
        charge = _charge(built, number, charge_id, months)
        consent = led_to(entries, charge)
        told |= _about(built, customer, charge, consent)
    kept = consent.entries if consent else entries
    told["entries"] = [_entry(entry) for entry in kept]
    told["chain"] = _chain(entries, broken)
    return told, broken is None and (charge_id is None or consent is not None)


def _read(built: Services, number: Msisdn) -> tuple[Subscription, list[Audit]]:
    """A customer with the chain as it was at the same moment."""
    customer = built.store.read(number).subscription
    for _ in range(_LOOKS):
        entries = built.memory.archive.consent(number)
        again = built.store.read(number).subscription
        if again.version == customer.version:
            break
        customer = again
    return customer, entries


def _charge(built: Services, number: Msisdn, charge_id: str, months: Sequence[str]) -> Charge:
    held = built.store.charges_of(number, months)
    found = next((charge for charge in held if charge.id == charge_id), None)
    if found is None:
        raise NoSuchCharge(f"{number.national} has no charge {charge_id}")
    return found


def _about(
    built: Services, customer: Subscription, charge: Charge, consent: Consent | None
) -> dict[str, Any]:
    agreed = consent.reply.tariff if consent else ""
    return {
        "charge": shown.charge(charge),
        "offer": _entry(consent.offer) if consent else None,
        "reply": _entry(consent.reply) if consent else None,
        "tariff_agreed": _tariff(built, customer, agreed),
        "tariff_in_force": _tariff(built, customer, charge.tariff),
    }


def _tariff(built: Services, customer: Subscription, version: str) -> dict[str, Any] | None:
    province = built.policy.service_area(customer).province
    found = province.tariff(version) if province else None
    if found is None:
        return {"version": version} if version else None
    words = {
        language.value: fees(language, found)
        for language in (province.languages if province else ())
    }
    return {"version": version, "from": found.since.isoformat(), "in_words": words}


def _entry(entry: Audit) -> dict[str, Any]:
    return shown.fields(entry, Audit.__struct_fields__)


def _chain(entries: Sequence[Audit], broken: int | None) -> dict[str, Any]:
    """The state of the chain; ``first_wrong`` counts from the oldest entry kept, beginning at 1."""
    told: dict[str, Any] = {"entries": len(entries), "intact": broken is None}
    # Old entries are dropped in time, so one that is missing at the beginning is no proof of much.
    told["from_the_first"] = not entries or not entries[0].before_hash
    if broken is None:
        return told
    missing = broken == len(entries)
    told["first_wrong"] = broken + 1
    told["why"] = (
        "the last entries are missing, or the customer's own record was rewritten"
        if missing
        else "this entry, or the one before it, is not as it was written"
    )
    return told | ({} if missing else {"entry": _entry(entries[broken])})
