"""Signed daily roots: a kept root shows every rewriting of the consent entries."""

import datetime as dt
import json
from itertools import pairwise

import pytest
import redis
from msgspec.structs import replace

from commands.evidence import results
from receipts.model.charge import AuditEntry
from receipts.store import commit_script
from receipts.store.codec import decode
from tests.conftest import JILIN, Network
from tests.support.consent_roots import Edit, Forger, Operator, reworded, some_days
from tests.support.fixtures import SHANXI
from tests.support.months import Months, Run

pytestmark = pytest.mark.fixed_day

#: The days of its entries after ``some_days``.
DAYS_OF_JILIN = ("2026-11-22", "2026-11-22", "2026-11-25", "2026-12-03")


def removed(index: int) -> Edit:
    return lambda entries: entries[:index] + entries[index + 1 :]


def added_in_the_past(entries: list[AuditEntry]) -> list[AuditEntry]:
    extra = replace(entries[1], at=dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC), event="sms:XX")
    return [*entries[:2], extra, *entries[2:]]


def moved_by_a_day(entries: list[AuditEntry]) -> list[AuditEntry]:
    return [replace(entries[0], at=entries[0].at - dt.timedelta(days=1)), *entries[1:]]


def test_store_as_written_is_intact_against_every_kept_root(
    network: Network, months: Months, operator: Operator
):
    some_days(network, months)
    roots = operator.keep("2026-11", "2026-12")
    assert [root["day"] for root in roots] == [
        *(f"2026-11-{day:02}" for day in range(1, 31)),
        *(f"2026-12-{day:02}" for day in range(1, 6)),
    ]
    assert {root["day"]: root["entries"] for root in roots if root["entries"]} == {
        "2026-11-22": 4, "2026-11-25": 1, "2026-12-03": 1,
    }  # fmt: skip
    assert all(b["previous"] == a["root"] for a, b in pairwise(roots))
    intact = "intact against the root of 2026-12-05", 0
    assert operator.consent(JILIN, operator.outside) == intact
    assert operator.audit("2026-11", operator.outside) == intact
    for root in roots:
        path, alone = operator.keep_only(root), f"intact against the root of {root['day']}"
        assert operator.audit("2026-11", path) == (alone, 0)
        count = sum(day <= root["day"] for day in DAYS_OF_JILIN)
        told = f"{alone}, which covers {count} of 4 entries" if count < 4 else alone
        if count:
            assert operator.consent(JILIN, path) == (told, 0)


FORGERIES = {
    "reworded": reworded,
    "first entry removed": removed(0),
    "entry removed": removed(2),
    "last entry removed": removed(3),
    "added in the past": added_in_the_past,
    "moved by a day": moved_by_a_day,
}


@pytest.mark.parametrize("edit", FORGERIES.values(), ids=FORGERIES)
def test_rewritten_store_differs_from_a_kept_root(
    network: Network, months: Months, operator: Operator, forger: Forger, edit: Edit
):
    some_days(network, months)
    roots = operator.keep("2026-11", "2026-12")
    forger.rewrite(JILIN, edit)
    done = operator.run("consent", JILIN)
    assert json.loads(done.stdout)["chain"]["intact"], "the store alone looks intact"
    last = operator.keep_only(roots[-1])
    for kept in (operator.outside, last):
        for told, status in (operator.consent(JILIN, kept), operator.audit("2026-11", kept)):
            assert told.startswith("differs: ")
            assert status == 1


def test_difference_names_the_day_and_the_entries_of_it(
    network: Network, months: Months, operator: Operator, forger: Forger
):
    some_days(network, months)
    roots = operator.keep("2026-11", "2026-12")
    forger.rewrite(JILIN, reworded)
    told, _ = operator.consent(JILIN, operator.outside)
    assert told == (
        "differs: entries 1 to 2 of 4 are not proved; "
        "the entries kept of 2026-11-22 (4) are not those that its root covers (4)"
    )
    told, _ = operator.audit("2026-12", operator.keep_only(roots[-1]))
    assert told == "differs: an entry before 2026-12-05 was changed, added or removed"


