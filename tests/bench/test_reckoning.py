"""The arithmetic of a carrier's day, with round numbers."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from tests.bench.reckoning import Assumptions, Measured, Reckoning, variations
from tests.bench.scale import NAMES, tables

MEASURED = Measured(
    {
        "feed, without receipts": (50.0, 50.0),
        "feed, with receipts": (100.0, 150.0),
        "the worker sends": (400.0, 300.0),
        "a receipt's report by Kannel": (500.0, 250.0),
    },
    receipt=400.0,
    index=100.0,
    subscriber=200.0,
    stranger=300.0,
)
#: Ten thousand texts a second, one in ten with a receipt.
GIVEN = Assumptions(texts=864e6, with_service=0.1, used=0.5, busy_hour=0.1, peak=5)


def test_cores_are_cpu_of_all_events_at_the_planned_use():
    web, workers, nodes = Reckoning(GIVEN, MEASURED).cores()
    assert web == pytest.approx((9_000 * 50 + 1_000 * (100 + 500)) / 1e6 / 0.5)
    assert workers == pytest.approx(1_000 * 400 / 1e6 / 0.5)
    assert nodes == pytest.approx((9_000 * 50 + 1_000 * (150 + 300 + 250)) / 1e6 / 0.5)


def test_busy_hour_and_peak_are_multiples_of_the_average():
    assert list(GIVEN.loads().values()) == pytest.approx([1, 2.4, 5])
    reckoning = Reckoning(GIVEN, MEASURED)
    assert sum(reckoning.cores(5)) == pytest.approx(5 * sum(reckoning.cores()))


def test_memory_is_what_is_kept_of_each_kind():
    kept = {"store_days": 30, "trace_days": 20, "strangers_hours": 12, "charge_bytes": 100}
    given = replace(GIVEN, **kept, subscribers=1e9, charged_singly=0.5)
    assert Reckoning(given, MEASURED).memory() == pytest.approx(
        {
            "subscribers": 0.2,
            "receipts with traces": 86.4e6 * 30 * 400 / 1e12,
            "index of texts": 86.4e6 * (20 + 6.5) * 100 / 1e12,
            "strangers' traces": 777.6e6 / 2 * 300 / 1e12,
            "single charges": 43.2e6 * 36 * 30.4 * 100 / 1e12,
        }
    )


def test_machines_hold_the_memory_at_the_planned_use():
    given = replace(GIVEN, node_gb=100)
    terabytes = sum(Reckoning(given, MEASURED).memory().values())
    assert Reckoning(given, MEASURED).machines() == pytest.approx(terabytes * 1000 / 50)


def test_archive_has_the_receipts_of_its_days():
    given = replace(GIVEN, archive_days=100, archived_bytes=200)
    assert Reckoning(given, MEASURED).archive_tb() == pytest.approx(86.4e6 * 100 * 200 / 1e12)


def test_each_assumption_is_halved_and_doubled_within_its_range():
    found = {name: (value, getattr(low, name), getattr(high, name))
             for name, value, low, high in variations(GIVEN)}  # fmt: skip
    assert list(found) == [each.name for each in fields(Assumptions)] == list(NAMES)
    assert found["texts"] == (864e6, 432e6, 1728e6)
    assert found["used"] == (0.5, 0.25, 1.0)
    assert found["charged_singly"] == (0.0, 0.1, 1.0)


def test_assumptions_as_shipped_are_those_of_the_rule_book():
    shipped = Assumptions.shipped()
    assert (shipped.trace_days, shipped.strangers_hours) == (31, 2)
    assert shipped.store_days + shipped.archive_days == pytest.approx(183, abs=1)


def test_figures_are_read_from_the_pages_of_the_bench(tmp_path: Path):
    (tmp_path / "cluster.md").write_text(
        "| event | CPU µs, 1 | CPU µs, 3 | CPU µs, 6 |\n"
        "| the worker sends | 4 + 2 | 5 + 5 | 1,610 + 758 |\n"
    )
    (tmp_path / "bench.md").write_text(
        "| index of texts by sender | 31 | 31 | 33 | 30.00 |\n"
        "| index of texts by message id | 62 | 61 | 63 | 60.00 |\n"
        "| in all | 1,100 | 1,200 | 1,300 | 1,031.52 |\n"
        "| a subscriber | 222.50 | 250 | met |\n"
        "| a stranger's text, at once | 281.00 | | |\n"
    )
    found = Measured.read(tmp_path)
    assert found == Measured({"the worker sends": (1610, 758)}, 941.52, 90.0, 222.5, 281.0)


def test_page_names_each_assumption_with_what_it_changes():
    printed = tables(GIVEN, MEASURED)
    assert all(f"| {name} " in printed for name in NAMES.values())
