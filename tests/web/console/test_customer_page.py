"""One customer on one page: facts, each kind of events, filters, export, and what is recorded."""

import datetime as dt
import json
import re
import shutil

import pytest
import redis
from msgspec.structs import replace

from app.bootstrap import Container
from app.storage.archive import archive_mover
from receipts.charging.charges import months_kept
from receipts.model.calendar import month_of, month_start
from receipts.model.charge import Charge, ChargeKind
from receipts.model.customer import CallLog
from receipts.model.receipt import MessageKind
from receipts.model.staff import Role
from receipts.model.vocabulary import Language, Msisdn
from receipts.ports.changes import ChangeSet
from statemachines.receipt import ReceiptState
from tests.conftest import GUANGDONG, ZHEJIANG, Network, TestClock
from tests.support.staff import StaffBrowser, StaffSight
from tests.web.console.conftest import Staff

ANNA = Msisdn(GUANGDONG)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def life(network: Network, built: Container) -> Network:
    """A customer who subscribed by text, texted a friend, and called."""
    network.open(GUANGDONG)
    network.status("SM0001", "delivered", GUANGDONG, ZHEJIANG)
    call = CallLog("CA77", ANNA, Language.ZH, 1, (("now_flash", {}),))
    built.store.commit(ChangeSet(ANNA, records=(call,)))
    return network


def find(browser: StaffBrowser, number: str = "138 0288 0000", why: str = "") -> StaffSight:
    form = browser.goes("customer").form_to("customer")
    return browser.sends(form, number=number, why=why)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            ("Subscribed", "Requests and changes", "To 13957112345: Delivered", "Home province"),
        ),
        ("zh", ("开通时间", "申请与变更", "发给13957112345：已送达", "归属省")),
    ],
)
def test_whole_life_is_on_one_page(
    staff: Staff, life: Network, language: str, words: tuple[str, ...]
):
    del life
    seen = find(staff("olga", language=language))
    assert seen.status == 200
    for each in (*words, "13802880000", "CA77", "console customer"):
        assert each in seen.text
    assert "13802880000" not in seen.answer.request.url


def test_each_kind_has_a_page_of_its_own(staff: Staff, life: Network):
    del life
    browser = staff("olga")
    address = find(browser).answer.request.path.removeprefix("/console/")
    for kind in ("requests", "receipts", "notices", "charges", "texts", "calls", "looks"):
        seen = browser.goes(f"{address}?show={kind}")
        assert (seen.status, seen.html.count("<caption>")) == (200, 1), kind


@pytest.mark.parametrize("start", ["x", "99999999999", "-1", "٣", "0", "5000"])
def test_any_start_of_a_page_is_answered(staff: Staff, life: Network, start: str):
    del life
    browser = staff("olga")
    address = find(browser).answer.request.path.removeprefix("/console/")
    for kind in ("requests", "receipts", "texts", "looks", "nonsense"):
        assert browser.goes(f"{address}?show={kind}&start={start}").status == 200


def test_receipts_are_found_by_recipient_and_day(staff: Staff, life: Network):
    del life
    browser = staff("olga")
    page = find(browser)
    found = browser.sends(page.form_to("search"), ending="2345", day="")
    assert "To 13957112345" in found.text
    assert "To 13957112345" not in browser.sends(page.form_to("search"), ending="9999", day="").text
    wrong = browser.sends(page.form_to("search"), ending="", day="yesterday")
    assert (wrong.status, "Write the day like" in wrong.text) == (400, True)


def charged(built: Container, month: str, count: int) -> list[str]:
    """The ids of so many charges of a month, newest first."""
    begun, kind = month_start(month), ChargeKind.RECEIPT
    made = [
        Charge(f"receipt-{month}-{n:04}", ANNA, kind, 5, month, "", begun + n * MINUTE, "v1")
        for n in range(count)
    ]
    parts = (tuple(made[start : start + 100]) for start in range(0, count, 100))
    built.store.commit_all([ChangeSet(ANNA, charges=part) for part in parts])
    return [each.id for each in made[::-1]]


