"""The command `journey`: one object, a list, or a refusal that tells what is kept."""

import datetime as dt
import json

import pytest

from app.bootstrap import Container
from receipts.model.calendar import SHANGHAI
from receipts.model.message import MessageStatus
from receipts.model.vocabulary import Msisdn
from tests.conftest import GUANGDONG, ZHEJIANG, TestClock
from tests.support.fixtures import stand
from tests.support.months import Lines, Run
from tests.support.reports import Tell, told


@pytest.fixture
def texts(built: Container, clock: TestClock) -> list[dt.datetime]:
    """Three texts of one customer, ten minutes apart; the times of their first reports."""
    stand(built, GUANGDONG, "active")
    # The command reads the real clock.
    clock.at = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    times = []
    for message in ("1", "0x1F", "20261128"):
        times.append(clock.now())
        Tell(built)("DELIVRD", MessageStatus.DELIVERED, message=message)
        clock.move(minutes=10)
    return times


def test_one_text_is_one_object_with_its_steps(run: Run, texts: list[dt.datetime]):
    del texts
    done = run("journey", "031")
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert (data["from"], data["to"], data["message_id"]) == (GUANGDONG, ZHEJIANG, "0x1F")
    assert [step["step"] for step in data["steps"]] == ["report", "decision", "receipt"]
    assert data["steps"][1]["about"]["receipt_id"] == data["receipt"]


@pytest.mark.parametrize(
    "form", ["%H:%M", "%Y-%m-%d %H:%M", "%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S+08:00"]
)
def test_text_is_found_by_its_time(run: Run, texts: list[dt.datetime], form: str):
    typed = texts[1].astimezone(SHANGHAI).strftime(form)
    done = run("journey", GUANGDONG, "139 5711 2345", *typed.split())
    assert json.loads(done.stdout)["message_id"] == "0x1F"


@pytest.mark.parametrize("message", ["0X1f", "20261128", "1"])
def test_text_is_found_by_both_numbers_and_its_id(run: Run, texts: list[dt.datetime], message: str):
    del texts
    done = run("journey", GUANGDONG, ZHEJIANG, message)
    assert json.loads(done.stdout)["message_id"].lower() == message.lower()


def test_several_texts_are_a_list(run: Run, lines: Lines, texts: list[dt.datetime]):
    del texts
    listed = lines("journey", GUANGDONG, ZHEJIANG)
    assert [text["message_id"] for text in listed] == ["20261128", "0x1F", "1"]
    assert "3 texts fit" in run("journey", GUANGDONG, ZHEJIANG).stderr


def test_receipt_leads_to_its_text(run: Run, built: Container, texts: list[dt.datetime]):
    del texts
    receipt = told(built)[1]
    assert json.loads(run("journey", receipt.id).stdout)["message_id"] == "0x1F"


@pytest.mark.parametrize(
    ("words", "told_"),
    [
        (["a-ffff"], "no receipt and no text has the id"),
        ([ZHEJIANG, GUANGDONG], "is on record"),
        ([GUANGDONG, ZHEJIANG, "999"], "with the id '999'"),
    ],
)
def test_text_that_is_not_found_is_told_with_what_is_kept(
    run: Run, texts: list[dt.datetime], words: list[str], told_: str
):
    del texts
    done = run("journey", *words)
    assert done.exit_code == 1
    assert told_ in done.stderr
    assert "days" in done.stderr
    assert done.stdout == ""


def test_word_that_is_no_number_is_refused(run: Run, texts: list[dt.datetime]):
    del texts
    done = run("journey", "10086", ZHEJIANG)
    assert done.exit_code == 2
    assert "'10086' is not a phone number" in done.stderr


def test_each_look_is_recorded_with_its_reason(
    run: Run, built: Container, texts: list[dt.datetime]
):
    del texts
    run("journey", "0x1F", "--why", "case 12")
    run("journey", ZHEJIANG, GUANGDONG, "--why", "case 13")
    found = [
        look
        for number in (GUANGDONG, ZHEJIANG)
        for look in built.clients.bulk_reader.lookups_of(Msisdn(number))
    ]
    assert [(look.command, look.reason) for look in found] == [
        ("journey", "case 12"), ("journey", "case 13"),
    ]  # fmt: skip
