"""Today and the provinces: figures of real requests, at a bounded number of round trips."""

import csv
import io
import re
from xml.etree import ElementTree as ET

import pytest
import redis

from app.bootstrap import Container
from receipts.model.figure import Figure, figure
from receipts.model.staff import Role
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet
from statemachines.provider import ProviderState
from tests.conftest import GUANGDONG, ZHEJIANG, Network, TestClock
from tests.support.caller import Call
from tests.support.fixtures import GUANGXI
from tests.support.reports import swept
from tests.support.staff import StaffBrowser, StaffSight
from tests.web.console.conftest import Staff

CHARTS = ("reports", "waits", "moves", "calls", "texts")


@pytest.fixture
def operator(staff: Staff) -> StaffBrowser:
    return staff("olga")


def reported(network: Network, sender: str, sid: str) -> None:
    """Report a text to a friend as delivered."""
    assert network.status(sid, "delivered", sender, GUANGXI).status_code == 204


def table(seen: StaffSight, caption: str) -> dict[str, list[str]]:
    """The rows of a table by their label."""
    root = ET.fromstring(f"<all>{_tables(seen)}</all>")
    found = next(t for t in root if (t.findtext("caption") or "").startswith(caption))
    rows = (row for row in found.iter("tr") if row.find("td") is not None)
    return {row.findtext("th"): ["".join(td.itertext()) for td in row.iter("td")] for row in rows}


def _tables(seen: StaffSight) -> str:
    parts = re.findall(r"<table[^>]*>(.*?)</table>", seen.answer.text, re.DOTALL)
    return "".join(f"<table>{part}</table>" for part in parts)


def test_day_of_a_customer_is_counted(operator: StaffBrowser, network: Network):
    network.text(GUANGDONG, "开通短信回执")
    network.text(GUANGDONG, "是")
    network.text(ZHEJIANG, "开通短信回执")
    network.text(ZHEJIANG, "what is 12345 this")
    call = Call(network, GUANGXI, "CA" + "1" * 32)
    call.dials()
    call.presses("111")
    reported(network, GUANGDONG, "SM1")
    reported(network, ZHEJIANG, "SM2")
    seen = operator.goes()
    assert table(seen, "Subscriptions by channel") == {
        "Text": ["1", "0", "0"], "Hotline": ["1", "0", "0"],
        "Online Services": ["0", "0", "0"], "Store": ["0", "0", "0"],
    }  # fmt: skip
    assert table(seen, "Subscriptions by province") == {
        "Guangdong": ["1", "0", "0"], "Guangxi": ["1", "0", "0"],
    }  # fmt: skip
    assert table(seen, "What came of the reports") == {
        "Delivered: receipt": ["1"], "Sender not subscribed": ["1"],
    }  # fmt: skip
    assert table(seen, "Texts to the short code") == {
        "Received": ["4"], "Understood": ["3"], "Asked back": ["2"], "Led to a change": ["1"],
    }  # fmt: skip
    steps = ("Answered", "Reached the menu", "Made a choice", "Got an answer or a change")
    assert table(seen, "Calls to the hotline") == {step: ["1"] for step in steps}
    assert "12345" not in seen.text
    assert list(table(seen, "Texts of the week")) == ["whatis#this"]


def test_cancel_and_its_month_end_count_once(
    operator: StaffBrowser, network: Network, built: Container, clock: TestClock
):
    for body in ("开通短信回执", "是", "取消短信回执"):
        network.text(GUANGDONG, body)
    clock.move(days=31)
    swept(built)
    assert (
        table(operator.again().goes("?period=today"), "Subscriptions by channel")["Text"]
        == ["0"] * 3
    )
    clock.move(days=-31)
    assert table(operator.again().goes(), "Subscriptions by channel")["Text"] == ["1", "1", "0"]


def test_nearest_wish_of_an_unknown_text(operator: StaffBrowser, network: Network):
    network.text(GUANGDONG, "qudxhz")
    found = table(operator.goes(), "Texts of the week")
    assert found["qudxhz"][0] == "1"
    assert found["qudxhz"][1].startswith("Cancel")


def test_days_and_hours_are_those_of_china(
    operator: StaffBrowser, network: Network, clock: TestClock
):
    clock.move_to_next_morning()
    reported(network, ZHEJIANG, "SM1")
    clock.move(days=1)
    reported(network, ZHEJIANG, "SM2")
    reported(network, ZHEJIANG, "SM3")
    operator.signs_in()
    assert table(operator.goes(), "Reports")["09"] == ["0", "2"]
    assert table(operator.goes("?period=yesterday"), "Reports")["09"] == ["0", "1"]
    week = table(operator.goes("?period=week"), "Reports")
    assert len(week) == 7
    assert list(week.values())[-2:] == [["0", "1"], ["0", "2"]]


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_chart_is_an_image_of_its_own(staff: Staff, network: Network, name: str, language: str):
    reported(network, ZHEJIANG, "SM1")
    answer = staff("olga", language=language).goes(f"chart/{name}.svg?period=week").answer
    assert answer.content_type == "image/svg+xml; charset=utf-8"
    root = ET.fromstring(answer.data)
    assert {each.tag.rpartition("}")[2] for each in root.iter()} <= {
        "svg", "defs", "style", "title", "g", "rect", "path", "text",
    }  # fmt: skip
    assert not [each for each in root.iter() if {"style", "href", "onload"} & set(each.attrib)]
    assert "http" not in answer.text.replace("http://www.w3.org/2000/svg", "")
    assert "prefers-color-scheme: dark" in answer.text
    assert "style-src 'sha256-" in answer.headers["Content-Security-Policy"]
    assert len(answer.data) < 30_000


