"""What a drill's reports must lead to, reckoned slowly and apart from the product's own code."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.drills.plan import TARIFFS, Customer, Line

_GOOD = "DELIVRD"
_FINAL = {_GOOD, "EXPIRED", "UNDELIV", "REJECTD"}
_OTHER_NETWORK = "+86130"


@dataclass
class Text:
    """What has been said of one text so far."""

    sender: str
    friend: str
    parts: int = 1
    said: dict[int, str] = field(default_factory=dict)
    over: bool = False

    def hear(self, line: Line) -> None:
        """The first final word about a part stands; with all parts the text is over."""
        if self.over:
            return
        self.parts = max(self.parts, line.parts)
        if line.word in _FINAL:
            self.said.setdefault(line.part, line.word)
        self.over = len(self.said) == self.parts

    @property
    def arrived(self) -> bool:
        return set(self.said.values()) == {_GOOD}


@dataclass
class Due:
    """What must have been sent, by (sender, friend), which is one text each.

    ``receipts`` says of each whether its text arrived, and so whether it may cost something;
    ``unanswered`` are the texts without an end, ``off_net`` those told of other networks.
    """

    receipts: dict[tuple[str, str], bool] = field(default_factory=dict)
    decided_by: dict[tuple[str, str], Line] = field(default_factory=dict)
    unanswered: set[tuple[str, str]] = field(default_factory=set)
    off_net: set[str] = field(default_factory=set)


def due(customers: Iterable[Customer], lines: Iterable[Line]) -> Due:
    """Go through the reports one by one."""
    known = {customer.number for customer in customers}
    texts: dict[int, Text] = {}
    owed = Due()
    for line in lines:
        if line.sender not in known:
            continue
        text = texts.setdefault(line.text, Text(line.sender, line.friend))
        was = text.over
        text.hear(line)
        if text.over and not was:
            if line.friend.startswith(_OTHER_NETWORK):
                owed.off_net.add(line.sender)
            else:
                owed.receipts[line.sender, line.friend] = text.arrived
                owed.decided_by[line.sender, line.friend] = line
    owed.unanswered = {
        (text.sender, text.friend)
        for text in texts.values()
        if not text.over and not text.friend.startswith(_OTHER_NETWORK)
    }
    return owed


def bills(
    customers: Iterable[Customer], arrived: Iterable[str], *, months: bool = True
) -> dict[str, int]:
    """What each customer owes for a month, in fen, after so many sent receipts of arrived texts."""
    counted = Counter(arrived)
    owed = {}
    for customer in customers:
        monthly, each, free = TARIFFS[customer.province]
        owed[customer.number] = monthly * months + each * max(0, counted[customer.number] - free)
    return owed
