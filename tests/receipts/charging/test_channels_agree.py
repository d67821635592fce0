"""The same request has the same state, charges and reply by text and by voice."""

from itertools import product

import pytest

from app import bootstrap
from ivr.call_context import CallContext
from ivr.call_flow import CallerInput
from keywords.inbound import InboundMessage
from receipts.model.vocabulary import Language, Msisdn
from receipts.ports.changes import Reply
from receipts.ports.unit_of_work import run_in_transaction
from statemachines.call_menu import CallState
from tests.conftest import Network, TestClock
from tests.support.months import Months

#: Pairs of numbers of one province: one sends texts, the other calls.
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
    "trial confirmation requested": ("open", "29 days"),
    "unpaid": ("open", "29 days", "text yes", "3 days", "unpaid"),
    "open for months": ("open", "29 days", "text yes", "60 days"),
}
KEYWORDS = {"open": "开通短信回执", "yes": "是", "cancel": "退订", "ordinary": "PT"}
KEYS = {
    "open": (CallState.OFFER, "1"),
    "cancel": (CallState.CANCELLING, "1"),
    "ordinary": (CallState.MENU, "6"),
}
#: Fields that differ between the two customers.
IGNORED = {"number", "version", "channel", "chain", "question", "lapsed_at"}


class Customer:
    """A customer with a history by text and a last request by either channel."""

    def __init__(self, built: bootstrap.Container, months: Months, number: str) -> None:
        self.built, self.months, self.number = built, months, Msisdn(number)
        self.count = 0

    def text(self, keyword: str) -> Reply:
        self.count += 1
        text = InboundMessage(f"sms:{self.number}{self.count}", self.number, KEYWORDS[keyword])
        conversation = self.built.conversation
        return run_in_transaction(
            self.built.store,
            self.number,
            lambda held: conversation.decide(held, text),
            text.event,
            reply_count=True,
        )

    def apply(self, step: str) -> None:
        if step == "open":
            self.text("open")
            self.text("yes")
        elif step == "unpaid":
            month = self.months.charges(self.number)[-1].month
            self.months.collected(self.number, month, paid=False)
        elif step.startswith("text "):
            self.text(step.removeprefix("text "))

    def request_by_text(self, request: str) -> list[str]:
        reply = self.text(request)
        if request == "open" and reply.messages[0][0].startswith("offer"):
            reply = self.text("yes")
        return [key for key, _ in reply.messages]

    def request_by_voice(self, request: str) -> list[str]:
        state, key = KEYS[request]
        held = self.built.store.load(self.number).subscription
        home = self.built.policy.service_area(held).number_info.province
        context = CallContext(state, Language.ZH).with_subscription(held, home)
        sid = f"CA{self.number}{self.count}"
        self.built.call_flow.handle_input(CallerInput(sid, self.number, context, key))
        reply = self.built.store.load(self.number, context.claim(sid)).previous_reply
        return [key for key, _ in reply.messages] if reply else []

    def record(self) -> dict[str, object]:
        held = self.months.customer(self.number)
        return {name: getattr(held, name) for name in set(held.__struct_fields__) - IGNORED}

    def charges(self) -> list[tuple[str, int, str]]:
        return [(c.id, c.fen, c.tariff) for c in self.months.charges(self.number)]


@pytest.mark.parametrize(
    ("pair", "history", "request_"), list(product(PAIRS, HISTORIES, ("open", "cancel")))
)
def test_request_has_same_result_by_text_and_by_voice(
    built: bootstrap.Container, months: Months, clock: TestClock,
    pair: str, history: str, request_: str,
):  # fmt: skip
    texter, caller = (Customer(built, months, number) for number in PAIRS[pair])
    for step in HISTORIES[history]:
        if step.endswith(" days"):
            clock.move(days=int(step.split()[0]))
            months.ring()
        for customer in (texter, caller):
            customer.apply(step)
    assert texter.record() == caller.record()
    assert texter.request_by_text(request_) == caller.request_by_voice(request_)
    assert texter.record() == caller.record()
    assert texter.charges() == caller.charges()


def test_display_mode_changes_the_same_by_text_and_by_voice(
    network: Network, built: bootstrap.Container, months: Months
):
    texter, caller = (Customer(built, months, number) for number in PAIRS["month end"])
    for number in PAIRS["month end"]:
        network.open(number)
    assert texter.request_by_text("ordinary") == caller.request_by_voice("ordinary")
    assert texter.record() == caller.record()
