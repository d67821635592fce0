"""The table of deploy/kannel-modem.sql, as Kannel fills it and looks into it."""

import sqlite3
from collections.abc import Iterator

import pytest

from tests.support.kannel import REPORTS

DAY_SECONDS = 86_400


@pytest.fixture
def table() -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(":memory:")
    made.executescript(REPORTS.read_text())
    yield made
    made.close()


def goes_out(table: sqlite3.Connection, *references: int, smsc: str = "sim") -> None:
    """Add texts as Kannel does after the acknowledgement of each."""
    for reference in references:
        table.execute(
            "INSERT INTO dlr (smsc, ts, source, destination, service, url, mask, boxc, status) "
            "VALUES (?, ?, '', '', '', '', 19, '', 0)",
            (smsc, str(reference)),
        )


def report_finds(table: sqlite3.Connection, reference: int, smsc: str = "sim") -> bool:
    """Look for a text and take it out, as Kannel does with a final report."""
    which = "SELECT rowid FROM dlr WHERE smsc = ? AND ts = ? LIMIT 1"
    gone = table.execute(f"DELETE FROM dlr WHERE rowid IN ({which})", (smsc, str(reference)))
    return gone.rowcount == 1


def test_report_finds_its_text_once(table: sqlite3.Connection):
    goes_out(table, 57)
    assert [report_finds(table, 57) for _ in range(2)] == [True, False]


def test_whole_rounds_with_reports_in_time(table: sqlite3.Connection):
    for place in range(1000):
        goes_out(table, place % 256)
        assert place < 100 or report_finds(table, (place - 100) % 256)


def test_reference_in_use_leaves_both_texts_without_a_report(table: sqlite3.Connection):
    goes_out(table, 57, 150, 250, 57)
    assert not report_finds(table, 57)
    assert not report_finds(table, 57)


def test_reference_is_free_again_after_48_hours(table: sqlite3.Connection):
    goes_out(table, 57)
    table.execute("UPDATE in_use SET since = since - ?", (2 * DAY_SECONDS + 1,))
    goes_out(table, 150, 250, 57)
    assert report_finds(table, 57)


@pytest.mark.parametrize(("others", "found"), [((150, 248), True), ((150, 249), False)])
def test_report_after_191_further_references(
    table: sqlite3.Connection, others: tuple[int, ...], *, found: bool
):
    goes_out(table, 57, *others)
    assert report_finds(table, 57) is found


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_count_in_place_of_a_reference_is_not_believed(table: sqlite3.Connection, wrong: int):
    # Text 58: a report in front of its acknowledgement made Kannel store it under 0, 1 or 2.
    goes_out(table, 56, 57, wrong)
    assert not report_finds(table, wrong)
    assert report_finds(table, 57)
    goes_out(table, 150, 250, 58)
    assert not report_finds(table, 58)


def test_modem_that_counts_anew_is_believed_from_its_ninth_text_on(table: sqlite3.Connection):
    goes_out(table, 99, 100, *range(10))
    assert [report_finds(table, reference) for reference in range(10)] == [False] * 8 + [True] * 2
    assert report_finds(table, 100)


@pytest.mark.parametrize("last", [255, 250, 200])
def test_small_references_at_the_turn_are_believed(table: sqlite3.Connection, last: int):
    goes_out(table, last, 0, 1, 2)
    assert all(report_finds(table, reference) for reference in (last, 0, 1, 2))


def test_two_modems_have_references_of_their_own(table: sqlite3.Connection):
    goes_out(table, 57)
    goes_out(table, 57, smsc="second")
    assert report_finds(table, 57)
    assert report_finds(table, 57, "second")
