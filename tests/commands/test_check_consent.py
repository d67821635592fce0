"""The checker of one file: what a distrustful reader learns without SMS Receipt."""

import datetime as dt
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import to_builtins

from app.exports.serializers import column_names
from receipts.model.charge import AuditEntry
from receipts.model.vocabulary import Msisdn
from receipts.store.codec import encode
from receipts.subscriptions.consent import append_to_chain
from tests.conftest import JILIN, Network
from tests.support.consent_roots import Forger, Operator, reworded, some_days
from tests.support.months import Months
from tests.support.product import run_to_end

pytestmark = pytest.mark.fixed_day

CHECKER = Path(__file__).parents[2] / "tools" / "check_consent.py"

Json = dict[str, Any]
Check = Callable[..., tuple[int, str]]


@pytest.fixture
def kept(network: Network, months: Months, operator: Operator) -> Operator:
    """Roots and exports of November and December, and the bundle of one customer."""
    some_days(network, months)
    operator.keep("2026-11", "2026-12")
    network.text(JILIN, "PT")
    return operator


@pytest.fixture
def check(operator: Operator, tmp_path: Path) -> Check:
    """The checker in a process of its own, in an empty folder, isolated from our packages."""
    (tmp_path / "empty").mkdir()

    def run(*files: Path, root: Path = operator.outside, key: str = "") -> tuple[int, str]:
        words = ["--key", key or operator.public_key, "--root", str(root), *map(str, files)]
        done = subprocess.run(
            [sys.executable, "-I", str(CHECKER), *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path / "empty",
            env={},
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    return run


def rows(path: Path) -> list[Json]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def bundle(kept: Operator, *words: str) -> Json:
    done = kept.run("consent", JILIN, "--root", str(kept.outside), *words)
    assert done.exit_code == 0, done.output
    value: Json = json.loads(done.stdout)
    return value


def written(kept: Operator, *values: object) -> Path:
    return written_to(kept.outside.parent / "given.json", *values)


def written_to(path: Path, *values: object) -> Path:
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


def test_checker_imports_the_standard_library_and_cryptography_only():
    script = (
        "import runpy, sys\n"
        "sys.argv = ['check_consent.py', '--help']\n"
        f"try:\n    runpy.run_path({str(CHECKER)!r}, run_name='__main__')\n"
        "except SystemExit:\n    pass\n"
        "own = {'cryptography', '_cffi_backend', '_openssl', '__main__'}\n"
        "print({name.split('.')[0] for name in sys.modules} - own - sys.stdlib_module_names)\n"
    )
    script = f"import sys; sys.path += {sys.path!r}\n{script}"
    done = run_to_end(sys.executable, "-I", "-S", "-c", script)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "set()")


def test_genuine_exports_are_intact(kept: Operator, check: Check):
    november, december = kept.export_of("2026-11"), kept.export_of("2026-12")
    assert check(november, december) == (
        0, "intact against the root of 2026-12-05: 6 entries since 2026-11-01\n",
    )  # fmt: skip
    status, told = check(november)
    assert status == 0
    assert told.splitlines() == [
        "intact against the root of 2026-11-30: 5 entries since 2026-11-01",
        "not compared: the roots of 2026-12, of which no file has entries",
    ]


def test_one_root_covers_all_days_before_it(kept: Operator, check: Check):
    last = rows(kept.outside / "roots-2026-12.jsonl")[-1]
    path = kept.keep_only(last)
    november, december = kept.export_of("2026-11"), kept.export_of("2026-12")
    assert check(november, december, root=path) == (
        0, "intact against the root of 2026-12-05: 6 entries since 2026-11-01\n",
    )  # fmt: skip
    status, told = check(december, root=path)
    assert status == 1
    assert "no root given leads to the entries before 2026-12-05" in told


def test_roots_of_some_days_cover_the_days_between(kept: Operator, check: Check):
    roots = rows(kept.outside / "roots-2026-11.jsonl")
    some = written_to(kept.outside.parent / "some.jsonl", roots[9], roots[29])
    status, told = check(kept.export_of("2026-11"), root=some)
    assert (status, told) == (
        0, "intact against the root of 2026-11-30: 5 entries since 2026-11-01\n",
    )  # fmt: skip
    entries = rows(kept.export_of("2026-11"))
    forged = written(kept, *rewritten(entries, 1, heard="forged"))
    assert check(forged, root=some) == (
        1, "differs: an entry between 2026-11-01 and 2026-11-30 was changed\n",
    )  # fmt: skip


def rewritten(entries: list[Json], index: int, **changes: str) -> list[Json]:
    """Entries with one changed, and all hashes of its chain computed anew."""
    changed = [e | changes if i == index else e for i, e in enumerate(entries)]
    heads: dict[str, str] = {}
    forged = []
    for entry in changed:
        record = msgspec.convert(
            {name: value for name, value in entry.items() if value},
            AuditEntry,
            dec_hook=lambda _, value: Msisdn(value),
        )
        (linked,), heads[entry["number"]] = append_to_chain(
            [record], heads.get(entry["number"], "")
        )
        forged.append(entry | {"before_hash": linked.previous_hash, "hash": linked.hash})
    return forged


@pytest.mark.parametrize("alone", [True, False])
def test_forged_export_differs(kept: Operator, check: Check, alone: bool):  # noqa: FBT001
    entries = rows(kept.export_of("2026-11"))
    root = kept.outside
    if alone:
        root = kept.keep_only(rows(kept.outside / "roots-2026-11.jsonl")[-1])
    forgeries = [
        rewritten(entries, 1, heard="forged"),
        rewritten(entries, 0, at="2026-11-21T04:00:00+00:00"),
        rewritten(entries[:-1], 0),
        [*entries, entries[-1]],
        [entries[1], entries[0], *entries[2:]],
        [entry | {"heard": "forged"} for entry in entries],
    ]
    for forged in forgeries:
        status, told = check(written(kept, *forged), root=root)
        assert (status, told.startswith("differs")) == (1, True), told
    assert rewritten(entries, 0) == entries, "the forger computes the right hashes"


def test_two_signed_roots_of_a_day_are_told(
    kept: Operator, check: Check, forger: Forger, operator: Operator
):
    forger.rewrite(JILIN, reworded)
    again = operator.outside / "again.jsonl"
    operator.run("export", "audit", "--month", "2026-11", "--keep-roots", str(again))
    status, told = check(kept.export_of("2026-11"))
    assert (status, told) == (1, "differs: two different roots of 2026-11-22 are signed\n")


def test_genuine_bundle_is_intact_against_any_later_root(kept: Operator, check: Check):
    given_ = written(kept, bundle(kept))
    status, told = check(given_)
    assert status == 0
    assert told.splitlines() == [
        "intact against the root of 2026-12-05: 4 of 5 entries",
        "not covered: entries since 2026-12-06 (1)",
    ]
    last = kept.keep_only(rows(kept.outside / "roots-2026-12.jsonl")[-1])
    assert check(given_, root=last)[0] == 0
    of_charge = written(kept, bundle(kept, "--charge", "monthly-2026-11"))
    assert check(of_charge, root=last) == (
        0, "intact against the root of 2026-12-05: 2 of 2 entries\n",
    )  # fmt: skip


def test_forged_bundle_differs(kept: Operator, check: Check):
    genuine = bundle(kept)
    entries, root = genuine["entries"], genuine["root"]
    forgeries: list[Json] = [
        {"entries": rewritten(entries, 1, heard="forged")},
        {"entries": [entries[0], *entries[2:]]},
        {"entries": [entry | {"heard": "forged"} for entry in entries]},
        {"entries": [entry | {"note": "unsigned"} for entry in entries]},
        {"number": "+8613800138000"},
        {"offer": entries[0] | {"shown": "free"}},
        {"root": root | {"days": []}},
        {"root": root | {"days": root["days"][:-3]}},
        {"root": root | {"days": [day | {"entries": 9} for day in root["days"]]}},
        {"root": root | {"proofs": root["proofs"][1:]}},
        {"root": root | {"proofs": [proof | {"index": 3} for proof in root["proofs"]]}},
        {"root": root | {"proofs": [proof | {"entry": 0} for proof in root["proofs"]]}},
        {"root": root | {"proofs": [proof | {"path": []} for proof in root["proofs"]]}},
    ]
    for number, forged in enumerate(forgeries):
        status, told = check(written(kept, genuine | forged))
        assert status == 1, (number, told)
    status, told = check(written(kept, genuine | {"root": {"compared": "no root to compare"}}))
    assert (status, told.split(":")[0]) == (1, "no root to compare")


def test_bundle_proves_no_customer_but_its_own(kept: Operator):
    text = json.dumps(bundle(kept))
    assert "13903512345" not in text


def test_roots_of_another_key_or_altered_are_refused(kept: Operator, check: Check):
    november = kept.export_of("2026-11")
    status, told = check(november, key="11" * 32)
    assert status == 2, told
    root = rows(kept.outside / "roots-2026-11.jsonl")[21]
    for change in ({"entries": 3}, {"previous": ""}, {"signature": "00" * 64}, {"root": ""}):
        status, told = check(november, root=kept.keep_only(root | change))
        assert status == 2, told
        assert "of 2026-11-22" in told


@pytest.mark.parametrize(
    "text", ["", "{}", "no JSON", "[]", "[" * 99_999, '{"entries": 1}', '{"at": 1}']
)
def test_malformed_files_are_refused(kept: Operator, check: Check, text: str):
    path = kept.outside.parent / "given.json"
    path.write_text(text)
    status, told = check(path)
    assert status in {1, 2}, told
    assert check(kept.outside / "gone.json")[0] == 2
    assert check(kept.export_of("2026-11"), root=path)[0] == 2
    assert check(kept.export_of("2026-11"), key="x")[0] == 2


def checker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_consent", CHECKER)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHECKER_MODULE = checker()


def test_checker_knows_every_field_of_an_entry_in_its_order():
    assert (*CHECKER_MODULE.ALWAYS, *CHECKER_MODULE.OPTIONAL) == column_names(AuditEntry)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(at=st.datetimes(timezones=st.just(dt.UTC)), texts=st.lists(TEXTS, min_size=9, max_size=9))
def test_checker_hashes_the_bytes_that_the_store_keeps(at: dt.datetime, texts: list[str]):
    *first, shown, clerk, action = texts
    entry = AuditEntry(
        at, Msisdn("+8613800138000"), *first, shown_text=shown, clerk=clerk, action=action
    )
    row = dict.fromkeys(CHECKER_MODULE.OPTIONAL, "")
    row |= to_builtins(entry, enc_hook=str) | {"at": at.isoformat()}
    assert CHECKER_MODULE.canonical(row) == encode(entry)
