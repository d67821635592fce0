"""Signed daily roots: a kept root shows every rewriting of the consent entries."""

import datetime as dt
import json
from itertools import pairwise
from pathlib import Path

import pytest
import redis
from msgspec.structs import replace

from commands.evidence.results import NO_EVIDENCE, RootEvidence
from receipts.model.charge import AuditEntry
from receipts.store.codec import decode
from tests.conftest import Network
from tests.support.consent_roots import (
    JILIN,
    SHANXI,
    Edit,
    Forger,
    Operator,
    reworded,
    some_days,
)
from tests.support.months import Months, Run


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
        alone = f"intact against the root of {root['day']}", 0
        assert operator.consent(JILIN, operator.keep_only(root)) == alone


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
    assert operator.consent(JILIN, operator.keep_only(roots[20])) == (
        "intact against the root of 2026-11-21", 0,
    )  # fmt: skip


def test_chain_that_is_not_the_audit_log_differs_in_its_entry(
    network: Network, months: Months, operator: Operator, forger: Forger
):
    some_days(network, months)
    operator.keep("2026-11", "2026-12")
    forger.rewrite_chain(JILIN, reworded)
    assert operator.consent(JILIN, operator.outside) == (
        "differs: entry 2 of 4 is not the one of the audit log", 1,
    )  # fmt: skip
    assert operator.consent(SHANXI, operator.outside)[1] == 0


def test_removed_chain_of_a_customer_differs(
    network: Network, months: Months, operator: Operator, raw: "redis.Redis"
):
    some_days(network, months)
    operator.keep("2026-11", "2026-12")
    raw.delete(*raw.scan_iter("*consent:*"))
    told, status = operator.consent(JILIN, operator.outside)
    assert told == "differs: entry 1 of 0 is not the one of the audit log"
    assert status == 1


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


def test_entries_after_the_last_root_are_counted_and_may_grow(
    network: Network, months: Months, operator: Operator
):
    some_days(network, months)
    operator.keep("2026-11", "2026-12")
    network.text(JILIN, "PT")
    done = operator.run("consent", JILIN, "--root", str(operator.outside))
    told = json.loads(done.stdout)["root"]
    assert (told["compared"], told["newer_entries"], done.exit_code) == (
        "intact against the root of 2026-12-05", 1, 0,
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


def test_public_key_is_enough_to_compare(
    network: Network, months: Months, operator: Operator, run: Run
):
    some_days(network, months)
    operator.keep("2026-11")
    kept = ("--root", str(operator.outside))
    done = run("consent", JILIN, *kept, "--key", operator.public_key)
    told = json.loads(done.stdout)["root"]["compared"]
    assert (told, done.exit_code) == ("intact against the root of 2026-11-30", 0)
    refused = run("consent", JILIN, *kept)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--key" in refused.stderr


def test_roots_of_another_key_are_refused(
    network: Network, months: Months, operator: Operator, tmp_path: Path
):
    some_days(network, months)
    operator.run("signing-key", "new", str(tmp_path / "other.pem"))
    forged = operator.outside / "roots.jsonl"
    done = operator.run(
        "export", "audit", "--month", "2026-11", "--keep-roots", str(forged),
        CONSENT_SIGNING_KEY=(tmp_path / "other.pem").read_text(),
    )  # fmt: skip
    assert done.exit_code == 0
    refused = operator.run("consent", JILIN, "--root", str(forged))
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "names the key" in refused.stderr
    lines = [json.loads(line) for line in forged.read_text().splitlines()]
    forged.write_text(json.dumps([line | {"key": operator.public_key} for line in lines]))
    refused = operator.run("consent", JILIN, "--root", str(forged))
    assert "is not as the key signed it" in refused.stderr


TAMPERED = {
    "count": {"entries": 3},
    "day": {"day": "2026-11-23"},
    "tree": {"tree": "00" * 32},
    "previous": {"previous": ""},
    "own hash": {"root": "00" * 32},
    "signature": {"signature": "00" * 64},
    "no hex": {"signature": "x"},
    "a number": {"signature": 1},
    "no day": {"day": "soon"},
    "negative": {"entries": -4},
    "another format": {"format": "2"},
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED)
def test_tampered_root_file_is_refused(
    network: Network, months: Months, operator: Operator, change: dict[str, object]
):
    some_days(network, months)
    root = operator.keep("2026-11")[21]
    kept = operator.keep_only(root | change)
    refused = operator.run("consent", JILIN, "--root", str(kept))
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"sms-receipt: {kept}: ")
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "[1]", "{}", "null", '"x"', "[[" * 9999])
def test_file_without_a_root_is_refused(operator: Operator, text: str):
    kept = operator.outside / "kept.json"
    kept.write_text(text)
    refused = operator.run("export", "audit", "--month", "2026-11", "--root", str(kept))
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"sms-receipt: {kept}: ")
    gone = operator.run("consent", JILIN, "--root", str(operator.outside / "gone.json"))
    assert (gone.exit_code, gone.stdout) == (2, "")


