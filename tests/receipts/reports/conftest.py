from dataclasses import dataclass

import pytest
import redis
from msgspec.structs import replace

from app.bootstrap import Container
from receipts.model.message import MessageStatus
from receipts.model.receipt import MessageKind, Receipt
from receipts.providers.smsc_status import SmscStatusTable
from receipts.store.codec import encode_record
from receipts.store.keys import KeySchema
from tests.conftest import TestClock
from tests.support.fixtures import stand
from tests.support.reports import ANNA, PATIENCE, Tell, outcomes, swept, told


@dataclass
class ReportRig:
    """The SMSC, which reports a subscriber's texts, and the timers of the service."""

    built: Container
    clock: TestClock
    raw: "redis.Redis"

    def report(self, raw: str, status: MessageStatus | None = None, **about: object) -> None:
        Tell(self.built)(raw, status or SmscStatusTable().read(raw)[0], **about)  # type: ignore[arg-type]

    def stand(self, state: str = "active", number: str = ANNA, **more: object) -> None:
        """Put a customer into this state of subscription."""
        stand(self.built, number, state, **more)  # type: ignore[arg-type]

    def fire_timeout(self) -> int:
        """Let the wait for a final report end; the number of timers fired."""
        self.clock.move(hours=PATIENCE + 1)
        return swept(self.built)

    def forget_reports(self) -> None:
        """Let the traces end before the receipts, as those of receipts of schema 2 do."""
        self.raw.delete("none", *self.raw.keys("*:trail:*"))
        keys = KeySchema(16)
        for receipt in self.receipts():
            key = keys.receipt(keys.shard(receipt.number), receipt.id)
            plain = replace(receipt, text_trace=None)
            assert self.raw.set(key, encode_record(plain, plain.version), xx=True, keepttl=True)

    def has_timers(self) -> bool:
        return any(self.raw.zcard(key) for key in self.raw.scan_iter("*:timers"))

    def outcomes(self) -> list[str]:
        return outcomes(self.built)

    def receipts(self) -> list[Receipt]:
        return told(self.built)

    def notices(self) -> list[Receipt]:
        return told(self.built, MessageKind.NOTICE)


@pytest.fixture
def rig(built: Container, clock: TestClock, raw: "redis.Redis") -> ReportRig:
    return ReportRig(built, clock, raw)
