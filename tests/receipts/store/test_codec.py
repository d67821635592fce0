"""Records survive encoding and decoding."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from receipts.model.charge import AuditEntry, Charge, ChargeKind
from receipts.model.customer import CallLog, DailyReplyCount, Subscription
from receipts.model.message import MessageTrace
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.ports.changes import Reply
from receipts.store.codec import (
    StoredCharge,
    decode,
    decode_charge,
    decode_record,
    encode,
    encode_record,
    pack,
    unpack,
)
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
        for back in (decode(kind, encode(record)), unpack(kind, pack(record))):
            assert back == record
            types = [type(value) for value in astuple(back)]
            assert types == [type(each) for each in astuple(record)]

    round_trip()


def test_stored_record_begins_with_its_version():
    record = Subscription(Msisdn("+8613802880000"), version=12)
    assert encode_record(record, 12).startswith(b"12|")
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


def test_active_subscription_fits_in_60_bytes():
    opened = dt.datetime(2026, 3, 5, 4, tzinfo=dt.UTC)
    customer = Subscription(
        Msisdn("+8613802880000"), version=1, state=SubscriptionState.ACTIVE,
        language=Language.ZH, opened_at=opened, channel=Channel.TEXT, tariff="GD-1",
        charged_from=opened,
    )  # fmt: skip
    assert len(encode_record(customer, 1)) <= 60


def test_charge_of_a_receipt_fits_into_a_compact_hash():
    at = dt.datetime(2027, 2, 3, 4, 5, 6, 789_012, tzinfo=dt.UTC)
    reason = "receipt for message SM0123456789abcdef0123456789abcdef"
    charge = Charge("receipt-7", Msisdn("+8613802880000"), ChargeKind.RECEIPT, 10, "2027-02",
                    reason, at, "SX-1")  # fmt: skip
    raw = pack(StoredCharge.of(charge))
    assert len(raw) <= 64
    assert decode_charge(charge.number, charge.month, charge.id, raw) == charge


def test_threads_compress_at_the_same_time():
    records = [Subscription(Msisdn(f"+86138{n:08}"), version=n) for n in range(2_000)]

    def there_and_back(record: Subscription) -> Subscription | None:
        return decode_record(Subscription, encode_record(record, record.version))

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(there_and_back, records)) == records


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff" * 40])
def test_damaged_record_is_an_error(damage: bytes):
    with pytest.raises(zstandard.ZstdError):
        unpack(Subscription, damage)
