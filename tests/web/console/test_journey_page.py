"""The page of one text's journey: each way to find it, in both languages, recorded."""

import datetime as dt
import tomllib
from pathlib import Path

import pytest
from flask import Flask

import web.console
from app.bootstrap import Container
from receipts.model.calendar import SHANGHAI
from receipts.model.message import MessageStatus, NoReceiptReason
from receipts.model.staff import Role, StaffArea
from receipts.model.vocabulary import Msisdn, ReceiptOutcome
from receipts.providers import failure_codes
from receipts.reports.journey_steps import StepKind
from statemachines.receipt import ReceiptEvent, ReceiptState
from tests.conftest import GUANGDONG, ZHEJIANG, TestClock
from tests.support.fixtures import stand
from tests.support.reports import Tell, told
from tests.support.staff import PASSWORD, StaffBrowser, StaffSight, add_staff
from tests.web.console.conftest import Staff

ANNA = Msisdn(GUANGDONG)
TEXTS = Path(web.console.__file__).parent / "texts"


@pytest.fixture
def texts(built: Container, clock: TestClock) -> list[dt.datetime]:
    """Three texts of one customer, ten minutes apart; the times of their reports."""
    stand(built, GUANGDONG, "active")
    times = []
    for message in ("1", "0x1F", "77"):
        times.append(clock.now())
        Tell(built)("DELIVRD", MessageStatus.DELIVERED, message=message)
        clock.move(minutes=10)
    return times


def search(browser: StaffBrowser, **typed: str) -> StaffSight:
    form = browser.goes("journey").form_to("journey")
    return browser.sends(form, **typed)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_text_is_found_by_its_id_in_the_address(
    staff: Staff, texts: list[dt.datetime], language: str
):
    seen = staff("olga", language=language).goes("journey?id=0X1f")
    assert seen.status == 200
    told_ = {
        "zh": ("收到状态报告 DELIVRD", "决定：发回执", "生成回执：已送达", "待发送"),
        "en": (
            "Report: DELIVRD", "Decision: a receipt", "Receipt written: Delivered",
            "Waiting to be sent",
        ),
    }  # fmt: skip
    for words in told_[language]:
        assert words in seen.text
    assert f"{texts[1].astimezone(SHANGHAI):%H:%M:%S}" in seen.text


def test_link_to_a_text_leads_there_after_the_sign_in(
    app: Flask, built: Container, texts: list[dt.datetime]
):
    """The phones page links to it, for staff who are not signed in yet."""
    del texts
    add_staff(built, "olga", Role.OPERATOR)
    browser = StaffBrowser(app.test_client(), StaffArea.CONSOLE, "olga", "en")
    assert "sign-in" in browser.goes("journey?id=0x1F").answer.request.path
    form = browser.goes("sign-in").form_to("enter")
    seen = browser.sends(form, name="olga", password=PASSWORD)
    assert seen.answer.request.full_path == "/console/journey?id=0x1F"
    browser.sends(seen.form_to("sign-out"))
    assert browser.again().goes("").answer.request.path == "/console/"


def test_text_is_found_by_both_numbers_and_its_time(staff: Staff, texts: list[dt.datetime]):
    typed = f"{texts[1].astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    seen = search(staff("olga"), number="138 0288 0000", friend=ZHEJIANG, time=typed)
    assert "0x1F" in seen.text
    assert "Line of time" in seen.text


def test_one_of_several_texts_is_chosen(staff: Staff, texts: list[dt.datetime]):
    del texts
    browser = staff("olga")
    seen = search(browser, number=GUANGDONG, friend=ZHEJIANG)
    assert "3 texts were found" in seen.text
    chosen = browser.sends(seen.form_to("journey", 2))
    assert "Line of time" in chosen.text
    assert chosen.text.count("Message id 1 ") == 1


def test_text_leads_to_its_customer(staff: Staff, texts: list[dt.datetime]):
    del texts
    browser = staff("olga")
    seen = browser.sends(browser.goes("journey?id=0x1F").form_to("customer"))
    assert seen.status == 200
    assert "/customer/" in seen.answer.request.path


