"""Evidence for a charge: the offer shown, the answer given, and the chain of both."""

from collections.abc import Sequence
from typing import Any

from app.bootstrap import Container
from app.exports.serializers import column_names, serialize_charge, serialize_fields
from commands.evidence.results import chain_evidence
from commands.params import CommandError
from receipts.charging.charges import months_kept
from receipts.charging.tariffs import fees
from receipts.model.charge import AuditEntry, Charge
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Msisdn
from receipts.subscriptions.consent import ConsentEvidence, evidence_for
from receipts.subscriptions.consent_chain import check_chain
from receipts.subscriptions.consent_roots import DayRoot


def consent_bundle(
    services: Container,
    number: Msisdn,
    charge_id: str | None,
    months: Sequence[str],
    roots: Sequence[DayRoot] = (),
) -> tuple[dict[str, Any], bool]:
    """The evidence for one charge, or the whole chain; and whether it is valid.

    ``roots`` were kept outside the store, and are compared with it.
    Raises CommandError without a charge of that id, StoreUnavailableError.
    """
    check = check_chain(services.store, services.clients.bulk_reader, number)
    customer, entries, broken_link = check.customer, check.entries, check.broken_link
    bundle: dict[str, Any] = {"number": str(number)}
    consent: ConsentEvidence | None = None
    if charge_id is not None:
        charge = _find_charge(services, number, charge_id, months)
        consent = evidence_for(entries, charge)
        bundle |= {
            "charge": serialize_charge(charge),
            "offer": _serialize_entry(consent.offer) if consent else None,
            "reply": _serialize_entry(consent.reply) if consent else None,
            "tariff_agreed": _tariff(services, customer, consent.reply.tariff if consent else ""),
            "tariff_in_force": _tariff(services, customer, charge.tariff),
        }
    shown = consent.entries if consent else entries
    bundle["entries"] = [_serialize_entry(entry) for entry in shown]
    bundle["chain"] = _chain_state(entries, broken_link)
    if not bundle["chain"]["from_the_first"]:
        # Not only the months with charges: the log has offers and answers of others too.
        kept = months_kept(services.policy.book, services.clock.now())
        logged = services.clients.bulk_reader.consent_logged(number, kept)
        bundle["chain"]["dropped"] = max(0, logged - len(entries))
    evidence = chain_evidence(services, number, entries, shown, roots)
    bundle["root"] = evidence.values
    agreed = charge_id is None or consent is not None
    return bundle, broken_link is None and agreed and evidence.valid


def _find_charge(
    services: Container, number: Msisdn, charge_id: str, months: Sequence[str]
) -> Charge:
    charges = services.store.charges_of(number, months)
    found = next((charge for charge in charges if charge.id == charge_id), None)
    if found is None:
        raise CommandError(
            f"{number.national} has no charge {charge_id}; `sms-receipt charges "
            f"{number.national}` lists all charges"
        )
    return found


def _tariff(services: Container, customer: Subscription, version: str) -> dict[str, Any] | None:
    """A tariff in the languages of the customer's province; its version alone if it is gone."""
    province = services.policy.service_area(customer).province
    if province is None or (tariff := province.tariff(version)) is None:
        return {"version": version} if version else None
    in_words = {language.value: fees(language, tariff) for language in province.languages}
    return {"version": version, "from": tariff.since.isoformat(), "in_words": in_words}


def _serialize_entry(entry: AuditEntry) -> dict[str, Any]:
    return serialize_fields(entry, column_names(AuditEntry))


def _chain_state(entries: Sequence[AuditEntry], broken_link: int | None) -> dict[str, Any]:
    """The state of the chain; ``first_wrong`` counts entries from the oldest kept, from 1."""
    state: dict[str, Any] = {"entries": len(entries), "intact": broken_link is None}
    # Old entries expire, so a chain that does not begin at the first one is no sign of tampering.
    state["from_the_first"] = not entries or not entries[0].previous_hash
    if broken_link is None:
        return state
    state["first_wrong"] = broken_link + 1
    if broken_link == len(entries):
        why = "the last entries are missing, or the customer's own record was rewritten"
        return state | {"why": why}
    why = "this entry or the one before it was changed after it was written"
    return state | {"why": why, "entry": _serialize_entry(entries[broken_link])}