def test_root_before_all_entries_of_a_customer_proves_none(
    network: Network, months: Months, operator: Operator
):
    some_days(network, months)
    before = operator.keep_only(operator.keep("2026-11")[20])
    assert operator.consent(JILIN, before) == (
        "no root to compare: none covers these entries", 1,
    )  # fmt: skip
    assert operator.audit("2026-11", before) == ("intact against the root of 2026-11-21", 0)


def test_chain_that_is_not_the_audit_log_differs_in_its_entry(
    network: Network, months: Months, operator: Operator, forger: Forger
):
    some_days(network, months)
    operator.keep("2026-11", "2026-12")
    forger.rewrite_chain(JILIN, reworded)
    assert operator.consent(JILIN, operator.outside) == (
        "differs: entry 2 of 4 differs from the audit log", 1,
    )  # fmt: skip
    assert operator.consent(SHANXI, operator.outside)[1] == 0


def test_removed_chain_of_a_customer_differs(
    network: Network, months: Months, operator: Operator, raw: "redis.Redis"
):
    some_days(network, months)
    operator.keep("2026-11", "2026-12")
    raw.delete(*raw.scan_iter("*consent:*"))
    told, status = operator.consent(JILIN, operator.outside)
    assert told == "differs: entry 1 of 0 differs from the audit log"
    assert status == 1


def test_oldest_entry_removed_from_a_chain_differs(
    network: Network, months: Months, operator: Operator, raw: "redis.Redis"
):
    some_days(network, months)
    operator.keep("2026-11", "2026-12")
    (chain,) = raw.scan_iter(f"*consent:{JILIN[1:]}")
    raw.lpop(chain)
    told, status = operator.consent(JILIN, operator.outside)
    assert (told, status) == ("differs: entry 1 of 3 differs from the audit log", 1)


def test_long_chain_without_its_oldest_entries_is_intact(
    network: Network, months: Months, operator: Operator, monkeypatch: pytest.MonkeyPatch
):
    for module in (commit_script, results):
        monkeypatch.setattr(module, "LONGEST_CHAIN", 3)
    some_days(network, months)
    operator.keep("2026-11", "2026-12")
    done = operator.run("consent", JILIN, "--root", str(operator.outside))
    told = json.loads(done.stdout)
    assert (told["chain"]["entries"], told["chain"]["from_the_first"]) == (3, False)
    total = 3 + told["chain"]["dropped"]
    exports = (operator.export_of(month).read_text() for month in ("2026-11", "2026-12"))
    assert total == sum(text.count(f'"number": "{JILIN}"') for text in exports)
    assert f"3 of {total} entries kept; `sms-receipt export audit` lists the others" in done.stderr
    assert told["root"]["compared"] == "intact against the root of 2026-12-05"
    assert len(told["root"]["proofs"]) == 3


def test_roots_signed_anew_after_a_forgery_differ_from_the_kept_ones(
    network: Network, months: Months, operator: Operator, forger: Forger
):
    some_days(network, months)
    genuine = operator.keep("2026-11")
    forger.rewrite(JILIN, reworded)
    again = operator.outside / "again.jsonl"
    operator.run("export", "audit", "--month", "2026-11", "--keep-roots", str(again))
    assert operator.audit("2026-11", again)[1] == 0, "the forger has the key"
    assert operator.audit("2026-11", operator.outside)[1] == 1
    assert operator.audit("2026-11", operator.keep_only(genuine[-1]), again)[1] == 1


def test_removed_month_differs(
    network: Network, months: Months, operator: Operator, raw: "redis.Redis"
):
    some_days(network, months)
    roots = operator.keep("2026-11", "2026-12")
    raw.delete(*raw.scan_iter("*audit:2026-11"))
    told, status = operator.audit("2026-11", operator.keep_only(roots[-1]))
    assert (told.split(":")[0], status) == ("differs", 1)


def test_entry_hidden_in_the_log_of_another_month_differs(
    network: Network, months: Months, operator: Operator, raw: "redis.Redis"
):
    some_days(network, months)
    operator.keep("2026-11", "2026-12")
    december = next(raw.scan_iter("*audit:2026-12"))
    november = next(raw.scan_iter("*audit:2026-11"))
    raw.xadd(december, raw.xrange(november)[0][1])
    assert operator.audit("2026-12", operator.outside)[1] == 1