def test_receipt_leads_to_its_text(staff: Staff, built: Container, texts: list[dt.datetime]):
    del texts
    receipt = told(built)[2]
    assert "77" in staff("olga").goes(f"journey?id={receipt.id}").text


@pytest.mark.parametrize(
    ("typed", "status", "words"),
    [
        ({}, 400, "Enter both numbers, or an id."),
        ({"number": "10086", "friend": ZHEJIANG}, 400, "customer's number is not"),
        ({"number": GUANGDONG}, 400, "recipient's number is not"),
        ({"number": GUANGDONG, "friend": ZHEJIANG, "time": "25:61"}, 400, "This is not a time"),
        ({"number": ZHEJIANG, "friend": GUANGDONG}, 404, "was found. Customers' texts are kept"),
        ({"number": GUANGDONG, "friend": ZHEJIANG, "id": "5"}, 404, "with the id 5 was found"),
        ({"id": "{x}<script>"}, 404, "with the id {x}<script> was found"),
        ({"id": "x" * 900}, 404, "was found"),
    ],
)
def test_wrong_or_unknown_names_are_told_and_stay_typed(
    staff: Staff, texts: list[dt.datetime], typed: dict[str, str], status: int, words: str
):
    del texts
    seen = search(staff("olga"), **typed)
    assert (seen.status, words in seen.text) == (status, True), seen.text
    form = seen.form_to("journey")
    assert all(form.fields[name] == value[:200] for name, value in typed.items())


def test_each_look_is_recorded_with_account_and_reason(
    staff: Staff, built: Container, texts: list[dt.datetime]
):
    del texts
    browser = staff("olga")
    search(browser, id="0x1F", why="case 12")
    search(browser, number=ZHEJIANG, friend=GUANGDONG, why="case 13")
    looks = built.clients.bulk_reader.lookups_of
    assert [(k.command, k.clerk, k.reason) for k in looks(ANNA)] == [
        ("console journey", "olga", "case 12"),
    ]
    assert [k.reason for k in looks(Msisdn(ZHEJIANG))] == ["case 13"]


def test_auditor_may_look(staff: Staff):
    assert staff("olga", Role.AUDITOR).goes("journey").status == 200


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_value_has_its_words(built: Container, app: object, language: str):
    del built, app
    words = tomllib.loads((TEXTS / "journey.toml").read_text())["journey"]
    logged = {
        ReceiptEvent.TRY_LATER, ReceiptEvent.GIVE_UP, ReceiptEvent.NEVER, ReceiptEvent.LOST_SIGHT,
        ReceiptEvent.TOO_OLD, ReceiptEvent.FOUND, ReceiptEvent.NOT_FOUND, ReceiptEvent.STAFF_SENT,
        ReceiptEvent.STAFF_NOT_SENT, ReceiptEvent.STAFF_RESEND,
    }  # fmt: skip
    titled = set(StepKind) - {StepKind.ATTEMPT, StepKind.LOOKUP, StepKind.STAFF, StepKind.END}
    assert {str(each) for each in NoReceiptReason} == set(words["reason"])
    assert {*map(str, MessageStatus), *map(str, ReceiptOutcome)} == set(words["status"])
    assert {str(each) for each in ReceiptState} == set(words["state"])
    assert {str(each) for each in logged} == set(words["event"])
    assert {str(each) for each in titled} <= set(words["step"])
    assert all(each[language] for each in words["state"].values())


@pytest.mark.parametrize("family", ["twilio", "smsc"])
def test_every_code_is_explained_in_both_languages(family: str):
    words = tomllib.loads((TEXTS / "failure_codes.toml").read_text())["failure"][family]
    table = {"twilio": failure_codes._TWILIO, "smsc": failure_codes._SMSC}[family]  # noqa: SLF001
    assert {code: each["en"] for code, each in words.items() if code != "unknown"} == dict(table)
