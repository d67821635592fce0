"""The month's bill: once each, however often it runs, and wherever it is interrupted."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
import redis

from app import bootstrap
from receipts.model.charge import ChargeKind
from receipts.model.vocabulary import Msisdn
from receipts.subscriptions.monthly_billing import MonthClosedError, MonthlyBilling
from receipts.subscriptions.policy import SubscriptionPolicy
from tests.bench.bill import fill
from tests.conftest import Network
from tests.support.months import Months

GUANGDONG, JILIN, SHANXI = "+8613802880000", "+8613844012345", "+8613903512345"


def test_a_month_is_billed_once_however_often_it_runs(network: Network, months: Months):
    network.open(GUANGDONG)
    network.open(JILIN)
    months.pass_to("2026-12-01 00:00")
    first = months.bill("2026-12")
    assert (first.customers, first.charged_now, first.fen_now) == (2, 2, 300)
    again = months.bill("2026-12")
    assert (again.charged_now, again.charged_before, again.fen_now) == (0, 2, 0)
    assert months.fees(GUANGDONG) == {"2026-11": 100, "2026-12": 100}


def test_a_month_that_was_charged_on_opening_is_not_billed_again(network: Network, months: Months):
    network.open(GUANGDONG)
    tally = months.bill("2026-11")
    assert (tally.charged_now, tally.charged_before) == (0, 1)


def test_a_charge_says_by_which_tariff_and_why(network: Network, months: Months):
    network.open(JILIN)
    months.pass_to("2026-12-01 00:00")
    months.bill("2026-12")
    charge = months.charges(JILIN)[-1]
    assert (charge.kind, charge.fen, charge.tariff) == (ChargeKind.MONTHLY, 200, "JL-1")
    assert charge.reason == "monthly fee"


def test_a_late_bill_says_so_and_charges_the_tariff_of_its_month(network: Network, months: Months):
    network.open(JILIN)
    months.pass_to("2027-02-10 00:00")
    months.bill("2026-12")
    charge = months.charges(JILIN)[-1]
    assert (charge.month, charge.reason) == ("2026-12", "monthly fee, billed late")


def test_nobody_leaves_owing_a_month_that_was_not_billed(network: Network, months: Months):
    network.open(GUANGDONG)
    months.pass_to("2027-02-10 00:00")
    network.text(GUANGDONG, "取消短信回执")
    assert months.fees(GUANGDONG) == dict.fromkeys(
        ("2026-11", "2026-12", "2027-01", "2027-02"), 100
    )
    months.pass_to("2027-03-05 00:00")
    for month in ("2026-12", "2027-01", "2027-02", "2027-03"):
        months.bill(month)
    assert len(months.fees(GUANGDONG)) == 4


def test_a_month_that_has_not_begun_is_refused(months: Months):
    with pytest.raises(MonthClosedError, match="has not begun"):
        months.bill("2026-12")


def test_a_month_whose_records_may_be_gone_is_refused(months: Months):
    with pytest.raises(MonthClosedError, match="2023-12"):
        months.bill("2023-11")


def test_who_has_left_and_who_has_only_ordered_is_charged_nothing(network: Network, months: Months):
    network.text(GUANGDONG, "开通短信回执")
    network.open(SHANXI)
    network.text(SHANXI, "取消短信回执")
    months.pass_to("2026-12-01 00:00")
    assert months.bill("2026-12").charged_now == 0


def test_no_monthly_fee_is_higher_than_the_cap(
    network: Network, months: Months, built: bootstrap.Container
):
    network.open(JILIN)
    months.pass_to("2026-12-01 00:00")
    limits = msgspec.structs.replace(built.book.limits, monthly_cap_fen=120)
    book = msgspec.structs.replace(built.book, limits=limits)
    policy = SubscriptionPolicy(book, built.numbering, built.clock)
    list(MonthlyBilling(built.store, built.clients.bulk_reader, policy, built.clock).run("2026-12"))
    assert months.fees(JILIN)["2026-12"] == 120


def test_a_price_changes_with_the_month_and_history_stays(
    network: Network, months: Months, built: bootstrap.Container
):
    network.open(GUANGDONG)
    guangdong = built.book.provinces["CN-GD"]
    dearer = msgspec.structs.replace(
        guangdong.tariffs[0], version="GD-2", since=dt.date(2026, 12, 15), monthly_fen=250
    )
    provinces = built.book.provinces | {
        "CN-GD": msgspec.structs.replace(guangdong, tariffs=(*guangdong.tariffs, dearer))
    }
    book = msgspec.structs.replace(built.book, provinces=provinces)
    policy = SubscriptionPolicy(book, built.numbering, built.clock)
    billing = MonthlyBilling(built.store, built.clients.bulk_reader, policy, built.clock)
    months.pass_to("2027-01-03 00:00")
    for month in ("2027-01", "2026-12", "2026-11"):
        list(billing.run(month))
    assert months.fees(GUANGDONG) == {"2026-11": 100, "2026-12": 100, "2027-01": 250}
    assert {c.month: c.tariff for c in months.charges(GUANGDONG)} == {
        "2026-11": "GD-1", "2026-12": "GD-1", "2027-01": "GD-2",
    }  # fmt: skip


def test_a_bill_that_was_left_in_the_middle_goes_on_there(
    built: bootstrap.Container, raw: "redis.Redis"
):
    fill(raw, 6_000)
    billing = built.monthly_billing
    _, first = next(billing.run("2026-11"))
    assert 0 < first.customers < 6_000
    *_, (cursor, last) = billing.run("2026-11")
    assert (cursor, last.customers, last.charged_now) == (0, 6_000, 4_000)
    *_, (_, again) = billing.run("2026-11")
    assert (again.customers, again.charged_now, again.charged_before) == (6_000, 0, 4_000)


def test_a_bill_survives_kill_9(store_url: str, raw: "redis.Redis", tmp_path: Path):
    fill(raw, 6_000)
    clock = tmp_path / "clock"
    ahead = dt.datetime(2026, 6, 10, tzinfo=dt.UTC) - dt.datetime.now(dt.UTC)
    clock.write_text(str(ahead.total_seconds()), encoding="ascii")
    environ = os.environ | {"REDIS_URL": store_url, "DATA_DIR": str(tmp_path), "CLOCK": "movable"}
    command = [sys.executable, "-m", "commands.main", "bill", "--month", "2026-06"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) as first:
        until = time.monotonic() + 30
        while not raw.exists("note:bill:2026-06") and time.monotonic() < until:
            time.sleep(0.005)
        first.send_signal(signal.SIGKILL)
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["customers"] == 6_000
    assert told["charged_now"] + told["charged_before"] == 4_000
    assert _charged(raw) == {b"monthly-2026-06": 4_000}


def _charged(raw: "redis.Redis") -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for name in raw.scan_iter("{s*}:charges:*", count=5_000):
        for charge in raw.hkeys(name):
            found[charge] = found.get(charge, 0) + 1
    return found


def test_the_cursor_says_how_much_of_the_store_was_passed(
    built: bootstrap.Container, raw: "redis.Redis"
):
    fill(raw, 6_000)
    archive = built.clients.bulk_reader
    seen, count = [], 0
    for cursor, customers in archive.customers():
        count += len(customers)
        seen.append((archive.passed(cursor), count / 6_000))
    assert all(abs(passed - share) < 0.1 for passed, share in seen)
    assert seen[-1] == (1.0, 1.0)


def test_what_was_agreed_is_kept_as_long_as_anything_is_charged_by_it(
    network: Network, months: Months, raw: "redis.Redis", built: bootstrap.Container
):
    network.open(GUANGDONG)
    number = Msisdn(GUANGDONG)
    (chain,) = list(raw.scan_iter(f"*consent:{number.digits}"))
    raw.expire(chain, 100)
    months.pass_to("2026-12-01 00:00")
    months.bill("2026-12")
    assert raw.ttl(chain) > built.book.retention.audit_months * 30 * 86_400