def test_roots_are_read_from_the_printed_totals_too(
    network: Network, months: Months, operator: Operator
):
    some_days(network, months)
    done = operator.run("export", "audit", "--month", "2026-12")
    (operator.outside / "printed.json").write_text(done.stderr)
    assert operator.audit("2026-12", operator.outside)[1] == 0


def test_signing_key_is_private_and_never_overwritten(operator: Operator, tmp_path: Path):
    new = tmp_path / "new.pem"
    done = operator.run("signing-key", "new", str(new))
    assert new.stat().st_mode & 0o777 == 0o600
    before = new.read_bytes()
    assert operator.run("signing-key", "new", str(new)).exit_code == 2
    assert new.read_bytes() == before
    shown = operator.run("signing-key", "public", CONSENT_SIGNING_KEY=str(new))
    assert shown.stdout == done.stdout
    assert len(bytes.fromhex(shown.stdout)) == 32


RSA_HEADER = "-----BEGIN PRIVATE KEY-----\nMIGf\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize("setting", ["/no/such/file", "-----BEGIN", RSA_HEADER, "/"])
def test_unusable_key_is_refused_before_the_export(operator: Operator, setting: str):
    done = operator.run("export", "audit", "--month", "2026-11", CONSENT_SIGNING_KEY=setting)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("sms-receipt: CONSENT_SIGNING_KEY: ")


def test_key_is_never_in_the_store(
    network: Network, months: Months, operator: Operator, raw: "redis.Redis"
):
    some_days(network, months)
    operator.keep("2026-11", "2026-12")
    strings = [key for key in raw.scan_iter() if raw.type(key) == b"string"]
    assert strings
    assert not any(b"PRIVATE" in (raw.get(key) or b"") for key in strings)


def test_terminal_shows_the_last_root_alone():
    roots = [{"day": "2026-11-29", "root": "aa"}, {"day": "2026-11-30", "root": "bb"}]
    evidence = RootEvidence({"signature": "signed by cc", "roots": roots}, valid=True)
    assert evidence.short() == {"signature": "signed by cc", "last_root": "2026-11-30: bb"}
    assert NO_EVIDENCE.short() == {}


def test_exports_of_charges_take_no_roots(operator: Operator):
    kept = ("--root", str(operator.outside))
    done = operator.run("export", "charges", "--month", "2026-11", *kept)
    assert (done.exit_code, done.stdout) == (2, "")


def test_entry_hashed_is_the_entry_stored(
    network: Network, months: Months, forger: Forger, raw: "redis.Redis"
):
    some_days(network, months)
    stored = [f[b"entry"] for key in raw.scan_iter("*audit:*") for _, f in raw.xrange(key)]
    entries = [decode(AuditEntry, each) for each in stored]
    assert sorted(e.hash for e in entries if e.number == JILIN) == sorted(
        e.hash for e in forger.chain(JILIN)
    )
