"""Tariffs: prices in fen at each moment, and their wording."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from receipts.charging.tariffs import fees, first_charge_at, receipt_fen, tariff_on, yuan
from receipts.model.calendar import SHANGHAI
from receipts.model.vocabulary import Language, ReceiptOutcome
from receipts.rulebook.schema import Tariff
from tests.conftest import shipped_book

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=SHANGHAI)
PROVINCES = shipped_book().provinces
DELIVERED = ReceiptOutcome.DELIVERED


@pytest.mark.parametrize("outcome", sorted(set(ReceiptOutcome) - {DELIVERED}))
def test_receipt_of_undelivered_text_is_free(outcome: ReceiptOutcome):
    assert receipt_fen(tariff_on(PROVINCES["CN-SX"], NOON), outcome) == 0


@pytest.mark.parametrize(
    ("code", "before", "fen"),
    [("CN-SX", 0, 10), ("CN-GD", 0, 0), ("CN-FJ", 0, 0)]
    + [("CN-GX", before, fen) for before, fen in ((0, 0), (19, 0), (20, 5), (21, 5))],
)
def test_receipt_of_delivered_text_has_province_price_after_allowance(
    code: str, before: int, fen: int
):
    assert receipt_fen(tariff_on(PROVINCES[code], NOON), DELIVERED, before) == fen


def test_tariff_changes_at_midnight_in_shanghai():
    guangdong = PROVINCES["CN-GD"]
    dearer = Tariff(version="GD-2", since=dt.date(2027, 1, 1), monthly_fen=200, per_receipt_fen=0)
    guangdong = replace(guangdong, tariffs=(*guangdong.tariffs, dearer))
    before = dt.datetime(2026, 12, 31, 15, 59, 59, tzinfo=dt.UTC)
    found = [tariff_on(guangdong, before + dt.timedelta(seconds=seconds)) for seconds in (0, 1)]
    assert [(tariff.version, tariff.monthly_fen) for tariff in found] == [
        ("GD-1", 100), ("GD-2", 200),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "at"), [("CN-ZJ", dt.datetime(2026, 12, 22, tzinfo=SHANGHAI)), ("CN-GD", NOON)]
)
def test_first_charge_is_at_opening_or_end_of_trial(code: str, at: dt.datetime):
    assert first_charge_at(PROVINCES[code].tariffs[0], NOON) == at


@pytest.mark.parametrize(("fen", "zh", "en"), [
    (0, "免费", "free"), (1, "0.01元", "0.01 yuan"), (5, "0.05元", "0.05 yuan"),
    (10, "0.1元", "0.10 yuan"), (100, "1元", "1.00 yuan"), (150, "1.5元", "1.50 yuan"),
    (299, "2.99元", "2.99 yuan"), (1000, "10元", "10.00 yuan"),
])  # fmt: skip
def test_amount_has_usual_wording(fen: int, zh: str, en: str):
    assert (yuan(Language.ZH, fen), yuan(Language.EN, fen)) == (zh, en)


@given(st.integers(min_value=1, max_value=10**9))
def test_wording_of_amount_keeps_its_value(fen: int):
    for language, unit in ((Language.ZH, "元"), (Language.EN, " yuan")):
        whole, _, rest = yuan(language, fen).removesuffix(unit).partition(".")
        assert int(whole) * 100 + int(rest.ljust(2, "0")) == fen


@pytest.mark.parametrize(
    ("code", "zh", "en"),
    [
        ("CN-FJ", "免费", "free"),
        ("CN-GD", "每月1元", "1 yuan a month"),
        ("CN-SX", "每条送达回执0.1元", "0.1 yuan a delivery"),
        ("CN-ZJ", "每月3元，首30天免费", "3 yuan a month, first 30 days free"),
        (
            "CN-GX",
            "每月0.5元，每条送达回执0.05元，每月前20条免费",
            "0.5 yuan a month, 0.05 yuan a delivery, first 20 a month free",
        ),
    ],
)
def test_tariff_is_worded_in_one_phrase(code: str, zh: str, en: str):
    tariff = PROVINCES[code].tariffs[0]
    assert (fees(Language.ZH, tariff), fees(Language.EN, tariff)) == (zh, en)


@given(st.integers(0, 300), st.integers(0, 50), st.integers(0, 60), st.sampled_from(ReceiptOutcome))
def test_receipt_costs_at_most_tariff_price(
    fen: int, free: int, before: int, outcome: ReceiptOutcome
):
    tariff = replace(PROVINCES["CN-GD"].tariffs[0], per_receipt_fen=fen, free_receipts=free)
    assert receipt_fen(tariff, outcome, before) in {0, fen}