@pytest.mark.parametrize(
    "path", ["?period=month", "chart/reports.svg?period=x", "provinces?month=2026-13",
             "provinces?month=2999-01", "provinces.csv?month=%00", "provinces?month="],
)  # fmt: skip
def test_wrong_address_is_refused(operator: StaffBrowser, path: str):
    assert operator.goes(path).answer.status_code == 400


@pytest.mark.parametrize("name", ["nothing", "results", "../reports"])
def test_unknown_chart_is_not_found(operator: StaffBrowser, name: str):
    assert operator.goes(f"chart/{name}.svg").answer.status_code == 404


def test_page_refreshes_itself_until_it_was_left_alone(operator: StaffBrowser):
    assert operator.goes().answer.headers["Refresh"].endswith("period=today&live=39")
    seen = operator.goes("?period=week&live=1")
    assert seen.answer.headers["Refresh"] == "30; url=/console/?period=week&live=0"
    for left in ("0", "x", "-1"):
        paused = operator.goes(f"?live={left}")
        assert "Refresh" not in paused.answer.headers
        assert "Updates are paused." in paused.text


def test_troubles_are_in_words(operator: StaffBrowser, built: Container, clock: TestClock):
    built.clients.outbox.fetch("w", 1, 0)
    assert "All is well." in operator.goes().text
    state = built.clients.rate_limiter.load(["kannel"])["kannel"]
    built.clients.rate_limiter.save(
        type(state)("kannel", state.version + 1, ProviderState.OPEN, clock.now(), clock.now())
    )
    seen = operator.goes().text
    assert "The circuit breaker of kannel is open" in seen
    assert "All is well." not in seen


def test_month_of_a_province_has_customers_receipts_and_yuan(
    operator: StaffBrowser, network: Network
):
    for body in ("开通短信回执", "是"):
        network.text(GUANGDONG, body)
    found = table(operator.goes("provinces"), "Provinces in")
    assert found["Guangdong"] == ["1", "0", "1", "0", "0", "0", "1.00", "0.00", "0.00", "1.00"]
    assert found["All provinces"] == found["Guangdong"]
    network.text(GUANGDONG, "取消短信回执")
    assert table(operator.goes("provinces"), "Provinces in")["Guangdong"][:4] == [*"1011"]


def test_past_month_has_the_customers_of_its_end(
    operator: StaffBrowser, network: Network, clock: TestClock, built: Container
):
    before = built.clock.now()
    for body in ("开通短信回执", "是"):
        network.text(GUANGDONG, body)
    clock.move(days=31)
    for body in ("开通短信回执", "是"):
        network.text(ZHEJIANG, body)
    network.text(GUANGDONG, "取消短信回执")
    operator.signs_in()
    then = table(operator.goes(f"provinces?month={before:%Y-%m}"), "Provinces in")
    assert (then["Guangdong"][0], then["Zhejiang"][0]) == ("1", "0")
    now = table(operator.goes("provinces"), "Provinces in")
    assert (now["Guangdong"][0], now["Zhejiang"][0]) == ("1", "1")
    assert now["All provinces"][0] == "2"


def test_tariffs_that_are_gone_have_a_row_of_their_own(operator: StaffBrowser, built: Container):
    gone = (
        Figure("state|OLD-1|active", built.clock.now(), 3, is_running=True),
        figure(built.clock.now(), "sent", "OLD-1", "delivered", "1"),
    )
    built.store.commit(ChangeSet(Msisdn(GUANGDONG), figures=gone))
    found = table(operator.goes("provinces"), "Provinces in")
    assert found["Tariffs no longer in the rule book"][:6] == ["3", "0", "0", "0", "0", "1"]


def test_export_is_the_table(operator: StaffBrowser, network: Network):
    for body in ("开通短信回执", "是"):
        network.text(GUANGDONG, body)
    answer = operator.goes("provinces.csv").answer
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="provinces-20')
    assert answer.text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[0][:2] == ["Province", "Subscribed"]
    assert rows[1] == ["Guangdong", *"101000", "1.00", "0.00", "0.00", "1.00"]
    assert rows[-1][0] == "All provinces"


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.OPERATOR, Role.AUDITOR])
@pytest.mark.parametrize("path", ["", "provinces", "provinces.csv", "chart/moves.svg"])
def test_roles_with_the_right_see_figures(staff: Staff, role: Role, path: str):
    assert staff("otto", role).goes(path).answer.status_code == 200


@pytest.mark.parametrize("path", ["", "?period=week", "provinces", "chart/reports.svg"])
def test_round_trips_do_not_grow_with_customers(
    operator: StaffBrowser, network: Network, raw: redis.Redis, path: str
):
    def reads() -> int:
        return int(raw.info("stats")["total_reads_processed"])

    def trips() -> int:
        before = reads()
        operator.goes(path)
        return reads() - before

    trips()
    few = trips()
    for number in range(40):
        network.text(f"+86138028800{number:02}", "开通短信回执")
        network.text(f"+86138028800{number:02}", "是")
    assert trips() <= few + 1
