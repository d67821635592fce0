"""Tariff simulation: exact bills under proposed tariffs, without any write to the store."""

import datetime as dt
import json
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from commands.tariffs import chart, table
from commands.usage_sources import synthetic
from receipts.charging.simulation import BillHistogram, Usage, monthly_bill_fen, simulate
from receipts.delivery.status_updates import StatusUpdates
from receipts.model.calendar import SHANGHAI
from receipts.ports.provider import ProviderStatus
from receipts.rulebook.loader import SHIPPED
from receipts.rulebook.schema import Tariff
from tests.conftest import BEIJING, UNKNOWN, Network, shipped_book
from tests.support.fixtures import contents
from tests.support.months import Months, Run

NUMBERS = GUANGDONG, GUANGXI, SHANXI = "+8613802880000", "+8613977112345", "+8613903512345"
BOOK = shipped_book()
MONTH = "2026-11"
SVG = "{http://www.w3.org/2000/svg}"
GUANGDONG_2 = """

[[provinces.CN-GD.tariffs]]
version = "GD-2"
from = 2027-01-01
monthly_fen = 40
per_receipt_fen = 30
free_receipts = 1
"""


@pytest.fixture
def proposed(tmp_path: Path) -> Path:
    """The shipped rule book with a second tariff for Guangdong."""
    text, before = SHIPPED.read_text(encoding="utf-8"), "[provinces.CN-JL] "
    assert before in text
    file = tmp_path / "proposed.toml"
    file.write_text(text.replace(before, f"{GUANGDONG_2}\n{before}", 1), encoding="utf-8")
    return file


def test_bills_under_current_tariffs_equal_charges_in_store(
    network: Network, months: Months, run: Run, proposed: Path, raw: "redis.Redis"
):
    for number in NUMBERS:
        network.open(number)
        for index in range(3):
            network.status(f"{number}{index}", "delivered", number, BEIJING)
    months.send(GUANGDONG)
    before = contents(raw)
    done = run("rehearse", "--book", str(proposed))
    assert done.exit_code == 0, done.output
    assert contents(raw) == before
    rows = {line.split()[0]: line for line in done.stdout.splitlines()}
    charged = {number: sum(c.fen for c in months.charges(number)) for number in NUMBERS}
    assert charged == {GUANGDONG: 100, GUANGXI: 50, SHANXI: 30}
    assert "1.00 → 1.00" in rows["Guangdong"], "40 fen, and two of three receipts at 30"
    assert "0.50 → 0.50" in rows["Guangxi"]
    assert "0.30 → 0.30" in rows["Shanxi"]
    assert "1.80 → 1.80" in rows["all"]


def test_credited_receipts_are_not_counted_again(
    network: Network, months: Months, run: Run, proposed: Path
):
    network.open(SHANXI)
    for index in range(3):
        network.status(f"SM{index}", "delivered", SHANXI, BEIJING)
    months.send(SHANXI)
    built, charged = months.built, months.charges(SHANXI)
    for charge in charged:
        receipt = charge.id.removeprefix("receipt-")
        status = (ProviderStatus.UNDELIVERED, "undelivered", None)
        assert StatusUpdates(built.store, built.lifecycle).apply(receipt, *status)
    assert [len(charged), sum(c.fen for c in months.charges(SHANXI))] == [3, 0]
    done = run("rehearse", "--book", str(proposed))
    (row,) = (line for line in done.stdout.splitlines() if line.startswith("Shanxi"))
    assert "0.00 → 0.00" in row


@given(
    tariff=st.builds(
        Tariff,
        version=st.just("T"),
        since=st.just(dt.date(2020, 1, 1)),
        monthly_fen=st.integers(0, 300),
        per_receipt_fen=st.integers(0, 20),
        free_receipts=st.integers(0, 30),
        trial_days=st.integers(0, 45),
    ),
    receipts=st.integers(0, 500),
    day=st.integers(1, 30) | st.none(),
)
def test_simulated_bill_is_within_bounds_of_tariff(tariff: Tariff, receipts: int, day: int | None):
    opened = dt.datetime(2026, 11, day, 9, tzinfo=SHANGHAI) if day else None
    fen = monthly_bill_fen(tariff, 250, Usage("CN-GD", receipts, opened), MONTH)
    whole = min(tariff.monthly_fen, 250)
    charged = max(0, receipts - tariff.free_receipts) * tariff.per_receipt_fen
    if not (opened and tariff.trial_days):
        assert fen == whole + charged
    elif (day or 0) + tariff.trial_days > 30:
        assert fen == 0
    else:
        assert whole <= fen <= whole + charged


