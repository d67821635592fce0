"""Flash receipts that fall within seconds are one flash: told once, charged each, whole or not."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from app.bootstrap import Container
from receipts.charging.charges import needs_usage_count
from receipts.delivery.digest import DIGEST, with_digest_members
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.routing import Router
from receipts.delivery.status_updates import apply_status_update
from receipts.model.calendar import month_of
from receipts.model.charge import Charge
from receipts.model.message import DeliveryReport, MessageStatus
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.ports.changes import CommitStatus, OutboxEntry
from receipts.ports.provider import (
    PermanentError,
    ProviderStatus,
    TemporaryError,
    UnknownOutcomeError,
)
from receipts.ports.store import StoreUnavailableError
from receipts.worker.worker import Worker
from tests.conftest import TestClock, gathering
from tests.receipts.conftest import AtWork, Until
from tests.support.fixtures import GUANGXI, HEBEI, SHANXI, stand
from tests.support.histories import Shaky
from tests.support.sending import Courier, dispatching

SENDER = Msisdn(SHANXI)  # ten fen a delivered receipt, nothing a month
FRIENDS = [Msisdn(f"+8613957112{place:03}") for place in range(100, 200)]
SECONDS = 2


@dataclass
class House:
    """A service whose flashes wait for others, and a worker moved by hand."""

    built: Container
    clock: TestClock
    flasher: Courier
    store: Shaky = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        self.built = self.built.with_rule_book(gathering(self.built.book, SECONDS))
        self.store = Shaky(self.built.store)
        self.works_with(Router(Courier("courier", flash=False, lookup=True), self.flasher))

    def works_with(self, routes: Router) -> None:
        self.delivery = ReceiptLifecycle(routes, self.built.book.sending, self.clock)
        self.sweep = self.built.timer_service(self.delivery)
        self.sweep._store = self.store  # noqa: SLF001 - so that its commits fail as well
        self.sweep._digests._store = self.store  # noqa: SLF001

    def arrive(self, *fates: MessageStatus, sender: str = SENDER) -> None:
        """Texts of one customer, each to another friend, told of in one batch."""
        told = []
        for fate in fates:
            self.count += 1
            friend = FRIENDS[self.count % len(FRIENDS)]
            at = self.clock.now()
            told.append(DeliveryReport(f"SM{self.count}", Msisdn(sender), friend, fate, fate, at))
        self.built.report_service.ingest_batch(told)

    def rings(self) -> int:
        """All that is due rings; how much that was."""
        due = self.sweep.due_timers(100)
        self.sweep.flush_digests([timer for timer in due if timer.kind == DIGEST])
        for timer in due:
            if timer.kind != DIGEST:
                self.sweep.fire(timer)
        return len(due)

    def waited(self) -> int:
        self.clock.move(seconds=SECONDS)
        return self.rings()

    def begins(self) -> list[tuple[Receipt, OutboxEntry]]:
        """What is in the outbox, on disk as being sent."""
        begun = []
        for posted in self.built.clients.outbox.fetch("hand", 1600, 0):
            receipt = self.now(posted.receipt_id)
            change = with_digest_members(self.store, self.delivery.mark_sending(receipt, posted))
            if self.store.commit(change).status is CommitStatus.COMMITTED and not change.acked:
                begun.append((self.now(posted.receipt_id), posted))
        return begun

    def sends(self) -> list[str]:
        """Everything in the outbox goes to its provider; the texts."""
        texts = []
        for receipt, posted in self.begins():
            provider = self.delivery.router.by_name(receipt.provider)
            assert provider is not None
            try:
                provider_id = provider.send(self.delivery.outbound_message(receipt))
            except (TemporaryError, PermanentError, UnknownOutcomeError) as failure:
                change = self.delivery.failed(receipt, failure, posted)
            else:
                owner = self.store.load(receipt.number).subscription
                given = owner if needs_usage_count(receipt) else None
                change = self.delivery.accepted(receipt, provider_id, posted, given)
            assert (
                self.store.commit(with_digest_members(self.store, change)).status
                is CommitStatus.COMMITTED
            )
            texts.append(receipt.text)
        return texts

    def now(self, receipt_id: str) -> Receipt:
        (found,) = self.built.store.receipts([receipt_id])
        assert found is not None
        return found

    def shown(self, number: str = SENDER, kind: MessageKind = MessageKind.RECEIPT) -> list[Receipt]:
        return self.built.store.receipts_of(Msisdn(number), 100, kind)

    def charges(self, number: str = SENDER) -> list[Charge]:
        return self.built.store.charges_of(Msisdn(number), [month_of(self.clock.now())])


@pytest.fixture
def house(built: Container, clock: TestClock, flasher: Courier) -> House:
    stand(built, SENDER, "active")
    return House(built, clock, flasher)


D, F = MessageStatus.DELIVERED, MessageStatus.FAILED


def test_texts_within_the_moment_are_one_flash_and_each_its_own_record_and_charge(house: House):
    house.arrive(D)
    house.clock.move(seconds=1)
    house.arrive(F, D)
    assert (house.rings(), house.sends()) == (0, [])
    house.clock.move(seconds=1)
    assert house.rings() == 1
    text = "3条短信：13957112102未送达，13957112103、13957112101已送达。"
    assert house.sends() == [text]
    assert [(p.text, p.mode) for p in house.flasher.sent] == [(text, DisplayMode.FLASH)]
    for receipt in house.shown():
        assert (receipt.state, receipt.provider, receipt.text) == ("sent", "flasher", text)
        assert (receipt.sent_as, receipt.attempts) == (DisplayMode.FLASH, 1)
        assert receipt.sent_at == house.clock.now()
    assert sorted(receipt.charge_fen for receipt in house.shown()) == [0, 10, 10]
    assert sorted(charge.reason for charge in house.charges()) == [
        "receipt for message SM1",
        "receipt for message SM3",
    ]
    assert (house.waited(), house.sends()) == (0, [])  # nothing is left of any wait


def test_one_alone_goes_out_as_it_always_did(house: House):
    house.arrive(D)
    house.waited()
    (text,) = house.sends()
    assert text.startswith("您发送给13957112101的短信已于")
    (receipt,) = house.shown()
    assert (receipt.text, receipt.digest, receipt.charge_fen) == (text, None, 10)
    assert house.shown(kind=MessageKind.DIGEST) == []


def test_ordinary_ones_do_not_wait_and_stay_one_by_one(house: House):
    stand(house.built, SENDER, "active", DisplayMode.TEXT)
    house.arrive(D, D)
    assert len(house.sends()) == 2
    assert house.waited() == 0


def test_a_switch_to_ordinary_changes_nothing_for_those_that_wait(house: House):
    house.arrive(D, D)
    stand(house.built, SENDER, "active", DisplayMode.TEXT)
    house.arrive(D)
    assert len(house.sends()) == 1
    house.waited()
    (text,) = house.sends()
    assert text.startswith("2条短信：")


def test_switched_off_nothing_waits(house: House):
    house.built = house.built.with_rule_book(gathering(house.built.book, 0))
    house.arrive(D, D)
    assert len(house.sends()) == 2


def test_without_anybody_who_flashes_each_goes_out_by_itself(house: House):
    house.works_with(Router(Courier("courier", flash=False, lookup=True)))
    house.arrive(D, D)
    house.waited()
    assert len(house.sends()) == 2


def test_customers_do_not_share_a_flash(house: House):
    stand(house.built, HEBEI, "active")
    for sender in (SENDER, HEBEI):
        house.arrive(D, D, sender=sender)
    assert house.waited() == 4
    assert sorted(p.to for p in (house.sends() and house.flasher.sent)) == [HEBEI, SENDER]


def test_the_language_of_the_newest_is_spoken(house: House):
    house.arrive(D)
    stand(house.built, SENDER, "active", language=Language.EN)
    house.arrive(D)
    house.waited()
    assert house.sends() == ["2 messages: 13957112102, 13957112101 delivered."]


def test_a_batch_of_many_texts_of_one_customer_is_gathered_whole(house: House):
    house.arrive(*[D] * 60)
    house.waited()
    (text,) = house.sends()
    assert text.startswith("60条短信：尾号")
    assert {receipt.text for receipt in house.shown()} == {text}
    assert len(house.charges()) == 60
    assert house.waited() == 0


def test_more_than_can_be_listed_still_all_go_out(house: House):
    house.arrive(*[D] * 130)
    house.clock.move(seconds=SECONDS)
    while house.rings():
        house.sends()
    assert len(house.charges()) == 130
    assert sum(int(p.text.partition("条")[0]) for p in house.flasher.sent) == 130


def test_free_receipts_are_counted_one_by_one(house: House):
    stand(
        house.built,
        GUANGXI,
        "active",
        receipts_this_month=18,
        receipts_month=month_of(house.clock.now()),
    )
    house.arrive(D, D, F, D, sender=GUANGXI)  # twenty are free
    house.waited()
    house.sends()
    assert sorted(charge.fen for charge in house.charges(GUANGXI)) == [0, 0, 5]
    (digest,) = house.shown(GUANGXI, MessageKind.DIGEST)
    apply_status_update(
        house.store, house.delivery, digest.id, ProviderStatus.DELIVERED, "delivered", "F1"
    )
    assert house.built.store.load(Msisdn(GUANGXI)).subscription.receipts_this_month == 21


def test_a_refused_digest_ends_its_receipts_and_costs_nothing(house: House):
    house.flasher.ends.append(PermanentError("no such line"))
    house.arrive(D, D)
    house.waited()
    house.sends()
    assert [(r.state, r.note, r.sent_at) for r in house.shown()] == [
        ("failed", "no such line", None)
    ] * 2
    assert house.charges() == []


def test_a_digest_that_has_to_wait_for_its_provider_is_the_same_one_later(house: House):
    house.flasher.ends.append(TemporaryError("busy"))
    house.arrive(D, D)
    house.waited()
    (first,) = house.sends()
    assert {r.state for r in house.shown()} == {"due"}
    house.arrive(D)  # it has its own wait, and joins nothing that was tried before
    house.clock.move(seconds=5)
    house.rings()
    sent = house.sends()
    assert first in sent
    assert len(sent) == 2
    assert len(house.charges()) == 3


def test_an_unanswered_digest_is_unsure_and_charged_once_the_phone_is_reported_to_have_it(
    house: House,
):
    house.flasher.ends.append(UnknownOutcomeError("no answer"))
    house.arrive(D, D)
    house.waited()
    house.sends()
    assert {r.state for r in house.shown()} == {"unsure"}
    assert house.charges() == []
    (digest,) = house.shown(kind=MessageKind.DIGEST)
    for _ in range(2):
        apply_status_update(
            house.store, house.delivery, digest.id, ProviderStatus.DELIVERED, "delivered", "F1"
        )
    assert {(r.state, r.done_at) for r in house.shown()} == {("delivered", house.clock.now())}
    assert len(house.charges()) == 2


def test_one_that_is_old_news_expires_and_takes_no_fresh_one_with_it(house: House):
    house.arrive(D)
    house.clock.move(hours=25)  # nobody swept
    house.arrive(D, D)
    house.waited()
    (text,) = house.sends()
    assert text.startswith("2条短信：")
    assert [r.state for r in house.shown()] == ["sent", "sent", "expired"]


@pytest.mark.parametrize("fault", ["before", "after", "race"])
def test_a_ring_that_fails_is_all_or_nothing_and_made_up_for(house: House, fault: str):
    house.arrive(D, D)
    house.clock.move(seconds=SECONDS)
    house.store.fault = fault
    try:
        house.rings()
    except StoreUnavailableError:
        house.rings()
    (text,) = house.sends()
    assert text.startswith("2条短信：")
    assert house.rings() == 0


def test_two_workers_that_ring_at_once_make_one_flash(house: House):
    house.arrive(D, D, D)
    house.clock.move(seconds=SECONDS)
    due = house.sweep.due_timers(100)
    assert len(due) == 3
    for timer in due:
        house.sweep.flush_digests([timer])
    house.sweep.flush_digests(due[::-1])
    assert len(house.sends()) == 1


class Lives(RuleBasedStateMachine):
    """Texts of one customer arrive, wait, and go out, while the store fails between any steps."""

    house: Callable[[], House]
    gathered = 0

    def __init__(self) -> None:
        super().__init__()
        self.home = self.house()
        self.begun: list[tuple[Receipt, OutboxEntry]] = []

    @rule(
        fates=st.lists(st.sampled_from([D, D, F, MessageStatus.REJECTED]), min_size=1, max_size=7)
    )
    def texts_arrive(self, fates: list[MessageStatus]) -> None:
        self.home.arrive(*fates)

    @rule(mode=st.sampled_from([DisplayMode.FLASH, DisplayMode.FLASH, DisplayMode.TEXT]))
    def the_customer_chooses(self, mode: DisplayMode) -> None:
        stand(self.home.built, SENDER, "active", mode)

    @rule(seconds=st.sampled_from([0, 1, 2, 40]), fault=st.sampled_from(["", "before", "after"]))
    def time_passes(self, seconds: int, fault: str) -> None:
        self.home.clock.move(seconds=seconds)
        self.home.store.fault = fault or None
        with suppress(StoreUnavailableError):
            self.home.rings()
        self.home.store.fault = None

    @rule(
        end=st.sampled_from(
            [
                None,
                None,
                TemporaryError("busy"),
                UnknownOutcomeError("silence"),
                PermanentError("no"),
            ]
        )
    )
    def a_worker_sends(self, end: Exception | None) -> None:
        if end:
            self.home.flasher.ends.append(end)
        self.home.sends()
        self.home.flasher.ends.clear()

    def teardown(self) -> None:
        home = self.home
        for _ in range(12):
            home.clock.move(hours=1)
            home.rings()
            home.sends()
        told = [r for r in home.shown() if r.state in {"sent", "failed", "unsure"}]
        assert len(told) == min(home.count, 100), "somebody was never told"
        digests = home.shown(kind=MessageKind.DIGEST)
        members = [member for digest in digests for member in digest.members]
        assert len(members) == len(set(members)), "somebody was told twice"
        alone = {receipt.id for receipt in told if receipt.digest is None}
        assert not alone & set(members)
        taken = [p.id for p in home.flasher.sent]
        assert {digest.id for digest in digests} <= set(taken)
        wanted = {r.message_id for r in told if r.state == "sent" and r.outcome == "delivered"}
        charged = {charge.reason.rpartition(" ")[2] for charge in home.charges()}
        assert len(charged) == len(home.charges())
        assert wanted <= charged
        assert home.count > 100 or charged == wanted
        type(self).gathered += len(members)


def test_in_any_order_each_is_told_once_and_charged_once(
    built: Container, clock: TestClock, raw: "redis.Redis"
):
    raw.config_set("appendfsync", "no")  # what is on disk when is tested elsewhere

    began = clock.at

    def fresh() -> House:
        raw.flushall()
        clock.at = began
        built.clients.outbox.open()
        stand(built, SENDER, "active")
        return House(built, clock, Courier("flasher", flash=True, lookup=False))

    Lives.house = staticmethod(fresh)
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=40,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Lives.gathered > 100, "lives without digests prove nothing"


def test_a_real_worker_flashes_a_fraction_of_a_second_after_the_moment(
    house: House, at_work: AtWork, until: Until
):
    memory, clock = house.built.clients, house.clock
    dispatch = dispatching("one", memory, house.delivery, clock)
    worker = Worker("one", memory.store, memory.outbox, house.delivery, house.sweep, dispatch, 4)
    house.clock.now = house.clock.wall_clock  # time itself passes
    with at_work(worker):
        time.sleep(0.3)
        began = time.monotonic()
        house.arrive(D, D, F)
        until(lambda: house.flasher.sent)
        took = time.monotonic() - began
        until(lambda: {r.state for r in house.shown()} == {"sent"})
    assert SECONDS <= took < SECONDS + 2  # on a busy machine; a tenth or two on an idle one
    assert [p.text.partition("：")[0] for p in house.flasher.sent] == ["3条短信"]
    assert len(house.charges()) == 2


def test_one_customers_trouble_holds_nobody_elses_flash_up(
    house: House, at_work: AtWork, until: Until, raw: "redis.Redis"
):
    """A record that cannot be read keeps its own timer set, and no other."""
    stand(house.built, HEBEI, "active")
    house.arrive(D, D)
    broken = house.shown()[0].id
    raw.set(house.built.store._receipt_key(broken), b"1|{")  # noqa: SLF001
    house.arrive(D, D, sender=HEBEI)
    house.clock.move(seconds=SECONDS)
    memory, sending = house.built.clients, house.delivery
    dispatch = dispatching("one", memory, sending, house.clock)
    worker = Worker("one", memory.store, memory.outbox, sending, house.sweep, dispatch, 4)
    with at_work(worker):
        until(lambda: house.flasher.sent)
    assert [p.to for p in house.flasher.sent] == [HEBEI]
