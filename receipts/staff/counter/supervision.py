"""Figures of a shop's counter that a supervisor should look at."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec import Struct

from receipts.model.counter import CounterActReference
from receipts.model.customer import Subscription
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.clock import Clock
from receipts.ports.counter_index import CounterIndex
from receipts.ports.store import BulkReader, Store
from receipts.rulebook.schema import CounterRules
from receipts.staff.counter.acts import OPEN_BY_FORM, OPEN_BY_TEXT, SIGNED
from receipts.staff.counter.identity import today_in_china
from receipts.staff.counter.passwords import CHOOSE, RESET
from statemachines.subscription import RECEIVING

#: Customers of whom the present state is read for one page, and newest texts of each.
_MOST_CUSTOMERS, _NEWEST = 500, 8

_SUBSCRIBING, _PASSWORD = (
    frozenset({OPEN_BY_TEXT, OPEN_BY_FORM, SIGNED}),
    frozenset({CHOOSE, RESET}),
)


class ClerkFigures(Struct, frozen=True):
    """A clerk's acts in some days, and the counts that are compared with the rules."""

    clerk: str
    acts: int
    customers: int
    subscribed: int
    #: Subscriptions that ended since, or that have had no receipt after ``unused_days``.
    unused: int
    resets: int
    #: The longest row of password acts for different customers without another act between.
    resets_in_a_row: int
    customers_an_hour: int
    #: Names of the figures over their limit.
    flags: frozenset[str]


class AgentFigures(Struct, frozen=True):
    """An agent, by the keyed digest of the identity number, with customers acted for."""

    agent: str
    customers: int
    acts: int
    clerks: tuple[str, ...]


class ShopFigures(Struct, frozen=True):
    """Figures of a shop; ``agents`` are those over the limit."""

    clerks: tuple[ClerkFigures, ...]
    agents: tuple[AgentFigures, ...]
    acts: tuple[CounterActReference, ...]


@dataclass(frozen=True, slots=True)
class Supervision:
    """Reads the acts of a shop. Methods raise StoreUnavailableError."""

    index: CounterIndex
    reader: BulkReader
    store: Store
    clock: Clock
    rules: CounterRules

    def figures(self, shop: str, days: int) -> ShopFigures:
        """The figures of a shop in the last days, in a few round trips."""
        today = today_in_china(self.clock.now())
        dates = [today - dt.timedelta(days=n) for n in range(days)]
        acts = self.index.acts(shop, dates)
        unused = self._unused(acts)
        by_clerk: defaultdict[str, list[CounterActReference]] = defaultdict(list)
        for act in acts:
            by_clerk[act.clerk].append(act)
        clerks = [self._of_clerk(clerk, those, unused) for clerk, those in by_clerk.items()]
        clerks.sort(key=lambda each: (-len(each.flags), -each.acts, each.clerk))
        return ShopFigures(tuple(clerks), tuple(self._agents(acts)), tuple(reversed(acts)))

    def _unused(self, acts: Iterable[CounterActReference]) -> frozenset[Msisdn]:
        """Customers who subscribed at the counter and did not use the service."""
        opened = {act.number: act for act in acts if act.act in _SUBSCRIBING}
        numbers = list(opened)[-_MOST_CUSTOMERS:]
        grace = dt.timedelta(days=self.rules.unused_days)
        now = self.clock.now()
        due = [number for number in numbers if opened[number].at + grace <= now]
        customers = self.reader.subscriptions(due)
        receipts = self.store.recent_by_customer(due, _NEWEST)
        return frozenset(
            customer.number
            for customer, texts in zip(customers, receipts, strict=True)
            if not _is_used(customer, texts)
        )

    def _of_clerk(
        self, clerk: str, acts: Sequence[CounterActReference], unused: frozenset[Msisdn]
    ) -> ClerkFigures:
        subscribed = {act.number for act in acts if act.act in _SUBSCRIBING}
        by_hour = Counter(hour for hour, _ in {(f"{act.at:%Y%m%d%H}", act.number) for act in acts})
        counted = {
            "unused": len(subscribed & unused),
            "resets_in_a_row": _longest_row(acts),
            "customers_an_hour": max(by_hour.values(), default=0),
        }
        limits = {
            "unused": self.rules.unused_subscriptions,
            "resets_in_a_row": self.rules.resets_in_a_row,
            "customers_an_hour": self.rules.customers_an_hour,
        }
        return ClerkFigures(
            clerk,
            acts=len(acts),
            customers=len({act.number for act in acts}),
            subscribed=len(subscribed),
            resets=sum(act.act in _PASSWORD for act in acts),
            flags=frozenset(name for name, count in counted.items() if count >= limits[name]),
            **counted,
        )

    def _agents(self, acts: Iterable[CounterActReference]) -> list[AgentFigures]:
        by_agent: defaultdict[str, list[CounterActReference]] = defaultdict(list)
        for act in acts:
            if act.agent:
                by_agent[act.agent].append(act)
        found = [
            AgentFigures(
                agent,
                len({act.number for act in those}),
                len(those),
                tuple(sorted({act.clerk for act in those})),
            )
            for agent, those in by_agent.items()
        ]
        over = [each for each in found if each.customers >= self.rules.customers_per_agent]
        return sorted(over, key=lambda each: -each.customers)


def _is_used(customer: Subscription, texts: Iterable[Receipt]) -> bool:
    """Whether the service is on, and one of the newest texts is a receipt."""
    has_receipt = any(text.kind is MessageKind.RECEIPT for text in texts)
    return customer.state in RECEIVING and has_receipt


def _longest_row(acts: Iterable[CounterActReference]) -> int:
    longest, row = 0, set[Msisdn]()
    for act in acts:
        row = row | {act.number} if act.act in _PASSWORD else set()
        longest = max(longest, len(row))
    return longest
