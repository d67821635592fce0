"""Reference model: the receipts and charges that a drill's reports must lead to.

It shares no code with the product.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.drills.plan import TARIFFS, Customer, PlannedReport

#: Sender and recipient, which identify a text of a drill.
Pair = tuple[str, str]

_DELIVERED = "DELIVRD"
_FINAL = {_DELIVERED, "EXPIRED", "UNDELIV", "REJECTD"}
_OTHER_NETWORK = "+86130"


@dataclass
class TextState:
    """The reports about one text so far."""

    sender: str
    recipient: str
    parts: int = 1
    statuses: dict[int, str] = field(default_factory=dict)
    final: bool = False

    def apply(self, report: PlannedReport) -> None:
        """Keep the first final status of each part; the text is final when all parts are."""
        if self.final:
            return
        self.parts = max(self.parts, report.parts)
        if report.status in _FINAL:
            self.statuses.setdefault(report.part, report.status)
        self.final = len(self.statuses) == self.parts

    @property
    def delivered(self) -> bool:
        return set(self.statuses.values()) == {_DELIVERED}


@dataclass
class Expected:
    """Texts by (sender, recipient): with a receipt, without a final status, off-net."""

    #: Whether the text was delivered: only then its receipt may cost something.
    receipts: dict[Pair, bool] = field(default_factory=dict)
    decided_by: dict[Pair, PlannedReport] = field(default_factory=dict)
    unanswered: set[Pair] = field(default_factory=set)
    #: Senders of texts to other networks.
    off_net: set[str] = field(default_factory=set)


def expected(customers: Iterable[Customer], reports: Iterable[PlannedReport]) -> Expected:
    """The outcome of these reports, applied one by one."""
    known = {customer.number for customer in customers}
    texts: dict[int, TextState] = {}
    found = Expected()
    for report in reports:
        if report.sender not in known:
            continue
        text = texts.setdefault(report.text, TextState(report.sender, report.recipient))
        was_final = text.final
        text.apply(report)
        if text.final and not was_final:
            if report.recipient.startswith(_OTHER_NETWORK):
                found.off_net.add(report.sender)
            else:
                found.receipts[report.sender, report.recipient] = text.delivered
                found.decided_by[report.sender, report.recipient] = report
    found.unanswered = {
        (text.sender, text.recipient)
        for text in texts.values()
        if not text.final and not text.recipient.startswith(_OTHER_NETWORK)
    }
    return found


def bills(customers: Iterable[Customer], delivered: Iterable[str]) -> dict[str, int]:
    """Fen a month by number; ``delivered`` has the sender of each sent receipt of success."""
    receipts = Counter(delivered)
    owed = {}
    for customer in customers:
        monthly, each, free = TARIFFS[customer.province]
        owed[customer.number] = monthly + each * max(0, receipts[customer.number] - free)
    return owed
