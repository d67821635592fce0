"""Collections suspend, end and resume the service, each with one notice."""

import pytest

from receipts.model.vocabulary import Msisdn
from tests.conftest import GUANGDONG, Network, TestClock
from tests.receipts.bulk_import.conftest import Desk


@pytest.fixture
def customer(network: Network, clock: TestClock) -> str:
    """A customer in the second month, December."""
    network.open(GUANGDONG)
    clock.move(days=10)
    return GUANGDONG


def test_unpaid_month_suspends_the_service_with_one_notice(desk: Desk, customer: str):
    done = desk.collections("13802880000,2026-11,failed")
    assert "1 changed" in done.output
    assert desk.of(customer).state == "suspended"
    assert ["扣费未成功" in notice.text for notice in desk.notices(customer)] == [True]
    version = desk.of(customer).version
    desk.run("collections", "import", desk.folder / "list.csv", "--afresh")
    desk.collections("13802880000,2026-11,failed", "", name="other.csv")
    assert desk.of(customer).version == version
    assert len(desk.notices(customer)) == 1


def test_alternating_collections_apply_each_time(desk: Desk, customer: str):
    results = [("paid", "active"), ("failed", "suspended"), ("paid", "active")]
    for turn, (result, state) in enumerate([*results, *results[1:]]):
        # Files differ in their contents, which identify them.
        other = f"13957112345,2026-11,{'paid' if turn % 2 else 'failed'}"
        desk.collections(f"13802880000,2026-11,{result}", *[other] * turn, name=f"{turn}.csv")
        assert desk.of(customer).state == state, turn
    assert len(desk.notices(customer)) == 4


def test_last_line_of_a_number_applies(desk: Desk, customer: str):
    desk.collections("13802880000,2026-11,failed", "13802880000,2026-11,paid")
    assert desk.of(customer).state == "active"
    assert len(desk.notices(customer)) == 2


def test_repeated_file_does_not_undo_later_changes(desk: Desk, customer: str):
    desk.collections("13802880000,2026-11,failed", name="a.csv")
    desk.collections("13802880000,2026-11,paid", name="b.csv")
    desk.run("collections", "import", desk.folder / "a.csv", "--afresh")
    assert desk.of(customer).state == "active"
    assert len(desk.notices(customer)) == 2


def test_two_unpaid_months_end_the_service(desk: Desk, customer: str):
    desk.collections("13802880000,2026-11,failed", "13802880000,2026-12,failed")
    assert desk.of(customer).state == "none"
    assert "服务已终止" in desk.notices(customer)[0].text


def test_impossible_collections_are_refused_by_line(desk: Desk, customer: str):
    done = desk.collections(
        "13957112345,2026-11,failed", "13802880000,2027-01,failed", "13802880000,2026-11,perhaps"
    )
    assert done.exit_code == 1
    assert [line.split(" — ")[0] for line in desk.refused()] == [
        "list.csv:2: number never held the service",
        "list.csv:3: month 2027-01 has not begun",
        "list.csv:4: result 'perhaps' is unknown",
    ]
    assert desk.of(customer).state == "active"
    assert desk.built.store.load(Msisdn("+8613957112345")).subscription.version == 0
