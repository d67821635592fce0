"""Figures of a shop's clerks and agents."""

import datetime as dt

import pytest
from msgspec.structs import replace

from app.bootstrap import Container
from receipts.model.charge import AuditEntry
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet
from receipts.staff.counter.supervision import ShopFigures, Supervision
from tests.conftest import TestClock
from tests.support.fixtures import a_receipt, stand


@pytest.fixture
def supervision(built: Container) -> Supervision:
    clients = built.clients
    return Supervision(
        clients.counter_index, clients.bulk_reader, built.store, built.clock, built.book.counter
    )


class Shop:
    """Acts of clerks, written as the counter writes them."""

    def __init__(self, built: Container, clock: TestClock) -> None:
        self.built, self.clock, self._count = built, clock, 0

    def act(self, act: str, number: str, clerk: str = "li", **more: str) -> str:
        self._count += 1
        self.clock.move(seconds=1)
        owner, now = Msisdn(number), self.built.clock.now()
        seed = f"act{self._count:07}"
        serial = f"{now:%Y%m%d}-{self.built.store.receipt_id(owner, seed)}-1".upper()
        entry = AuditEntry(
            now, owner, "counter", f"e{self._count}", "none", "active", reply_text=act,
            clerk=clerk, shop=more.pop("shop", "天河店"), serial=serial, action=act, **more,
        )  # fmt: skip
        self.built.store.commit(ChangeSet(owner, audit=(entry,)))
        return serial


@pytest.fixture
def shop(built: Container, clock: TestClock) -> Shop:
    return Shop(built, clock)


def number(n: int) -> str:
    return f"+86138028{n:05}"


def flags(figures: ShopFigures, clerk: str = "li") -> set[str]:
    (found,) = [each for each in figures.clerks if each.clerk == clerk]
    return set(found.flags)


def test_acts_are_found_by_serial_number_and_by_day(
    shop: Shop, supervision: Supervision, clock: TestClock
):
    serial = shop.act("cancel", number(1))
    clock.move(days=1)
    shop.act("flash", number(2))
    found = supervision.index.act(serial)
    assert found is not None
    assert (found.act, found.number, found.shop) == ("cancel", number(1), "天河店")
    assert [act.act for act in supervision.figures("天河店", 7).acts] == ["flash", "cancel"]
    assert [act.act for act in supervision.figures("天河店", 1).acts] == ["flash"]
    assert supervision.figures("another shop", 7).acts == ()


@pytest.mark.parametrize(
    "serial", ["", "20261122", "20261122-0-ABCDEFGH-1", "99999999-0-AAAA-1", "x" * 99]
)
def test_unknown_serial_number_finds_nothing(supervision: Supervision, serial: str):
    assert supervision.index.act(serial) is None


def test_passwords_of_different_customers_in_a_row_are_marked(shop: Shop, supervision: Supervision):
    for n in (1, 1, 1, 2):
        shop.act("password_issued", number(n))
    assert flags(supervision.figures("天河店", 7)) == set()
    shop.act("password_chosen", number(3))
    assert flags(supervision.figures("天河店", 7)) == {"resets_in_a_row"}


def test_another_act_between_ends_the_row(shop: Shop, supervision: Supervision):
    for n in (1, 2):
        shop.act("password_issued", number(n))
    shop.act("ask", number(9))
    shop.act("password_issued", number(3))
    assert flags(supervision.figures("天河店", 7)) == set()


def test_subscriptions_without_later_use_are_counted_after_some_days(
    shop: Shop, supervision: Supervision, built: Container, clock: TestClock
):
    for n in range(6):
        stand(built, number(n), "active")
        shop.act("open_by_form", number(n))
        shop.act("signed", number(n))
    assert supervision.figures("天河店", 7).clerks[0].unused == 0
    clock.move(days=3, hours=1)
    a_receipt(built, number(0), seed="0a")
    (li,) = supervision.figures("天河店", 7).clerks
    assert (li.subscribed, li.unused, set(li.flags)) == (6, 5, {"unused"})


def test_one_agent_for_many_customers_is_marked(shop: Shop, supervision: Supervision):
    for n in (1, 2, 2):
        shop.act("cancel", number(n), agent="a" * 32)
    assert supervision.figures("天河店", 7).agents == ()
    shop.act("cancel", number(3), clerk="wang", agent="a" * 32)
    (agent,) = supervision.figures("天河店", 7).agents
    assert (agent.customers, agent.acts, agent.clerks) == (3, 4, ("li", "wang"))


def test_customers_an_hour_count_each_customer_once(
    shop: Shop, supervision: Supervision, built: Container
):
    rules = replace(built.book.counter, customers_an_hour=3)
    strict = Supervision(supervision.index, supervision.reader, built.store, built.clock, rules)
    for n in (1, 1, 2):
        shop.act("ask", number(n))
    assert flags(strict.figures("天河店", 7)) == set()
    shop.act("ask", number(3))
    assert flags(strict.figures("天河店", 7)) == {"customers_an_hour"}


def test_days_are_those_of_china(shop: Shop, supervision: Supervision, clock: TestClock):
    shanghai = dt.timezone(dt.timedelta(hours=8))
    midnight = clock.now().astimezone(shanghai).replace(hour=23, minute=59)
    clock.move(seconds=(midnight - clock.now()).total_seconds())
    shop.act("ask", number(1))
    clock.move(minutes=2)
    assert supervision.figures("天河店", 1).acts == ()
