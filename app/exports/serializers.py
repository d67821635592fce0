"""Customers, receipts, charges and reports as the plain values that commands print."""

import datetime as dt
from collections.abc import Iterable
from enum import Enum
from typing import Any

from msgspec import Struct
from msgspec.structs import fields, replace

from app.bootstrap import Container
from receipts.charging.tariffs import fees, tariff_on
from receipts.model.calendar import SHANGHAI
from receipts.model.charge import Charge
from receipts.model.customer import Subscription
from receipts.model.message import MessageTrace, ReportEvent
from receipts.model.receipt import Receipt
from receipts.model.reported_time import ReportedTime, TimePrecision
from receipts.model.vocabulary import Language, Msisdn
from receipts.reports.message_trace import done_time
from receipts.subscriptions.promotions import consented_categories

_RECEIPT = (
    *("id", "message_id", "recipient", "outcome", "mode", "sent_as", "provider", "state", "text"),
    *("text_sent", "text_done", "created_at", "sent_at", "done_at", "attempts"),
    *("charge_fen", "note"),
)
_UNSURE = ("id", "number", "provider", "sent_as", "attempts", "requested_at", "note", "text")
_TRACE = ("message_id", "sender", "recipient", "status", "parts", "receipt_id", "no_receipt_reason")
_FEES = ("monthly_fen", "per_receipt_fen", "free_receipts", "trial_days")
_EVENT = ("at", "raw_status", "no_receipt_reason")

#: Printed names of fields, where programs that read the output know an earlier name.
_PRINTED = {
    "sender": "from",
    "recipient": "to",
    "requested_at": "asked_at",
    "status": "fate",
    "raw_status": "word",
    "receipt_id": "receipt",
    "no_receipt_reason": "why_not",
    "text_sent": "text_sent_at",
    "text_done": "text_done_at",
}


def serialize_customer(services: Container, number: Msisdn) -> dict[str, Any]:
    """One customer, for ``show``. Raises StoreUnavailableError."""
    customer = services.store.load(number).subscription
    home = services.policy.service_area(customer).number_info
    values = {
        "number": number,
        "province": home.province,
        "state": customer.state,
        "mode": customer.mode,
        "language": services.policy.language(customer),
        "opened_at": customer.opened_at,
        "ends_at": customer.ends_at,
        "channel": customer.channel,
        "fees": _fees(services, customer),
        "messages": consented_categories(customer),
        "network": home.network,
        # Origin of province and network: record, ported, lookup, asked, trial, prefix or unknown.
        "source": home.source,
        "trial": services.policy.is_trial_person(number),
    }
    return {name: plain_value(value) for name, value in values.items()}


def _fees(services: Container, customer: Subscription) -> dict[str, Any] | None:
    """The tariff agreed to, or the one in force; None where no province is covered."""
    province = services.policy.service_area(customer).province
    if province is None:
        return None
    agreed_tariff = province.tariff(customer.tariff) if customer.tariff else None
    tariff = agreed_tariff or tariff_on(province, services.clock.now())
    in_words = {language.value: fees(language, tariff) for language in Language}
    return {"tariff": tariff.version} | serialize_fields(tariff, _FEES) | {"in_words": in_words}


def serialize_receipt(receipt: Receipt) -> dict[str, Any]:
    """One receipt, for ``receipts``."""
    return _picked(receipt, _RECEIPT)


def serialize_unsure(receipt: Receipt) -> dict[str, Any]:
    """A receipt whose sending is in doubt, for ``unsure``; a secret text is left out."""
    sealed = receipt.kind.is_secret
    return _picked(replace(receipt, text="") if sealed else receipt, _UNSURE)


def serialize_charge(charge: Charge) -> dict[str, Any]:
    """One charge, for ``charges``; ``charge`` is the one that a credit gives back."""
    columns = ("id", "kind", "fen", "month", "why", "at", "tariff")
    return serialize_fields(charge, (*columns, "charge") if charge.charge_id else columns)


def serialize_trace(trace: MessageTrace) -> dict[str, Any]:
    """One person-to-person text, for ``trail``: each status event with its reason.

    ``earlier`` has the texts that had the same id before, newest first. The oldest of either are
    counted in ``…_dropped`` when they are no longer kept.
    """
    times = {"text_sent_at": trace.submitted, "text_done_at": done_time(trace)}
    printed = _picked(trace, _TRACE) | {name: plain_value(time) for name, time in times.items()}
    printed |= {"news": [_serialize_event(e) for e in trace.history]}
    if trace.dropped_events:
        printed["news_dropped"] = trace.dropped_events
    if trace.dropped_texts:
        printed["earlier_dropped"] = trace.dropped_texts
    if trace.earlier:
        printed["earlier"] = [serialize_trace(each) for each in reversed(trace.earlier)]
    return printed


def _serialize_event(event: ReportEvent) -> dict[str, Any]:
    unread = {"unread": event.unread} if event.unread else {}
    return _picked(event, _EVENT) | unread


def column_names(kind: type[Struct]) -> tuple[str, ...]:
    """The names under which the fields of a record are stored, exported and printed."""
    return tuple(field.encode_name for field in fields(kind))


def serialize_fields(record: Struct, names: Iterable[str]) -> dict[str, Any]:
    """Some fields of a record as plain values, by their stored names."""
    attributes = {field.encode_name: field.name for field in fields(record)}
    return {name: plain_value(getattr(record, attributes[name])) for name in names}


def _picked(record: Struct, names: Iterable[str]) -> dict[str, Any]:
    return {_PRINTED.get(name, name): plain_value(getattr(record, name)) for name in names}


def plain_value(value: object) -> object:
    """A value of a record as it is printed: times in ISO 8601, names of enumerations."""
    if isinstance(value, ReportedTime):
        is_day = value.precision is TimePrecision.DAY
        return (value.at.astimezone(SHANGHAI).date() if is_day else value.at).isoformat()
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Msisdn) else value