def test_pages_of_charges_show_each_once_over_months(staff: Staff, built: Container):
    months = months_kept(built.book, built.clock.now())
    counts = [9, 60, 50, 1, 330]
    expected = [
        each
        for month, count in zip(months[-2:-7:-1], counts, strict=True)
        for each in charged(built, month, count)
    ]
    browser = staff("olga")
    address = find(browser).answer.request.path.removeprefix("/console/")
    shown: list[str] = []
    for start in range(0, sum(counts), 50):
        page = browser.goes(f"{address}?show=charges&start={start}")
        assert (f"start={start + 50}" in page.html) == (start + 50 < sum(counts))
        shown += re.findall(r"receipt-20\d\d-\d\d-\d{4}", page.text)
    assert shown == expected


def test_page_of_old_charges_reads_no_newer_ones(
    staff: Staff, built: Container, raw: "redis.Redis"
):
    charged(built, month_of(built.clock.now()), 2_000)
    browser = staff("olga")
    address = find(browser).answer.request.path.removeprefix("/console/")

    def read(start: int) -> int:
        before = int(raw.info("stats")["total_net_output_bytes"])
        assert browser.goes(f"{address}?show=charges&start={start}").status == 200
        return int(raw.info("stats")["total_net_output_bytes"]) - before

    assert abs(read(1_900) - read(0)) < 1_000


def test_look_is_recorded_with_account_and_reason(staff: Staff, life: Network, built: Container):
    del life
    find(staff("olga"), why="case 12")
    looks = built.clients.bulk_reader.lookups_of(ANNA)
    assert [(k.command, k.clerk, k.reason) for k in looks] == [
        ("console customer", "olga", "case 12")
    ]


def test_address_of_another_member_of_staff_opens_nothing(staff: Staff, life: Network):
    del life
    address = find(staff("olga")).answer.request.path.removeprefix("/console/")
    assert staff("ivan").goes(address).status == 404
    assert staff("vera").goes("customer/forged").status == 404


@pytest.mark.parametrize("number", ["", "abc", "12"])
def test_no_number_is_refused_with_what_to_do(staff: Staff, number: str):
    seen = find(staff("olga"), number=number)
    assert (seen.status, "Enter a valid phone number" in seen.text) == (400, True)


def test_unknown_customer_is_shown_as_not_subscribed(staff: Staff):
    seen = find(staff("olga"), number="13902990000")
    assert (seen.status, "Not subscribed" in seen.text) == (200, True)


def test_export_has_all_records_and_is_recorded(staff: Staff, life: Network, built: Container):
    del life
    browser = staff("olga")
    form = find(browser).form_to("export")
    data = json.loads(browser.sends(form, **{"as": "json", "why": "asked in writing"}).answer.data)
    assert data["number"] == GUANGDONG
    assert len(data["texts"]) == len(data["calls"]) == 1
    assert built.clients.bulk_reader.lookups_of(ANNA)[-1].reason == "asked in writing"
    page = browser.sends(form, **{"as": "page"})
    assert "<html" in page.html


def test_auditor_looks_but_does_not_export(staff: Staff, life: Network):
    del life
    browser = staff("vera", Role.AUDITOR)
    page = find(browser)
    assert page.status == 200
    assert browser.sends(page.form_to("export"), **{"as": "json"}).status == 403


def test_older_receipts_come_from_the_archive(
    staff: Staff, life: Network, built: Container, clock: TestClock
):
    (receipt,) = built.store.receipts_of(ANNA, None, MessageKind.RECEIPT)
    ended = replace(receipt, version=receipt.version + 1, state=ReceiptState.DELIVERED)
    built.store.commit(ChangeSet(ANNA, records=(ended,)))
    clock.move(days=32)
    assert sum(archive_mover(built.clients, built.settings, clock).run())
    assert built.store.receipts_of(ANNA, None, MessageKind.RECEIPT) == []
    browser = staff("olga", language="en")
    seen = find(browser)
    assert "To 13957112345: Delivered" in seen.text
    assert "Older receipts come from the archive and may take longer to load." in seen.text
    shutil.rmtree(built.settings.archive_dir)
    seen = find(browser)
    assert seen.status == 200
    assert "cannot be read from the archive. Run sms-receipt store check" in seen.text
    del life
