"""Kept roots and the signing key: which files are read, and which are refused."""

import json
from pathlib import Path

import pytest
import redis

from commands.evidence.results import NO_EVIDENCE, RootEvidence
from tests.conftest import JILIN, Network
from tests.support.consent_roots import Operator, some_days
from tests.support.months import Months, Run


def test_public_key_is_enough_to_compare(
    network: Network, months: Months, operator: Operator, run: Run
):
    some_days(network, months)
    operator.keep("2026-11")
    kept = ("--root", str(operator.outside))
    done = run("consent", JILIN, *kept, "--key", operator.public_key)
    told = json.loads(done.stdout)["root"]["compared"]
    assert done.exit_code == 0
    assert told.startswith("intact against the root of 2026-11-30")
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
    assert "is signed with the key" in refused.stderr
    lines = [json.loads(line) for line in forged.read_text().splitlines()]
    forged.write_text(json.dumps([line | {"key": operator.public_key} for line in lines]))
    refused = operator.run("consent", JILIN, "--root", str(forged))
    assert "was changed after it was signed" in refused.stderr


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


def test_export_and_roots_need_two_files(operator: Operator, tmp_path: Path):
    same = str(tmp_path / "same.jsonl")
    done = operator.run(
        "export", "audit", "--month", "2026-11", "--out", same, "--keep-roots", same
    )
    assert (done.exit_code, Path(same).exists()) == (2, False)
