"""All data of one person as plain values."""

from typing import Any

from msgspec import Struct, to_builtins
from msgspec.structs import fields, replace

from app.bootstrap import Container
from app.exports.serializers import (
    column_names,
    plain_value,
    serialize_charge,
    serialize_customer,
    serialize_fields,
    serialize_trace,
)
from receipts.subscriptions.personal_data import PersonalData

#: Fields that prove an identity: whether they are held is told, not their value.
_SECRETS = frozenset({"id_digest", "password_digest", "session", "codes"})


def exported(services: Container, data: PersonalData) -> dict[str, Any]:
    """The records of a person by section; of digests only that they are held."""
    customer = data.subscription
    return {
        "number": customer.number,
        "subscription": serialize_customer(services, customer.number),
        "record": _all_fields(customer),
        "credentials": _all_fields(data.credentials),
        "login": _all_fields(data.login),
        "replies": _all_fields(data.reply_count),
        # The traces in receipts are among the texts.
        "receipts": [
            _all_fields(replace(each, text_trace=None)) for each in (*data.receipts, *data.archived)
        ],
        "receipts_from_archive": len(data.archived),
        "receipts_not_readable": list(data.unreadable),
        "charges": [serialize_charge(charge) for charge in data.charges],
        "consent": [serialize_fields(e, column_names(type(e))) for e in data.consent],
        "texts": [serialize_trace(trace) for trace in data.texts],
        "calls": [_all_fields(call) for call in data.calls],
        "timers": [_all_fields(timer) for timer in data.timers],
        "lookups": [_all_fields(look) for look in data.lookups],
        "kept": _all_fields(services.book.retention),
    }


def _all_fields(record: Struct | None) -> dict[str, Any] | None:
    """A record's fields that have another value than the default, by their names."""
    if record is None:
        return None
    held = {each.name: getattr(record, each.name) for each in fields(record)}
    defaults = {each.name: each.default for each in fields(record)}
    return {
        name: "held" if name in _SECRETS else _plain(value)
        for name, value in held.items()
        if value != defaults[name] and name != "version"
    }


def _plain(value: object) -> object:
    """A value of a record as JSON has it, with times in ISO 8601."""
    return to_builtins(plain_value(value), enc_hook=str)
