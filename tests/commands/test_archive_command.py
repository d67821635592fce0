"""`archive`, and the commands that read older receipts from it."""

import json
import shutil
from pathlib import Path

import pytest

from app.bootstrap import Container
from receipts.model.vocabulary import Msisdn
from statemachines.receipt import ReceiptState
from tests.conftest import GUANGDONG, TestClock
from tests.support.fixtures import a_receipt
from tests.support.months import Run

ANNA = Msisdn(GUANGDONG)


@pytest.fixture
def ids(built: Container, clock: TestClock) -> list[str]:
    """The ids of two old receipts and a young one, newest first."""
    made = []
    for seed, days in (("0a", 5), ("0b", 40), ("0c", 1)):
        made.append(a_receipt(built, GUANGDONG, seed=seed, state=ReceiptState.DELIVERED).id)
        clock.move(days=days)
    return made[::-1]


def archive(run: Run) -> dict[str, object]:
    found: dict[str, object] = json.loads(run("archive").stdout)
    return found


def listed(output: str) -> list[str]:
    return [json.loads(line)["id"] for line in output.splitlines()]


def test_receipts_are_listed_from_both_places(run: Run, ids: list[str]):
    before = run("receipts", GUANGDONG)
    assert listed(before.stdout) == ids
    assert "archive" not in before.stderr
    assert archive(run)["moved"] == 2
    after = run("receipts", GUANGDONG)
    assert after.stdout == before.stdout
    assert "sms-receipt: older receipts come from the archive, which takes longer" in after.stderr
    young = run("receipts", GUANGDONG, "--limit", "1")
    assert (listed(young.stdout), young.stderr) == (ids[:1], "")
    assert archive(run)["moved"] == 0


def test_a_missing_archive_is_named_and_the_rest_is_listed(
    run: Run, ids: list[str], built: Container
):
    archive(run)
    shutil.rmtree(Path(built.settings.archive_dir))
    found = run("receipts", GUANGDONG)
    assert listed(found.stdout) == ids[:1]
    assert "cannot be read" in found.stderr
    assert found.exit_code == 0
    refused = run("archive")
    assert refused.exit_code == 2
    assert "is missing or empty" in refused.stderr
    assert run("archive", "--start-anew").exit_code == 0
    assert run("receipts", GUANGDONG).stderr == ""


def test_journeys_and_exports_have_archived_receipts(run: Run, ids: list[str]):
    archive(run)
    journey = json.loads(run("journey", ids[-1]).stdout)
    assert ids[-1] in json.dumps(journey)
    exported = json.loads(run("customers", "export", GUANGDONG).stdout)
    assert {each["id"] for each in exported["receipts"]} == set(ids)
    assert exported["receipts_from_archive"] == 2


def test_forget_reports_what_it_erased_from_the_archive(run: Run, ids: list[str], built: Container):
    archive(run)
    done = run("customers", "forget", GUANGDONG, "--why", "asked", "--yes")
    erased = json.loads(done.stdout)["erased"]
    assert (erased["receipts"], erased["archived_receipts"]) == (1, 2)
    assert built.history.receipts(ids).by_id == {}
    assert run("receipts", GUANGDONG).stdout == ""
