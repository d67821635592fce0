"""Records survive encoding and decoding."""

import datetime as dt
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from receipts.model.charge import AuditEntry, Charge
from receipts.model.customer import CallLog, DailyReplyCount, Subscription
from receipts.model.message import MessageTrace
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.ports.changes import Reply
from receipts.store.codec import decode, decode_record, encode, encode_record
from statemachines.subscription import SubscriptionState

#: All characters except surrogates, which UTF-8 cannot encode.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NUMBERS = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True).map(Msisdn)
MOMENTS = st.datetimes(
    min_value=dt.datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone itself
    max_value=dt.datetime(2999, 12, 31),  # noqa: DTZ001
    timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=8))]),
)
WHOLE = st.integers(min_value=0, max_value=2**53)

for kind, values in ((str, TEXT), (Msisdn, NUMBERS), (dt.datetime, MOMENTS), (int, WHOLE)):
    st.register_type_strategy(kind, values)

KINDS: tuple[type[Any], ...] = (
    *(Subscription, Receipt, MessageTrace, DailyReplyCount),
    *(CallLog, Charge, AuditEntry, Reply),
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_record_round_trips(kind: type[Any]):
    # Each field, also those with a default.
    fields = {name: st.from_type(hint) for name, hint in kind.__annotations__.items()}

    @settings(derandomize=True, deadline=None, max_examples=60)
    @given(st.builds(kind, **fields))
    def round_trip(record: Any) -> None:  # noqa: ANN401 - any of the kinds
        back = decode(kind, encode(record))
        assert back == record
        assert [type(value) for value in astuple(back)] == [type(each) for each in astuple(record)]

    round_trip()


def test_stored_record_begins_with_its_version():
    record = Subscription(Msisdn("+8613802880000"), version=12)
    assert encode_record(record, 12).startswith(b"12|{")
    assert decode_record(Subscription, encode_record(record, 12)) == record
    assert decode_record(Subscription, None) is None


def test_separators_in_texts_round_trip():
    record = AuditEntry(
        dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        Msisdn("+8613802880000"), "text", "a|b", "{s1}", "|", reply_text="5|7\n\0\u200b",
    )  # fmt: skip
    assert decode_record(AuditEntry, encode_record(record, 1)) == record


def test_unknown_types_are_not_encoded_or_decoded():
    with pytest.raises(NotImplementedError):
        encode({"at": object()})
    with pytest.raises(NotImplementedError):
        decode(object.__class__, b"1")
    with pytest.raises(NotImplementedError):
        decode(Msisdn, b"1")


def test_stored_field_names_are_short_and_unique():
    for kind in (Subscription, Receipt, MessageTrace):
        names = [field.encode_name for field in msgspec.structs.fields(kind)]
        assert len(names) == len(set(names))
        assert max(map(len, names)) <= 2


def test_active_subscription_fits_in_140_bytes():
    opened = dt.datetime(2026, 3, 5, 4, tzinfo=dt.UTC)
    customer = Subscription(
        Msisdn("+8613802880000"), version=1, state=SubscriptionState.ACTIVE,
        language=Language.ZH, opened_at=opened, channel=Channel.TEXT, tariff="GD-1",
        charged_from=opened,
    )  # fmt: skip
    assert len(encode_record(customer, 1)) <= 140
