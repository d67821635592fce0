"""The same wish ends in the same state, charge and notice, by text and by voice."""

from itertools import product

import pytest

from app import bootstrap
from ivr.call_context import CallContext
from ivr.call_flow import CallerInput
from keywords.conversation import InboundMessage
from receipts.model.vocabulary import Language, Msisdn
from receipts.ports.changes import Reply
from receipts.ports.unit_of_work import run_in_transaction
from statemachines.call_menu import CallState
from tests.conftest import Network, TestClock
from tests.support.months import Months

#: Pairs of numbers of one province: one texts, the other calls.
PAIRS = {
    "month end": ("+8613802880000", "+8613802880001"),
    "at once": ("+8613903112345", "+8613903112346"),
    "trial": ("+8613957112345", "+8613957112346"),
}
HISTORIES = {
    "new": (),
    "ordered": ("text open",),
    "open": ("open",),
    "cancelled": ("open", "text cancel"),
    "ordered again": ("open", "text cancel", "text open"),
    "asked for a second yes": ("open", "29 days"),
    "unpaid": ("open", "unpaid"),
    "open for months": ("open", "29 days", "text yes", "60 days"),
}
WORDS = {"open": "开通短信回执", "yes": "是", "cancel": "退订", "ordinary": "PT", "flash": "SX"}
PLACES = {
    "open": (CallState.OFFER, "1"),
    "cancel": (CallState.CANCELLING, "1"),
    "ordinary": (CallState.MENU, "2"),
}


class Customer:
    """One customer at one of the two doors; what happened before came the same way for both."""

    def __init__(self, built: bootstrap.Container, months: Months, number: str) -> None:
        self.built, self.months, self.number = built, months, Msisdn(number)
        self.count = 0

    def text(self, body: str) -> Reply:
        self.count += 1
        text = InboundMessage(f"sms:{self.number}{self.count}", self.number, body)
        talking = self.built.conversation
        return run_in_transaction(
            self.built.store, self.number, lambda held: talking.decide(held, text), text.event
        )

    def lives(self, history: tuple[str, ...]) -> None:
        for part in history:
            if part == "open":
                self.text(WORDS["open"])
                self.text(WORDS["yes"])
            elif part == "unpaid":
                self.months.collected(self.number, "2026-11", paid=False)
            elif part.startswith("text "):
                self.text(WORDS[part.removeprefix("text ")])

    def wishes_by_text(self, wish: str) -> list[str]:
        said = self.text(WORDS[wish])
        if wish == "open" and said.messages[0][0].startswith("offer"):
            said = self.text(WORDS["yes"])
        return [key for key, _ in said.messages]

    def wishes_by_voice(self, wish: str) -> list[str]:
        at, key = PLACES[wish]
        held = self.built.store.load(self.number).subscription
        home = self.built.policy.service_area(held).number_info.province
        place = CallContext(at, Language.ZH).seeing(held, home)
        line = self.built.call_flow
        sid = f"CA{self.number}{self.count}"
        line.handle_input(CallerInput(sid, self.number, place, key))
        claim = self.built.store.load(self.number, f"call:{sid}:{place.step}")
        return [key for key, _ in claim.previous_reply.messages] if claim.previous_reply else []

    def stands(self) -> dict[str, object]:
        """The whole record but for what tells the doors apart."""
        held = self.months.customer(self.number)
        told = {n: getattr(held, n) for n in held.__struct_fields__}
        for name in ("number", "version", "channel", "chain", "question", "lapsed_at"):
            del told[name]
        return told

    def owes(self) -> list[tuple[str, int, str]]:
        return [(c.id, c.fen, c.tariff) for c in self.months.charges(self.number)]


@pytest.mark.parametrize(
    ("pair", "history", "wish"), list(product(PAIRS, HISTORIES, ("open", "cancel")))
)
def test_a_wish_ends_the_same_by_text_and_by_voice(
    built: bootstrap.Container, months: Months, clock: TestClock, pair: str, history: str, wish: str
):
    texter, caller = (Customer(built, months, number) for number in PAIRS[pair])
    for part in HISTORIES[history]:
        if part.endswith(" days"):
            clock.move(days=int(part.split()[0]))
            months.ring()
        for customer in (texter, caller):
            customer.lives((part,))
    assert texter.stands() == caller.stands()
    by_text, by_voice = texter.wishes_by_text(wish), caller.wishes_by_voice(wish)
    assert by_text == by_voice
    assert texter.stands() == caller.stands()
    assert texter.owes() == caller.owes()


def test_receipts_change_their_kind_the_same_by_text_and_by_voice(
    network: Network, built: bootstrap.Container, months: Months
):
    texter, caller = (Customer(built, months, number) for number in PAIRS["month end"])
    for number in PAIRS["month end"]:
        network.open(number)
    assert texter.wishes_by_text("ordinary") == caller.wishes_by_voice("ordinary")
    assert texter.stands() == caller.stands()
