"""Pages of receipts go on into the archive, say so, and show the store's when it fails."""

import re
import shutil
from pathlib import Path

import pytest

from app.bootstrap import Container
from app.storage.archive import archive_mover
from receipts.delivery.receipt_search import PAGE
from receipts.model.reported_time import ReportedTime
from receipts.model.vocabulary import Msisdn
from statemachines.receipt import ReceiptState
from tests.conftest import GUANGDONG, TestClock
from tests.support.browser import Browser
from tests.support.fixtures import a_receipt

COUNT = 2 * PAGE + 7


@pytest.fixture
def archived(customer: Browser, built: Container, clock: TestClock) -> Browser:
    """A signed-in customer with three pages of receipts, of which the newest ten are young."""
    for index in range(COUNT):
        if index == COUNT - 10:
            clock.move(days=40)
        friend, sent = Msisdn(f"+861395711{index:04}"), ReportedTime(clock.now())
        a_receipt(built, GUANGDONG, seed=f"b{index:03}", recipient=friend, text_sent=sent,
                  state=ReceiptState.DELIVERED)  # fmt: skip
        clock.move(minutes=1)
    assert sum(archive_mover(built.clients, built.settings, clock).run()) >= COUNT - 10
    customer.signs_in()
    return customer


def rows(browser: Browser) -> list[str]:
    return re.findall(r"<td>1395711([0-9]{4})</td>", browser.seen.html)


def test_pages_go_on_into_the_archive_and_say_so(archived: Browser):
    archived.goes("receipts")
    shown = rows(archived)
    assert "较早的回执取自归档，读取可能较慢。" in archived.seen.text
    while older := re.search(r'href="[^"]*(receipts\?older=\d+)"', archived.seen.html):
        archived.goes(older[1])
        assert archived.seen.status == 200
        shown += rows(archived)
    assert shown == [f"{index:04}" for index in range(COUNT)][::-1]


def test_an_archived_receipt_is_found_by_its_recipient(archived: Browser):
    archived.goes("receipts")
    archived.presses("receipts/search", to="10003", day="")
    assert rows(archived) == ["0003"]


def test_a_missing_archive_leaves_the_young_ones_and_is_named(archived: Browser, built: Container):
    shutil.rmtree(Path(built.settings.archive_dir))
    archived.goes("receipts")
    assert archived.seen.status == 200
    assert len(rows(archived)) == 10
    assert "目前无法读取，请稍后再试。" in archived.seen.text
