"""Receipts of a restored store that the lost one has perhaps sent."""

import datetime as dt

from app.bootstrap import Container
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.model.message import MessageStatus
from receipts.ports.restore_gap import RestoreGap
from tests.conftest import TestClock
from tests.receipts.delivery.digest_rig import SENDER, DigestRig
from tests.support.fixtures import stand
from tests.support.sending import ProviderDouble, timing


def test_no_digest_hides_receipts_that_were_perhaps_sent(
    built: Container, clock: TestClock, flasher: ProviderDouble
):
    stand(built, SENDER, "active")
    rig, restored_at = DigestRig(built, clock, flasher), clock.now()
    gap = RestoreGap(restored_at - dt.timedelta(hours=1), restored_at, restored_at)
    router, sending = rig.delivery.router, rig.built.book.sending
    rig.delivery = ReceiptLifecycle(router, sending, clock, gap=gap)
    rig.timers = timing(rig.built, rig.delivery, rig.store)
    rig.arrive(MessageStatus.DELIVERED, MessageStatus.DELIVERED)
    clock.move(seconds=1)
    rig.arrive(MessageStatus.DELIVERED, MessageStatus.DELIVERED)
    rig.wait()
    (digest,) = rig.digests()
    alone = {receipt.id for receipt in rig.receipts()} - {*digest.members}
    assert len(digest.members) == len(alone) == 2
    entries = built.clients.outbox.fetch("hand", 100, 0)
    assert {entry.receipt_id for entry in entries} == {digest.id, *alone}
    assert all(rig.delivery.perhaps_sent(rig.now(each)) for each in alone)
