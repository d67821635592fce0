"""Delivery reports about the texts of one sender, and her receipts."""

from dataclasses import dataclass

from app.bootstrap import Container
from receipts.model.message import DeliveryReport, MessageStatus, MessageTrace
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.store import ReportQuery
from tests.conftest import GUANGDONG, ZHEJIANG

ANNA, FRIEND = Msisdn(GUANGDONG), Msisdn(ZHEJIANG)

#: Validity and margin of the rule book, in hours.
PATIENCE = 50


@dataclass
class Tell:
    """Reports on texts, by default of Anna to an on-net recipient."""

    built: Container

    def __call__(
        self,
        word: str,
        fate: MessageStatus,
        message: str = "1",
        part: int = 1,
        parts: int = 1,
        **who: str,
    ) -> None:
        sender, friend = Msisdn(who.get("sender", ANNA)), Msisdn(who.get("friend", FRIEND))
        at = self.built.clock.now()
        report = DeliveryReport(message, sender, friend, fate, word, at, part, parts)
        self.built.report_service.ingest(report)


def swept(built: Container) -> int:
    """Fire the due timers; return how many fired."""
    timers = built.timer_service()
    return sum(timers.fire(timer) for timer in timers.due_timers(100))


def told(
    built: Container, kind: MessageKind = MessageKind.RECEIPT, number: str = ANNA
) -> list[Receipt]:
    """Return the receipts of a customer, oldest first."""
    return built.store.receipts_of(Msisdn(number), 100, kind)[::-1]


def outcomes(built: Container, number: str = ANNA) -> list[str]:
    return [str(receipt.outcome) for receipt in told(built, number=number)]


def trail(
    built: Container, message: str = "1", friend: str = FRIEND, sender: str = ANNA
) -> MessageTrace:
    query = ReportQuery(Msisdn(sender), Msisdn(friend), message)
    found = built.store.load_many([query])[0].known_trace
    assert found is not None
    return found
