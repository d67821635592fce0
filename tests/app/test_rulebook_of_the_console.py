"""A rule book that the console put in force, beside the file."""

from pathlib import Path

import pytest
import redis
from structlog.testing import capture_logs

from app import rulebook_reload
from app.bootstrap import services
from app.rulebook import stored
from app.settings import Settings
from receipts.ports.store import StoreUnavailableError
from receipts.rulebook.errors import RuleBookError
from tests.app.conftest import AFTER, BEFORE, OPEN, dearer, write
from tests.conftest import GUANGDONG, Network
from tests.support.rule_books import put_in_force

pytestmark = pytest.mark.usefixtures("at_once", "look_at_once")


@pytest.fixture
def look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request looks at the version in force."""
    monkeypatch.setattr(stored, "_EVERY", 0.0)


def offer(network: Network) -> str:
    return network.text(GUANGDONG, OPEN).text


def test_console_book_applies_to_the_next_text_and_wins_over_the_file(
    doors: Network, book: Path, raw: "redis.Redis"
):
    assert BEFORE in offer(doors)
    put_in_force(raw, 1, dearer(book.read_text()))
    assert AFTER in offer(doors)
    write(
        book, f"# edited\n{book.read_text()}".replace("replies_a_day = 120", "replies_a_day = 99")
    )
    with capture_logs() as told:
        assert AFTER in offer(doors)
        assert AFTER in offer(doors)
    (warned,) = [each for each in told if each["log_level"] == "warning"]
    assert "is not in force" in warned["event"]
    assert warned["in_force"] == "second"


def test_book_that_cannot_be_read_changes_nothing_and_is_logged_once(
    doors: Network, book: Path, raw: "redis.Redis"
):
    put_in_force(raw, 1, dearer(book.read_text()))
    assert AFTER in offer(doors)
    put_in_force(raw, 2, "nonsense")
    with capture_logs() as told:
        assert AFTER in offer(doors)
        assert AFTER in offer(doors)
    (refused,) = [each for each in told if each["log_level"] == "error"]
    assert "console book 2" in refused["why"]
    put_in_force(raw, 3, "")
    raw.delete("{staff}:book:b3")
    with capture_logs() as told:
        assert AFTER in offer(doors)
    assert "is not in the store" in told[0]["why"]


def test_return_to_the_file(doors: Network, book: Path, raw: "redis.Redis"):
    put_in_force(raw, 1, dearer(book.read_text()))
    assert AFTER in offer(doors)
    put_in_force(raw, 2, None)
    assert BEFORE in offer(doors)
    write(book, dearer(book.read_text()))
    assert AFTER in offer(doors)


def test_store_out_of_reach_keeps_the_book_and_is_not_asked_at_each_request(
    doors: Network, book: Path, raw: "redis.Redis", monkeypatch: pytest.MonkeyPatch
):
    put_in_force(raw, 1, dearer(book.read_text()))
    assert AFTER in offer(doors)
    looks: list[int] = []

    def fail(*_: object) -> None:
        looks.append(1)
        raise StoreUnavailableError("no")

    monkeypatch.setattr(stored.RedisBookStore, "in_force", fail)
    write(book, dearer(book.read_text()).replace("monthly_fen = 250", "monthly_fen = 290"))
    doors.client.get("/healthz")
    assert looks == []
    for _ in range(3):
        assert AFTER in offer(doors)
    assert looks == [1]


def test_start_follows_the_console_or_the_last_valid_book(
    with_book: Settings, book: Path, raw: "redis.Redis"
):
    put_in_force(raw, 1, dearer(book.read_text()))
    write(book, "nonsense")
    started = services(with_book, choose=rulebook_reload.book_in_force)
    assert started.book.version == "second"
    assert services(with_book).book.version == "second"
    put_in_force(raw, 2, "nonsense")
    with capture_logs() as told:
        again = services(with_book, choose=rulebook_reload.book_in_force)
    assert again.book == started.book
    assert "console book 2" in told[0]["why"]
    with pytest.raises(RuleBookError, match="console book 2"):
        services(with_book)
