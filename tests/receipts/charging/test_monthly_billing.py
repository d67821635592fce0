"""Monthly billing: one fee a customer and month, also after repeats and interruptions."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import redis
from msgspec.structs import replace

from app import bootstrap
from receipts.model.charge import ChargeKind
from receipts.model.vocabulary import Msisdn
from receipts.rulebook.schema import RuleBook
from receipts.subscriptions.monthly_billing import MonthClosedError, MonthlyBilling
from receipts.subscriptions.policy import SubscriptionPolicy
from tests.bench.bill import fill
from tests.conftest import Network
from tests.support.months import Months

pytestmark = pytest.mark.fixed_day

GUANGDONG, JILIN, SHANXI = "+8613802880000", "+8613844012345", "+8613903512345"


def bill_under(book: RuleBook, built: bootstrap.Container, *months: str) -> None:
    policy = SubscriptionPolicy(book, built.numbering, built.clock)
    billing = MonthlyBilling(built.store, built.clients.bulk_reader, policy, built.clock)
    for month in months:
        list(billing.run(month))


def test_repeated_billing_run_charges_nothing_more(network: Network, months: Months):
    network.open(GUANGDONG)
    network.open(JILIN)
    months.pass_to("2026-12-01 00:00")
    first = months.bill("2026-12")
    assert (first.customers, first.charged_now, first.fen_now) == (2, 2, 300)
    again = months.bill("2026-12")
    assert (again.charged_now, again.charged_before, again.fen_now) == (0, 2, 0)
    assert months.fees(GUANGDONG) == {"2026-11": 100, "2026-12": 100}


def test_month_charged_on_opening_is_not_billed_again(network: Network, months: Months):
    network.open(GUANGDONG)
    tally = months.bill("2026-11")
    assert (tally.charged_now, tally.charged_before) == (0, 1)


@pytest.mark.parametrize(
    ("at", "reason"),
    [("2026-12-01 00:00", "monthly fee"), ("2027-02-10 00:00", "monthly fee, billed late")],
)
def test_charge_names_its_month_tariff_and_reason(
    network: Network, months: Months, at: str, reason: str
):
    network.open(JILIN)
    months.pass_to(at)
    months.bill("2026-12")
    charge = months.charges(JILIN)[-1]
    assert (charge.kind, charge.fen, charge.tariff) == (ChargeKind.MONTHLY, 200, "JL-1")
    assert (charge.month, charge.reason) == ("2026-12", reason)


def test_cancellation_charges_months_not_billed_yet(network: Network, months: Months):
    network.open(GUANGDONG)
    months.pass_to("2027-02-10 00:00")
    network.text(GUANGDONG, "取消短信回执")
    fees = dict.fromkeys(("2026-11", "2026-12", "2027-01", "2027-02"), 100)
    assert months.fees(GUANGDONG) == fees
    months.pass_to("2027-03-05 00:00")
    for month in ("2026-12", "2027-01", "2027-02", "2027-03"):
        months.bill(month)
    assert months.fees(GUANGDONG) == fees


@pytest.mark.parametrize(
    ("month", "error"), [("2026-12", "has not started yet"), ("2023-11", "2023-12")]
)
def test_future_or_expired_month_is_rejected(months: Months, month: str, error: str):
    with pytest.raises(MonthClosedError, match=error):
        months.bill(month)


def test_cancelled_or_unconfirmed_customers_are_not_billed(network: Network, months: Months):
    network.text(GUANGDONG, "开通短信回执")
    network.open(SHANXI)
    network.text(SHANXI, "取消短信回执")
    months.pass_to("2026-12-01 00:00")
    assert months.bill("2026-12").charged_now == 0


def test_monthly_fee_is_capped(network: Network, months: Months, built: bootstrap.Container):
    network.open(JILIN)
    months.pass_to("2026-12-01 00:00")
    limits = replace(built.book.limits, monthly_cap_fen=120)
    bill_under(replace(built.book, limits=limits), built, "2026-12")
    assert months.fees(JILIN)["2026-12"] == 120


def test_new_tariff_applies_from_its_first_full_month(
    network: Network, months: Months, built: bootstrap.Container
):
    network.open(GUANGDONG)
    guangdong = built.book.provinces["CN-GD"]
    since = dt.date(2026, 12, 15)
    dearer = replace(guangdong.tariffs[0], version="GD-2", since=since, monthly_fen=250)
    guangdong = replace(guangdong, tariffs=(*guangdong.tariffs, dearer))
    book = replace(built.book, provinces=built.book.provinces | {"CN-GD": guangdong})
    months.pass_to("2027-01-03 00:00")
    bill_under(book, built, "2027-01", "2026-12", "2026-11")
    assert {c.month: (c.fen, c.tariff) for c in months.charges(GUANGDONG)} == {
        "2026-11": (100, "GD-1"), "2026-12": (100, "GD-1"), "2027-01": (250, "GD-2"),
    }  # fmt: skip


def test_interrupted_run_resumes_at_its_checkpoint(built: bootstrap.Container, raw: "redis.Redis"):
    fill(raw, 6_000)
    billing = built.monthly_billing
    _, first = next(billing.run("2026-11"))
    assert 0 < first.customers < 6_000
    *_, (cursor, last) = billing.run("2026-11")
    assert (cursor, last.customers, last.charged_now) == (0, 6_000, 4_000)
    *_, (_, again) = billing.run("2026-11")
    assert (again.customers, again.charged_now, again.charged_before) == (6_000, 0, 4_000)


def test_killed_run_is_completed_by_next_run(store_url: str, raw: "redis.Redis", tmp_path: Path):
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
    totals = json.loads(done.stdout)
    assert totals["customers"] == 6_000
    assert totals["charged_now"] + totals["charged_before"] == 4_000
    names = raw.scan_iter("{s*}:charges:*", count=5_000)
    assert Counter(key for name in names for key in raw.hkeys(name) if key[:1] != b"=") == {
        b"monthly-2026-06": 4_000
    }


def test_cursor_gives_scanned_share_of_store(built: bootstrap.Container, raw: "redis.Redis"):
    fill(raw, 6_000)
    archive = built.clients.bulk_reader
    passed = share = 0.0
    for cursor, customers in archive.customers():
        passed, share = archive.passed(cursor), share + len(customers) / 6_000
        assert abs(passed - share) < 0.1
    assert (passed, share) == (1.0, pytest.approx(1))


def test_charge_renews_expiry_of_its_consent(
    network: Network, months: Months, raw: "redis.Redis", built: bootstrap.Container
):
    network.open(GUANGDONG)
    (chain,) = raw.scan_iter(f"*consent:{Msisdn(GUANGDONG).digits}")
    raw.expire(chain, 100)
    months.pass_to("2026-12-01 00:00")
    months.bill("2026-12")
    assert raw.ttl(chain) > built.book.retention.audit_months * 30 * 86_400