def test_histogram_has_exact_totals_and_quantiles():
    bills = BillHistogram(Counter((0, 10, 10, 20, 400)))
    assert (bills.count, bills.total, bills.average, bills.highest) == (5, 440, 88.0, 400)
    assert (bills.below(0.5), bills.below(0.95), bills.below(0.2)) == (10, 400, 0)


def test_synthetic_usage_is_reproducible_and_covers_all_provinces():
    usages = list(synthetic(50, BOOK, MONTH))
    assert usages == list(synthetic(50, BOOK, MONTH))
    assert usages != list(synthetic(50, BOOK, MONTH, seed=2))
    assert {usage.province for usage in usages} == set(BOOK.provinces)


def test_higher_lower_and_equal_bills_add_up():
    jilin = BOOK.provinces["CN-JL"]
    cheaper = replace(jilin, tariffs=(replace(jilin.tariffs[0], monthly_fen=10),))
    book = replace(BOOK, provinces=BOOK.provinces | {"CN-JL": cheaper})
    found = simulate(synthetic(800, BOOK, MONTH), MONTH, BOOK, book)
    assert sum(held.now.count for held in found.values()) == 800
    assert (found["CN-JL"].less, found["CN-JL"].more, found["CN-JL"].same) == (100, 0, 0)
    assert all(held.same == held.now.count for code, held in found.items() if code != "CN-JL")


def test_province_missing_in_proposed_book_costs_nothing():
    book = replace(BOOK, provinces={"CN-GD": BOOK.provinces["CN-GD"]})
    found = simulate([Usage("CN-JL", 3)], MONTH, BOOK, book)
    assert (found["CN-JL"].now.total, found["CN-JL"].then.total) == (200, 0)


def test_chart_names_each_province_and_loads_no_external_resource():
    found = simulate(synthetic(800, BOOK, MONTH), MONTH, BOOK, BOOK)
    picture = ET.fromstring(chart(found, BOOK, "Bills of November: a < b"))
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert {"Guangdong 广东", "Shaanxi 陕西", "All 合计", "Bills of November: a < b"} <= set(texts)
    assert not list(picture.iter(f"{SVG}script"))
    values = [value for each in picture.iter() for value in each.attrib.values()]
    assert not [value for value in values if "//" in value]
    assert "@import" not in ET.tostring(picture, encoding="unicode")


def test_table_has_row_for_each_province_and_total():
    found = simulate(synthetic(800, BOOK, MONTH), MONTH, BOOK, BOOK)
    assert len(table(found, BOOK)) == len(BOOK.provinces) + 1


def test_usage_log_has_numbers_provinces_or_exported_charges(
    run: Run, tmp_path: Path, proposed: Path
):
    log = tmp_path / "log.jsonl"
    charge = {"number": SHANXI, "kind": "receipt", "fen": 10, "id": "receipt-1"}
    lines = [
        {"number": GUANGDONG, "receipts": 3},
        {"province": "CN-GD", "receipts": 0, "opened": "2026-11-03"},
        charge,
        charge | {"id": "receipt-2"},
        # Its prefix has no province; its tariff has one.
        {"number": UNKNOWN, "kind": "monthly", "fen": 150, "tariff": "HE-1"},
        {"number": BEIJING, "receipts": 1},
    ]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    out = tmp_path / "chart.svg"
    options = ("--book", proposed, "--month", MONTH, "--log", log, "--out", out)
    done = run("rehearse", *map(str, options))
    assert done.exit_code == 0, done.output
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines()}
    assert rows["Guangdong"][1] == "2"
    assert rows["Shanxi"][1:5] == ["1", "0.20", "→", "0.20"]
    assert rows["Hebei"][1:3] == ["1", "1.50"]
    assert "customers left out: 1, of no covered province" in done.stderr
    assert out.read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("{", "truncated"),
        ('{"receipts": 3}', "neither"),
        ('{"province": "CN-GD", "receipts": -1}', "receipts"),
        ('{"province": "CN-GD", "opened": "last week"}', "isoformat"),
    ],
)
def test_invalid_line_is_reported_with_its_number(run: Run, tmp_path: Path, line: str, error: str):
    log = tmp_path / "log.jsonl"
    log.write_text(f'{{"province": "CN-GD"}}\n{line}\n', encoding="utf-8")
    done = run("rehearse", "--book", str(SHIPPED), "--log", str(log))
    assert done.exit_code == 2
    assert f"{log}:2: " in done.stderr
    assert error in done.stderr
