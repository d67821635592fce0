"""Customers, receipts, charges and reports as the plain values that commands print."""

import datetime as dt
from collections.abc import Iterable
from enum import Enum
from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from app.bootstrap import Container
from receipts.charging.tariffs import fees, tariff_on
from receipts.model.charge import Charge
from receipts.model.customer import Subscription
from receipts.model.message import MessageTrace
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Language, Msisdn
from receipts.reports.reconciliation import Reconciliation
from receipts.subscriptions.promotions import consented_categories


def serialize_customer(services: Container, number: Msisdn) -> dict[str, Any]:
    """One customer, for ``show``. Raises: StoreUnavailable."""
    customer = services.store.load(number).subscription
    area = services.policy.service_area(customer)
    return _plain(
        {
            "number": number,
            "province": area.number_info.province,
            "state": customer.state,
            "mode": customer.mode,
            "language": services.policy.language(customer),
            "opened_at": customer.opened_at,
            "ends_at": customer.ends_at,
            "channel": customer.channel,
            "fees": _fees(services, customer),
            "messages": consented_categories(customer),
            "network": area.number_info.network,
            # Origin of province and network: record, ported, lookup, asked, prefix or unknown.
            "source": area.number_info.source,
        }
    )


def _fees(services: Container, customer: Subscription) -> dict[str, Any] | None:
    """The tariff agreed to, or the one in force; None where no province is covered."""
    province = services.policy.service_area(customer).province
    if province is None:
        return None
    agreed_tariff = province.tariff(customer.tariff) if customer.tariff else None
    tariff = agreed_tariff or tariff_on(province, services.clock.now())
    return {
        "tariff": tariff.version,
        "monthly_fen": tariff.monthly_fen,
        "per_receipt_fen": tariff.per_receipt_fen,
        "free_receipts": tariff.free_receipts,
        "trial_days": tariff.trial_days,
        "in_words": {language.value: fees(language, tariff) for language in Language},
    }


def serialize_receipt(receipt: Receipt) -> dict[str, Any]:
    """One receipt, for ``receipts``."""
    return _plain(
        {
            "id": receipt.id,
            "message_id": receipt.message_id,
            "to": receipt.recipient,
            "outcome": receipt.outcome,
            "mode": receipt.mode,
            "sent_as": receipt.sent_as,
            "provider": receipt.provider,
            "state": receipt.state,
            "text": receipt.text,
            "created_at": receipt.created_at,
            "sent_at": receipt.sent_at,
            "done_at": receipt.done_at,
            "attempts": receipt.attempts,
            "charge_fen": receipt.charge_fen,
            "note": receipt.note,
        }
    )


def serialize_unsure(receipt: Receipt) -> dict[str, Any]:
    """A receipt whose sending is in doubt, for ``unsure``."""
    return _plain(
        {
            "id": receipt.id,
            "number": receipt.number,
            "provider": receipt.provider,
            "sent_as": receipt.sent_as,
            "attempts": receipt.attempts,
            "asked_at": receipt.requested_at,
            "note": receipt.note,
            "text": receipt.text,
        }
    )


def serialize_charge(charge: Charge) -> dict[str, Any]:
    """One charge, for ``charges``."""
    return serialize_fields(charge, ("id", "kind", "fen", "month", "why", "at", "tariff"))


def column_names(kind: type[Struct]) -> tuple[str, ...]:
    """The names under which the fields of a record are stored, exported and printed."""
    return tuple(field.encode_name for field in fields(kind))


def serialize_fields(record: Struct, names: Iterable[str]) -> dict[str, Any]:
    """Some fields of a record as plain values, by their stored names."""
    attributes = {field.encode_name: field.name for field in fields(record)}
    return _plain({name: getattr(record, attributes[name]) for name in names})


def serialize_reconciliation(reconciliation: Reconciliation) -> dict[str, Any]:
    """Counts of reports, receipts and refusal reasons, for ``reconcile``."""
    return {
        "reports": reconciliation.reports,
        "receipts": reconciliation.receipts,
        "reasons": reconciliation.reasons,
        "missing": reconciliation.missing,
        "balanced": reconciliation.missing == 0,
    }


def serialize_trace(trace: MessageTrace) -> dict[str, Any]:
    """One person-to-person text, for ``trail``: each status event with its reason."""
    return _plain(
        {
            "message_id": trace.message_id,
            "from": trace.sender,
            "to": trace.recipient,
            "fate": trace.status,
            "parts": trace.parts,
            "receipt": trace.receipt_id,
            "why_not": trace.no_receipt_reason,
            "news": [
                _plain(
                    {"at": event.at, "word": event.raw_status, "why_not": event.no_receipt_reason}
                )
                for event in trace.history
            ],
        }
    )


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in values.items()}


def _value(value: object) -> object:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Msisdn) else value
