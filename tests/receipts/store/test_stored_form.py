"""The stored form of each record: its keys and enum values stay when Python names change."""

import datetime as dt
import enum
import json
import types
import typing
from pathlib import Path

import msgspec
import pytest

from receipts.model.charge import AuditEntry, Charge
from receipts.model.customer import (
    CallLog,
    CustomerCredentials,
    DailyReplyCount,
    LoginState,
    Subscription,
)
from receipts.model.message import MessageTrace
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import Reply
from receipts.store.codec import encode
from receipts.worker.circuit_breaker import BreakerState

EXPECTED: dict[str, typing.Any] = json.loads(
    Path(__file__).with_name("stored_records.json").read_text()
)

RECORDS: dict[str, type[msgspec.Struct]] = {
    "subscription": Subscription,
    "receipt": Receipt,
    "message trace": MessageTrace,
    "daily reply count": DailyReplyCount,
    "call log": CallLog,
    "customer credentials": CustomerCredentials,
    "login state": LoginState,
    "charge": Charge,
    "audit entry": AuditEntry,
    "reply": Reply,
    "breaker state": BreakerState,
}


def sample(kind: typing.Any) -> typing.Any:  # noqa: ANN401 - a type at run time, and a value of it
    """A value of a type, every field of a record set."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in {types.UnionType, typing.Union}:
        return sample(args[0])
    if origin is tuple:
        # A trace has traces in itself.
        inner = MessageTrace("text", sample(Msisdn), sample(Msisdn))
        kinds = (each for each in args if each is not ...)
        return tuple(inner if each is MessageTrace else sample(each) for each in kinds)
    if origin is dict:
        return {sample(args[0]): sample(args[1])}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return list(kind)[-1]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind)
        return kind(
            **{each.name: sample(hints[each.name]) for each in msgspec.structs.fields(kind)}
        )
    plain = {
        str: "text",
        int: 7,
        bool: True,
        Msisdn: Msisdn("+8613802880000"),
        dt.date: dt.date(2026, 11, 22),
        dt.datetime: dt.datetime(2026, 11, 22, 4, 0, tzinfo=dt.UTC),
    }
    return plain[kind]


@pytest.mark.parametrize("name", RECORDS)
def test_record_is_stored_under_the_same_keys(name: str):
    assert json.loads(encode(sample(RECORDS[name]))) == EXPECTED[name]
