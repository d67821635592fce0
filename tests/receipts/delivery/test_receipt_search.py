"""Every receipt is on exactly one page of a search, for any bounds, against a plain filter."""

import datetime as dt
import random

import pytest

from app.bootstrap import Container
from receipts.delivery import receipt_search
from receipts.delivery.receipt_search import ReceiptFilter, ReceiptSearch, text_day
from receipts.model.calendar import SHANGHAI
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.reported_time import ReportedTime
from receipts.model.vocabulary import DisplayMode, Language, Msisdn, ReceiptOutcome
from receipts.ports.changes import ChangeSet
from receipts.rulebook.schema import SendingRules
from receipts.store.redis_store import RedisStore
from tests.conftest import GUANGDONG

OWNER = Msisdn(GUANGDONG)
COUNT = 200
FIRST_DAY = dt.date(2026, 11, 1)


def history(built: Container, chance: random.Random) -> list[Receipt]:
    """Receipts and notices of three weeks in the store, newest first; a few have expired."""
    at = dt.datetime.combine(FIRST_DAY, dt.time(), SHANGHAI)
    made = []
    for index in range(COUNT):
        at += dt.timedelta(minutes=chance.expovariate(1 / 150))
        sent = at - dt.timedelta(hours=chance.choice((0, 0, 0, 1, 30, 49)))
        kind = chance.choices(list(MessageKind)[:3], (8, 2, 1))[0]
        is_receipt = kind is MessageKind.RECEIPT
        receipt_id = built.store.receipt_id(OWNER, f"{index:04}")
        made.append(
            Receipt(
                receipt_id, OWNER, "text", DisplayMode.FLASH, Language.ZH, at, version=1,
                kind=kind, outcome=ReceiptOutcome.DELIVERED if is_receipt else None,
                recipient=Msisdn(f"+861395711234{chance.randrange(4)}") if is_receipt else None,
                text_sent=ReportedTime(sent) if chance.random() < 0.7 else None,
            )
        )  # fmt: skip
    built.store.commit_all([ChangeSet(OWNER, records=(each,)) for each in made])
    return made[::-1]


@pytest.fixture(params=[(3, 4, 6, 20, 2), (5, 2, 3, 7, 1), (30, 60, 2_500, 5_000, 32)])
def bounds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds of the pages, of two runs so small that each of them is met."""
    for name, value in zip(
        ("PAGE", "_FIRST", "_MOST", "MAX_SEARCHED", "_PROBES"), request.param, strict=True
    ):
        monkeypatch.setattr(receipt_search, name, value)


@pytest.mark.usefixtures("bounds")
@pytest.mark.parametrize("seed", range(4))
def test_pages_to_older_and_newer_show_each_wanted_receipt_once(built: Container, seed: int):
    chance = random.Random(seed)
    listed = history(built, chance)
    search = ReceiptSearch(built.history, SendingRules())
    days = [FIRST_DAY + dt.timedelta(days=offset) for offset in (-3, 0, 2, 9, 15, 60)]
    wanted = [ReceiptFilter(), ReceiptFilter("3"), ReceiptFilter("1234"), ReceiptFilter("77")]
    wanted += [ReceiptFilter("", day) for day in days] + [ReceiptFilter("1", days[3])]
    for each in wanted:
        expected = [r for r in listed if each.fits(r)]
        page = search.page(OWNER, each)
        shown, beginnings = list(page.receipts), [None]
        while page.older is not None:
            beginnings.append(page.older)
            page = search.page(OWNER, each, page.older)
            assert len(page.receipts) <= receipt_search.PAGE
            shown += page.receipts
        assert shown == expected, each
        going_back = list(page.receipts)
        while page.newer is not None:
            before, page = page, search.newer_page(OWNER, each, page.newer)
            # Only the first page may repeat receipts of the one before it.
            fresh = [r for r in page.receipts if r not in going_back]
            assert page.newer is None or len(fresh) == len(page.receipts)
            assert before.newer != page.newer
            going_back = fresh + going_back
        assert going_back == expected, each


def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of receipts that each read of the store asks for."""
    asked: list[int] = []
    original = RedisStore.receipts

    def counted(self: RedisStore, ids: list[str]) -> list[Receipt | None]:
        wanted = list(ids)
        asked.append(len(wanted))
        return original(self, wanted)

    monkeypatch.setattr(RedisStore, "receipts", counted)
    return asked


def test_page_reads_few_entries_behind_its_last_receipt(
    built: Container, monkeypatch: pytest.MonkeyPatch
):
    made = history(built, random.Random(4))
    monkeypatch.setattr(receipt_search, "PAGE", 5)
    monkeypatch.setattr(receipt_search, "_FIRST", 6)
    asked = reads(monkeypatch)
    search, wanted = ReceiptSearch(built.history, SendingRules()), ReceiptFilter()
    page = search.page(OWNER, wanted)
    # The first one of the next page tells that there is one.
    needed = next(at for at, r in enumerate(made, 1) if wanted.fits(r) and r not in page.receipts)
    assert needed > 6
    assert sum(asked) <= 5 * needed


def test_receipt_of_a_day_is_found_without_reading_the_list(
    built: Container, monkeypatch: pytest.MonkeyPatch
):
    listed = history(built, random.Random(5))
    asked = reads(monkeypatch)
    monkeypatch.setattr(receipt_search, "_PROBES", 4)
    oldest = next(r for r in listed[::-1] if ReceiptFilter().fits(r))
    search = ReceiptSearch(built.history, SendingRules())
    page = search.page(OWNER, ReceiptFilter("", text_day(oldest)))
    assert oldest in page.receipts
    assert len(asked) <= 7
    assert sum(asked) < COUNT / 2


def test_search_of_many_receipts_stops_and_goes_on(
    built: Container, monkeypatch: pytest.MonkeyPatch
):
    listed = history(built, random.Random(6))
    monkeypatch.setattr(receipt_search, "MAX_SEARCHED", 50)
    monkeypatch.setattr(receipt_search, "_FIRST", 10)
    monkeypatch.setattr(receipt_search, "_MOST", 10)
    page = ReceiptSearch(built.history, SendingRules()).page(OWNER, ReceiptFilter("77"))
    assert page.receipts == ()
    assert page.older == COUNT - 50
    assert page.searched_to == listed[49].created_at
