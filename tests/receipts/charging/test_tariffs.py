"""Prices: right to the fen at every moment, and said as people say them."""

import datetime as dt

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipts.charging.tariffs import fees, first_charge_at, month_fen, receipt_fen, tariff_on, yuan
from receipts.model.calendar import SHANGHAI
from receipts.model.vocabulary import Language, ReceiptOutcome
from receipts.rulebook.loader import load_rule_book
from receipts.rulebook.schema import Province, Tariff

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=SHANGHAI)
BOOK = load_rule_book(None)


def province(code: str, **changes: object) -> Province:
    """A shipped province, its first tariff changed."""
    shipped = BOOK.provinces[code]
    return msgspec.structs.replace(
        shipped, tariffs=(msgspec.structs.replace(shipped.tariffs[0], **changes),)
    )


@pytest.mark.parametrize(
    "outcome", [ReceiptOutcome.FAILED, ReceiptOutcome.REJECTED, ReceiptOutcome.NO_ANSWER]
)
def test_a_receipt_of_a_text_that_did_not_arrive_costs_nothing(outcome: ReceiptOutcome):
    assert receipt_fen(tariff_on(BOOK.provinces["CN-SX"], NOON), outcome) == 0


def test_a_receipt_of_a_delivered_text_costs_what_the_province_says():
    assert receipt_fen(tariff_on(BOOK.provinces["CN-SX"], NOON), ReceiptOutcome.DELIVERED) == 10
    assert receipt_fen(tariff_on(BOOK.provinces["CN-GD"], NOON), ReceiptOutcome.DELIVERED) == 0


@pytest.mark.parametrize(("before", "fen"), [(0, 0), (19, 0), (20, 5), (21, 5)])
def test_the_first_receipts_of_a_month_may_be_free(before: int, fen: int):
    assert (
        receipt_fen(tariff_on(BOOK.provinces["CN-GX"], NOON), ReceiptOutcome.DELIVERED, before)
        == fen
    )


def test_a_free_province_charges_nothing_at_all():
    fujian = BOOK.provinces["CN-FJ"]
    assert month_fen(fujian, NOON) == 0
    assert receipt_fen(tariff_on(fujian, NOON), ReceiptOutcome.DELIVERED) == 0


def test_a_price_changes_at_midnight_in_shanghai_wherever_the_clock_stands():
    guangdong = BOOK.provinces["CN-GD"]
    dearer = Tariff(version="GD-2", since=dt.date(2027, 1, 1), monthly_fen=200, per_receipt_fen=0)
    guangdong = msgspec.structs.replace(guangdong, tariffs=(*guangdong.tariffs, dearer))
    before = dt.datetime(2026, 12, 31, 15, 59, 59, tzinfo=dt.UTC)
    assert month_fen(guangdong, before) == 100
    assert month_fen(guangdong, before + dt.timedelta(seconds=1)) == 200
    assert tariff_on(guangdong, before).version == "GD-1"


def test_nothing_is_charged_before_the_trial_is_over():
    zhejiang = BOOK.provinces["CN-ZJ"]
    assert month_fen(zhejiang, NOON, opened_at=NOON) == 0
    end = dt.datetime(2026, 12, 22, tzinfo=SHANGHAI)
    assert first_charge_at(zhejiang.tariffs[0], NOON) == end
    assert month_fen(zhejiang, end - dt.timedelta(seconds=1), opened_at=NOON) == 0
    assert month_fen(zhejiang, end, opened_at=NOON) == 300
    assert month_fen(zhejiang, NOON) == 300


def test_without_a_trial_the_first_charge_falls_on_the_opening():
    assert first_charge_at(BOOK.provinces["CN-GD"].tariffs[0], NOON) == NOON
    assert month_fen(BOOK.provinces["CN-GD"], NOON, opened_at=NOON) == 100


@pytest.mark.parametrize(
    ("fen", "zh", "en"),
    [
        (0, "免费", "free"),
        (1, "0.01元", "0.01 yuan"),
        (5, "0.05元", "0.05 yuan"),
        (10, "0.1元", "0.10 yuan"),
        (100, "1元", "1.00 yuan"),
        (150, "1.5元", "1.50 yuan"),
        (299, "2.99元", "2.99 yuan"),
        (1000, "10元", "10.00 yuan"),
    ],
)
def test_an_amount_is_said_as_people_say_it(fen: int, zh: str, en: str):
    assert (yuan(Language.ZH, fen), yuan(Language.EN, fen)) == (zh, en)


@given(st.integers(min_value=1, max_value=10**9))
def test_an_amount_said_is_the_amount_meant(fen: int):
    for language, unit in ((Language.ZH, "元"), (Language.EN, " yuan")):
        whole, _, rest = yuan(language, fen).removesuffix(unit).partition(".")
        assert int(whole) * 100 + int(rest.ljust(2, "0")) == fen


@pytest.mark.parametrize(
    ("code", "zh", "en"),
    [
        ("CN-FJ", "免费", "free"),
        ("CN-GD", "每月1元", "1.00 yuan a month"),
        ("CN-SX", "每条回执0.1元", "0.10 yuan a receipt"),
        ("CN-ZJ", "每月3元，首30天免费", "3.00 yuan a month, the first 30 days free"),
        (
            "CN-GX",
            "每月0.5元，每条回执0.05元，每月前20条免费",
            "0.50 yuan a month, 0.05 yuan a receipt, the first 20 each month free",
        ),
    ],
)
def test_a_tariff_is_said_in_a_phrase(code: str, zh: str, en: str):
    tariff = BOOK.provinces[code].tariffs[0]
    assert (fees(Language.ZH, tariff), fees(Language.EN, tariff)) == (zh, en)


@given(st.integers(0, 300), st.integers(0, 50), st.integers(0, 60), st.sampled_from(ReceiptOutcome))
def test_a_receipt_never_costs_more_than_the_tariff_says(
    fen: int, free: int, before: int, outcome: ReceiptOutcome
):
    guangdong = province("CN-GD", per_receipt_fen=fen, free_receipts=free)
    assert receipt_fen(tariff_on(guangdong, NOON), outcome, before) in {0, fen}
