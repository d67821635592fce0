"""`archive`, and the commands that read older receipts from it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from app.bootstrap import Container
from receipts.model.vocabulary import Msisdn
from statemachines.receipt import ReceiptState
from tests.conftest import GUANGDONG, TestClock
from tests.support.fixtures import a_receipt
from tests.support.months import Run
from tests.support.redis_nodes import Node

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
    told = run("journey", ids[-1])
    assert ids[-1] in told.stdout
    assert "older receipts come from the archive" in told.stderr
    assert "archive" not in run("journey", ids[0]).stderr
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


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Node]:
    """Another server, empty."""
    node = Node(tmp_path / "other")
    node.start()
    yield node
    node.kill()


def test_backups_come_back_with_their_archive_and_each_receipt_once(
    run: Run, ids: list[str], store_admin_url: str, tmp_path: Path, other: Node
):
    before, after, copy = tmp_path / "before", tmp_path / "after", tmp_path / "copy"
    assert run("backup", before, REDIS_URL=store_admin_url).stderr.count("archive") == 0
    archive(run)
    told = run("backup", tmp_path / "alone", REDIS_URL=store_admin_url)
    assert "older receipts are not in the file: copy the archive" in told.stderr
    done = run("backup", after, "--archive", copy, REDIS_URL=store_admin_url)
    assert json.loads(done.stdout)["archive_files_copied"] >= 1
    assert "older receipts" not in done.stderr
    new = {"REDIS_URL": other.url, "ARCHIVE_DIR": str(tmp_path / "none")}
    refused = run("restore", after, **new)
    assert refused.exit_code == 2
    assert "set ARCHIVE_DIR" in refused.stderr
    assert run("restore", after, "--without-archive", **new).exit_code == 0
    assert listed(run("receipts", GUANGDONG, **new).stdout) == ids[:1]
    new["ARCHIVE_DIR"] = str(copy)
    for file, moved in ((after, 0), (before, 2)):
        # Commands of this process leave their connections to its end.
        with redis.Redis.from_url(other.url) as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        done = run("restore", file, "--replace", "--yes", **new)
        assert (done.exit_code, done.stderr.count("are missing")) == (0, 0), done.stderr
        assert listed(run("receipts", GUANGDONG, **new).stdout) == ids
        # The backup from before does not know that the archive is its store's own.
        assert ("archive --start-anew" in done.stderr) == (file == before)
        if file == before:
            assert run("archive", **new).exit_code == 2
            done = run("archive", "--start-anew", **new)
        else:
            done = run("archive", **new)
        assert json.loads(done.stdout)["moved"] == moved
        assert listed(run("receipts", GUANGDONG, **new).stdout) == ids


def test_check_and_doctor_name_a_missing_archive(
    run: Run, ids: list[str], built: Container, store_admin_url: str
):
    del ids
    archive(run)
    assert "archive_" not in run("store", "check", REDIS_URL=store_admin_url).stdout
    assert "is the store's own" in run("doctor").stdout
    shutil.rmtree(Path(built.settings.archive_dir))
    done = run("store", "check", REDIS_URL=store_admin_url)
    assert done.exit_code == 1, done.output
    assert json.loads(done.stdout.splitlines()[-1])["finding"] == "archive_missing"
    assert "older receipts cannot be read" in run("doctor").stdout
