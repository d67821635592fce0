"""Digests in random histories: each receipt is sent once and charged once."""

from collections.abc import Callable
from contextlib import suppress

import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from app.bootstrap import Container
from receipts.model.message import MessageStatus
from receipts.model.vocabulary import DisplayMode
from receipts.ports.provider import PermanentError, TemporaryError, UnknownOutcomeError
from receipts.ports.store import StoreUnavailableError
from tests.conftest import TestClock
from tests.receipts.delivery.digest_rig import SENDER, DigestRig
from tests.support.fixtures import stand
from tests.support.sending import ProviderDouble

D, F = MessageStatus.DELIVERED, MessageStatus.FAILED
FAILURES = (TemporaryError("busy"), UnknownOutcomeError("silence"), PermanentError("no"))


class Histories(RuleBasedStateMachine):
    """Reports arrive, receipts wait and are sent, and the store fails between the steps."""

    make_rig: Callable[[], DigestRig]
    member_count = 0

    def __init__(self) -> None:
        super().__init__()
        self.rig = self.make_rig()

    @rule(
        statuses=st.lists(
            st.sampled_from([D, D, F, MessageStatus.REJECTED]), min_size=1, max_size=7
        )
    )
    def reports_arrive(self, statuses: list[MessageStatus]) -> None:
        self.rig.arrive(*statuses)

    @rule(mode=st.sampled_from([DisplayMode.FLASH, DisplayMode.FLASH, DisplayMode.TEXT]))
    def customer_changes_mode(self, mode: DisplayMode) -> None:
        stand(self.rig.built, SENDER, "active", mode)

    @rule(seconds=st.sampled_from([0, 1, 2, 40]), fault=st.sampled_from(["", "before", "after"]))
    def time_passes(self, seconds: int, fault: str) -> None:
        self.rig.clock.move(seconds=seconds)
        self.rig.store.fault = fault or None
        with suppress(StoreUnavailableError):
            self.rig.fire()
        self.rig.store.fault = None

    @rule(failure=st.sampled_from([None, None, *FAILURES]))
    def worker_sends(self, failure: Exception | None) -> None:
        if failure:
            self.rig.flasher.ends.append(failure)
        self.rig.send()
        self.rig.flasher.ends.clear()

    def teardown(self) -> None:
        rig = self.rig
        for _ in range(12):
            rig.clock.move(hours=1)
            rig.fire()
            rig.send()
        ended = [r for r in rig.receipts() if r.state in {"sent", "failed", "unsure"}]
        assert len(ended) == min(rig.count, 100), "a receipt was lost"
        members = [member for digest in rig.digests() for member in digest.members]
        assert len(members) == len(set(members)), "a receipt is in two digests"
        assert not {receipt.id for receipt in ended if receipt.digest is None} & set(members)
        sent = {message.id for message in rig.flasher.sent}
        assert {digest.id for digest in rig.digests()} <= sent
        due = {r.message_id for r in ended if r.state == "sent" and r.outcome == "delivered"}
        charged = {charge.reason.rpartition(" ")[2] for charge in rig.charges_of_two_months()}
        assert len(charged) == len(rig.charges_of_two_months())
        assert due <= charged
        assert rig.count > 100 or charged == due
        type(self).member_count += len(members)


def test_each_receipt_is_sent_once_and_charged_once_in_any_history(
    built: Container, clock: TestClock, raw: "redis.Redis"
):
    raw.config_set("appendfsync", "no")  # durability has tests of its own
    began = clock.at

    def make_rig() -> DigestRig:
        raw.flushall()
        clock.at = began
        built.clients.outbox.open()
        stand(built, SENDER, "active")
        return DigestRig(built, clock, ProviderDouble("flasher", flash=True, lookup=False))

    Histories.make_rig = staticmethod(make_rig)
    limits = settings(
        max_examples=40, stateful_step_count=20, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(Histories, settings=limits)
    assert Histories.member_count > 100, "histories without digests prove nothing"
