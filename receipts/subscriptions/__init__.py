"""The only writer of subscriptions: open, confirm, decline, cancel, switch, ask.

Every function is pure: it takes the customer and gives a Step. Doors join the Steps of one event
into one Change, so that whatever a text or a key does, it does at once.
"""

from receipts.model import Language, Mode, Network, Subscription
from receipts.numbering import Home, Numbering
from receipts.ports import Clock
from receipts.provinces import RuleBook
from receipts.subscriptions import choices, leaving, orders, unpaid
from receipts.subscriptions.choices import ANSWERED_WITHIN, spent_words
from receipts.subscriptions.steps import END, FEE, LAPSE, OWED, TRIAL, Asked, Phrase, Step
from receipts.subscriptions.terms import Place, Terms

__all__ = [
    "ANSWERED_WITHIN",
    "END",
    "FEE",
    "LAPSE",
    "OWED",
    "TRIAL",
    "Asked",
    "Phrase",
    "Place",
    "Step",
    "Subscriptions",
    "spent_words",
]


class Subscriptions:
    """The decisions about one customer, the same through every door."""

    def __init__(
        self,
        book: RuleBook,
        numbering: Numbering,
        clock: Clock,
        hotline: str = "10086",
        short_code: str = "7500",
    ) -> None:
        self.book = book
        self.terms = Terms(book, numbering, clock, hotline, short_code)
        # What holds for a customer is told as it is.
        self.place, self.language = self.terms.place, self.terms.language
        self.limits = self.terms.limits
        self.refusal, self.agreed = self.terms.refusal, self.terms.agreed
        self.facts, self.offer_facts = self.terms.facts, self.terms.offer_facts

    def order(self, customer: Subscription, asked: Asked, *, late: bool = False) -> Step:
        """Offer the service with its price; nothing is opened until the customer says yes."""
        return orders.order(self.terms, customer, asked, late=late)

    def confirm(self, customer: Subscription, asked: Asked) -> Step:
        """The yes to an open order: the service runs at once, at the price that was shown."""
        return orders.confirm(self.terms, customer, asked)

    def open_at_once(self, customer: Subscription, asked: Asked) -> Step:
        """Order and yes in one breath, for a door where the price was heard just before."""
        return orders.open_at_once(self.terms, customer, asked)

    def decline(self, customer: Subscription, asked: Asked) -> Step:
        """An answer that was not yes: the order ends, and the customer is told."""
        return orders.decline(self.terms, customer, asked)

    def lapse(self, customer: Subscription, asked: Asked) -> Step:
        """No answer within the window: the order ends, and the customer is told."""
        return orders.lapse(self.terms, customer, asked)

    def renew(self, customer: Subscription, asked: Asked) -> Step:
        """A trial nears its end: nothing is charged after it without a second yes."""
        return orders.renew(self.terms, customer, asked)

    def fee(self, customer: Subscription, _: Asked) -> Step:
        """The first charge date has come, or has just passed: its month is charged."""
        return orders.fee(self.terms, customer)

    def cancel(self, customer: Subscription, asked: Asked) -> Step:
        """End the service, now or at the month's end as the province has it. Always free.

        Where nothing runs on but an order, it is the order that ends.
        """
        return leaving.cancel(self.terms, customer, asked)

    def month_ended(self, customer: Subscription, asked: Asked) -> Step:
        """The last month of a cancelled service is over."""
        return leaving.month_ended(self.terms, customer, asked)

    def port_out(self, customer: Subscription, asked: Asked) -> Step:
        """The number has left the network: the service ends at once, and what is due stays due."""
        return leaving.port_out(self.terms, customer, asked)

    def collected(self, customer: Subscription, month: str, *, paid: bool, asked: Asked) -> Step:
        """The operator could, or could not, collect the fee of a month.

        Unpaid suspends the service; two months running end it; paying brings it back.
        """
        return unpaid.collected(self.terms, customer, month, paid=paid, asked=asked)

    def owed(self, customer: Subscription, asked: Asked) -> Step:
        """Unpaid two months running: the service ends."""
        return unpaid.owed(self.terms, customer, asked)

    def set_mode(self, customer: Subscription, mode: Mode, asked: Asked) -> Step:
        """Receipts over the screen, or filed in the inbox."""
        return choices.set_mode(self.terms, customer, mode, asked)

    def set_language(self, customer: Subscription, language: Language) -> Step:
        """The language of all that we say from now on."""
        return choices.set_language(self.terms, customer, language)

    def ask(self, customer: Subscription, asked: Asked, spent_fen: int) -> Step:
        """State, mode, price and what this month has cost so far, as they are."""
        return choices.ask(self.terms, customer, asked, spent_fen)

    def list_all(self, customer: Subscription, asked: Asked) -> Step:
        """The monthly services held here, each with the number that cancels it."""
        return choices.list_all(self.terms, customer, asked)

    def ask_province(self, customer: Subscription, language: Language) -> Step:
        """No tariff is guessed: the customer is asked where the number is at home."""
        return choices.ask_province(self.terms, customer, language)

    def says_province(self, customer: Subscription, code: str) -> Step:
        """The customer told the home province of a number that no source knows."""
        return choices.says_province(customer, code)

    def recorded(self, customer: Subscription, home: Home, asked: Asked) -> Step:
        """What the operator's list says of a number; one that left the network loses the service.

        A list that names no province says nothing of it: what was known stays, with its source.
        """
        return choices.recorded(self.terms, customer, home, asked)

    def looked_up(self, customer: Subscription, network: Network | None) -> Step:
        """What somebody outside said of a number's network; not to know is never to be off-net."""
        return choices.looked_up(self.terms, customer, network)
