"""Collections suspend, end and resume the service, each with one notice."""

import pytest
import redis
from msgspec.structs import replace

from receipts.bulk_import import job
from receipts.model.charge import ChargeKind
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet
from receipts.store.bulk import RedisBulkReader
from statemachines.subscription import SubscriptionState
from tests.conftest import GUANGDONG, ZHEJIANG, Network, TestClock
from tests.receipts.bulk_import.conftest import Desk
from tests.support.fixtures import SHANXI, pass_days

pytestmark = pytest.mark.fixed_day


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
    assert ["扣费失败" in notice.text for notice in desk.notices(customer)] == [True]
    version = desk.of(customer).version
    desk.run("collections", "import", desk.folder / "list.csv", "--afresh")
    desk.collections("13802880000,2026-11,failed", "", name="other.csv")
    assert desk.of(customer).version == version
    assert len(desk.notices(customer)) == 1


def test_failure_after_payment_is_refused_and_changes_nothing(desk: Desk, customer: str):
    desk.collections("13802880000,2026-11,failed", name="a.csv")
    desk.collections("13802880000,2026-11,paid", name="b.csv")
    before = desk.of(customer)
    done = desk.collections("13802880000,2026-11,failed", "", name="c.csv")
    assert done.exit_code == 1
    assert desk.refused("c.csv") == [
        "c.csv:2: the fee of 2026-11 is paid already — check the month"
    ]
    assert desk.of(customer) == before
    assert before.state == "active"
    assert len(desk.notices(customer)) == 2


def test_payment_without_an_earlier_failure_is_kept(desk: Desk, customer: str):
    assert "1 changed" in desk.collections("13802880000,2026-11,paid", name="a.csv").output
    again = desk.collections("13802880000,2026-11,paid", "", name="b.csv")
    assert "0 changed, 1 unchanged, 0 rejected" in again.output
    assert desk.collections("13802880000,2026-11,failed", name="c.csv").exit_code == 1
    assert desk.of(customer).state == "active"
    assert desk.notices(customer) == []


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


@pytest.mark.parametrize("days", [40, 400])
def test_file_repeated_long_after_does_not_undo_later_changes(
    desk: Desk, customer: str, raw: redis.Redis, clock: TestClock, days: int
):
    desk.collections("13802880000,2026-11,failed", name="a.csv")
    desk.collections("13802880000,2026-11,paid", name="b.csv")
    pass_days(raw, clock, days)
    before = desk.of(customer)
    desk.run("collections", "import", desk.folder / "a.csv", "--afresh")
    assert desk.of(customer) == before


def test_two_unpaid_months_end_the_service(desk: Desk, customer: str):
    desk.run("bill", "--month", "2026-12")
    desk.collections("13802880000,2026-11,failed", "13802880000,2026-12,failed")
    assert desk.of(customer).state == "none"
    assert "服务已终止" in desk.notices(customer)[0].text


@pytest.mark.parametrize("result", ["failed", "paid"])
@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("13802880000,2026-10", "no fee of 2026-10 is charged to this number"),
        ("13802880000,2026-12", "no fee of 2026-12 is charged to this number"),
        ("13802880000,2021-11", "no fee of 2021-11 is charged to this number"),
        ("13802880000,2027-01", "month 2027-01 has not started yet"),
        # No monthly fee, a trial, and the charge of another customer.
        ("13903512345,2026-11", "no fee of 2026-11 is charged to this number"),
        ("13957112345,2026-11", "no fee of 2026-11 is charged to this number"),
        ("13844012345,2026-11", "this number has never had the service"),
    ],
    ids=["before it", "not billed", "too old", "future", "no fee", "trial", "another"],
)
def test_collection_of_no_fee_in_the_ledger_is_refused(
    desk: Desk, customer: str, network: Network, line: str, error: str, result: str
):
    network.open(ZHEJIANG)
    network.open(SHANXI)
    numbers = (customer, ZHEJIANG, SHANXI)
    before = [desk.of(number) for number in numbers]
    done = desk.collections("13802880000,2026-11,perhaps", f"{line},{result}")
    assert "0 changed, 0 unchanged, 2 rejected" in done.output
    assert desk.refused()[1].split(" — ")[0] == f"list.csv:3: {error}"
    assert [desk.of(number) for number in numbers] == before
    assert [desk.notices(number) for number in numbers] == [[], [], []]


def test_wholly_credited_fee_cannot_fail(desk: Desk, customer: str):
    number, month = Msisdn(customer), "2026-11"
    (fee,) = desk.built.store.charges_of(number, [month])
    credit = replace(fee, id="credit-1", kind=ChargeKind.CREDIT, fen=-fee.fen, charge_id=fee.id)
    desk.built.store.commit(ChangeSet(number, charges=(credit,)))
    assert desk.collections("13802880000,2026-11,failed").exit_code == 1
    assert desk.of(customer).state == "active"


def test_debt_recorded_without_a_charge_can_be_paid(desk: Desk, customer: str):
    held = desk.of(customer)
    owing = replace(
        held, version=held.version + 1, unpaid=("2026-10",), state=SubscriptionState.SUSPENDED
    )
    desk.built.store.commit(ChangeSet(held.number, records=(owing,)))
    assert desk.collections("13802880000,2026-10,paid").exit_code == 0
    assert desk.of(customer).state == "active"


@pytest.mark.parametrize("suspended", [False, True])
def test_lines_applied_before_a_crash_are_not_refused_after_it(
    desk: Desk, customer: str, clock: TestClock, monkeypatch: pytest.MonkeyPatch,
    *, suspended: bool,
):  # fmt: skip
    if suspended:
        clock.move(days=40)
        desk.run("bill", "--month", "2027-01")
        desk.collections("13802880000,2027-01,failed", name="before.csv")
    keep = RedisBulkReader.checkpoint
    kept: list[str] = []

    def killed(self: RedisBulkReader, name: str, value: str | None = None) -> str | None:
        kept.extend([value] if value else [])
        if len(kept) == 2:
            raise KeyboardInterrupt
        return keep(self, name, value)

    monkeypatch.setattr(job, "BATCH", 1)
    monkeypatch.setattr(RedisBulkReader, "checkpoint", killed)
    desk.collections("13802880000,2026-11,failed", "13802880000,2026-11,paid")
    monkeypatch.setattr(RedisBulkReader, "checkpoint", keep)
    before = desk.of(customer)
    assert before.paid == ("2026-11",)
    done = desk.run("collections", "import", desk.folder / "list.csv", "--afresh")
    assert "0 changed, 2 unchanged, 0 rejected" in done.output
    assert desk.of(customer) == before


def test_impossible_collections_are_refused_by_line(desk: Desk, customer: str):
    done = desk.collections(
        "13957112345,2026-11,failed", "13802880000,2027-01,failed", "13802880000,2026-11,perhaps"
    )
    assert done.exit_code == 1
    assert [line.split(" — ")[0] for line in desk.refused()] == [
        "list.csv:2: this number has never had the service",
        "list.csv:3: month 2027-01 has not started yet",
        "list.csv:4: result 'perhaps' is unknown",
    ]
    assert desk.of(customer).state == "active"
    assert desk.built.store.load(Msisdn("+8613957112345")).subscription.version == 0