def test_forged_note_of_an_earlier_month_shows(
    network: Network, months: Months, operator: Operator, raw: "redis.Redis"
):
    some_days(network, months)
    roots = operator.keep("2026-11", "2026-12")
    last = operator.keep_only(roots[-1])
    genuine = raw.get("note:consent-root:2026-11")
    raw.set("note:consent-root:2026-10", genuine or "")
    assert operator.audit("2026-12", last)[1] == 0, "no entry of October is missing"
    assert operator.keep("2026-11", "2026-12") == roots
    raw.set("note:consent-root:2023-12", genuine or "")
    assert operator.audit("2026-12", last)[1] == 1


def test_entries_after_the_last_root_are_told(network: Network, months: Months, operator: Operator):
    some_days(network, months)
    operator.keep("2026-11", "2026-12")
    network.text(JILIN, "PT")
    assert operator.consent(JILIN, operator.outside) == (
        "intact against the root of 2026-12-05, which covers 4 of 5 entries", 0,
    )  # fmt: skip


def test_day_is_signed_an_hour_after_its_end(network: Network, months: Months, operator: Operator):
    network.open(JILIN)
    months.pass_to("2026-11-23 00:59")
    assert operator.keep("2026-11")[-1]["day"] == "2026-11-21"
    months.pass_to("2026-11-23 01:00")
    assert operator.keep("2026-11")[-1]["day"] == "2026-11-22"


def test_roots_are_the_same_whenever_the_export_runs(
    network: Network, months: Months, operator: Operator
):
    some_days(network, months)
    at_once = operator.keep("2026-12")
    months.pass_to("2026-12-20 09:00")
    assert operator.keep("2026-11", "2026-12")[30:35] == at_once
    assert operator.keep("2026-10") == [], "before the first entry"
    assert operator.keep("2027-01") == [], "a month to come"


def test_months_without_entries_have_roots_too(
    network: Network, months: Months, operator: Operator
):
    network.open(JILIN)
    months.pass_to("2027-02-02 09:00")
    operator.keep("2026-11")
    kept = operator.keep("2027-01", "2027-02")
    assert [root["entries"] for root in kept] == [0] * 32
    assert operator.consent(JILIN, operator.outside) == ("intact against the root of 2027-02-01", 0)


def test_roots_outlive_the_entries_before_them(
    network: Network, months: Months, operator: Operator, raw: "redis.Redis"
):
    some_days(network, months)
    operator.keep("2026-11")
    months.pass_to("2029-11-10 09:00")
    network.text(SHANXI, "PT")
    months.pass_to("2029-11-12 09:00")
    operator.keep("2026-12", "2029-11")
    months.pass_to("2029-12-12 09:00")
    raw.delete(*raw.scan_iter("*audit:2026-11"))  # as the server does after audit_months
    done = operator.run("export", "audit", "--month", "2029-11", "--root", str(operator.outside))
    told = json.loads(done.stderr)
    assert (told["compared"], done.exit_code) == ("intact against the root of 2029-11-11", 0)
    assert (told["expired_roots"][-1], told["since"]) == ("2026-12-31", "2027-01-01")
    november = operator.outside / "roots-2026-11.jsonl"
    assert operator.audit("2029-11", november) == ("no root to compare", 1)


def test_without_a_key_exports_are_not_signed(network: Network, months: Months, run: Run):
    some_days(network, months)
    done = run("export", "audit", "--month", "2026-11")
    told = json.loads(done.stderr)
    assert (told["signature"], told["roots"], done.exit_code) == ("not signed", [], 0)
    assert json.loads(run("consent", JILIN).stdout)["root"] == {"compared": "no root to compare"}
    refused = run("export", "audit", "--month", "2026-11", "--keep-roots", "roots.jsonl")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "CONSENT_SIGNING_KEY is not set" in refused.stderr


def test_entry_hashed_is_the_entry_stored(
    network: Network, months: Months, forger: Forger, raw: "redis.Redis"
):
    some_days(network, months)
    stored = [f[b"entry"] for key in raw.scan_iter("*audit:*") for _, f in raw.xrange(key)]
    entries = [decode(AuditEntry, each) for each in stored]
    assert sorted(e.hash for e in entries if e.number == JILIN) == sorted(
        e.hash for e in forger.chain(JILIN)
    )
