"""Stored figures by their parts, and the sums that people ask for."""

from collections import Counter
from collections.abc import Mapping

from receipts.model.figure import (
    ACT,
    CALL,
    ENDED,
    FEN,
    REFUSED_LINES,
    REPORT,
    SENT,
    STATE,
    TEXT,
    WEB,
)
from receipts.model.message import NoReceiptReason
from receipts.model.vocabulary import ReceiptOutcome
from statemachines.subscription import SubscriptionEvent, SubscriptionState

_Parts = tuple[str, ...]

_OUTCOMES = tuple(outcome.value for outcome in ReceiptOutcome)
_CANCELS = {SubscriptionEvent.CANCEL_NOW.value, SubscriptionEvent.CANCEL_AT_MONTH_END.value}
_LEAVABLE = {SubscriptionState.ACTIVE, SubscriptionState.SUSPENDED}
_LEFT = {SubscriptionState.ENDING, SubscriptionState.NONE}

#: Movements: confirmed, cancelled by the customer, and ended otherwise.
OPENED, CANCELLED, CLOSED = "opened", "cancelled", "closed"


class Sums:
    """Sums over figures of one period; a name that is not known is left out."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._hours: Counter[_Parts] = Counter()
        self._sums: dict[str, Counter[_Parts]] = {}
        for name, amount in counts.items():
            parts, _, hour = name.partition("@")
            head, *rest = parts.split("|")
            self._sums.setdefault(head, Counter())[tuple(rest)] += amount
            if hour:
                self._hours[hour, *rest] += amount

    def _by(self, head: str, *places: int) -> Counter[_Parts]:
        """Sums of a head by some of its parts."""
        found: Counter[_Parts] = Counter()
        for parts, amount in self._sums.get(head, {}).items():
            found[tuple(parts[place] for place in places if place < len(parts))] += amount
        return found

    def _one(self, head: str, place: int = 0) -> dict[str, int]:
        return {key[0]: amount for key, amount in self._by(head, place).items() if key}

    def outcomes(self) -> dict[str, int]:
        """Reports that gave a receipt, by the outcome of the text."""
        found = self._one(REPORT)
        return {name: found.get(name, 0) for name in _OUTCOMES if name in found}

    def reasons(self) -> dict[str, int]:
        """Reports that gave no receipt, by the reason; refused lines of the feed are no reports."""
        found = self._one(REPORT)
        return {each.value: found[each.value] for each in NoReceiptReason if each.value in found}

    def refused_lines(self) -> int:
        """Lines of the feed that were no reports."""
        return self._one(REPORT).get(REFUSED_LINES, 0)

    def by_hour(self) -> dict[str, tuple[int, int]]:
        """Reports with and without a receipt by the hour, ``00`` to ``23``."""
        found = {f"{hour:02}": [0, 0] for hour in range(24)}
        for (hour, result), amount in self._hours.items():
            if hour in found and result != REFUSED_LINES:
                found[hour][result not in _OUTCOMES] += amount
        return {hour: (given, none) for hour, (given, none) in found.items()}

    def sent(self) -> dict[str, int]:
        """Receipts sent, by the outcome of the text."""
        return self._one(SENT, 1)

    def waits(self) -> dict[str, int]:
        """Receipts sent, by the class of the time since their report."""
        return self._one(SENT, 2)

    def ended(self) -> dict[str, tuple[int, int]]:
        """Receipts delivered and failed by provider, as it reported."""
        found = self._by(ENDED, 0, 1)
        names = sorted({provider for provider, _ in found})
        return {n: (found[n, "delivered"], found[n, "failed"]) for n in names}

    def moves(self, movement: str) -> dict[tuple[str, str], int]:
        """Subscriptions opened, cancelled or ended otherwise, by channel and tariff."""
        found: Counter[tuple[str, str]] = Counter()
        for (action, channel, tariff, *states), amount in self._sums.get(ACT, {}).items():
            if _movement(action, *states) == movement:
                found[channel, tariff] += amount
        return dict(found)

    def sent_by_tariff(self) -> dict[str, int]:
        """Receipts sent by tariff."""
        return self._one(SENT)

    def fen_by_tariff(self) -> dict[tuple[str, str], int]:
        """Charged fen by tariff and kind of charge."""
        return {(parts[0], parts[1]): n for parts, n in self._by(FEN, 0, 1).items()}

    def customers(self) -> dict[tuple[str, str], int]:
        """Customers by tariff and state, or their changes in a month; of running sums only."""
        return {(parts[0], parts[1]): n for parts, n in self._by(STATE, 0, 1).items()}

    def texts(self) -> dict[tuple[str, str], int]:
        """Texts to the short code by meaning and result."""
        return {(parts[0], parts[1]): n for parts, n in self._by(TEXT, 0, 1).items()}

    def calls(self) -> dict[str, int]:
        """Calls by stage and end."""
        return self._one(CALL)

    def web(self) -> dict[str, int]:
        """Steps of sign-ins to the online hall."""
        return self._one(WEB)


def _movement(action: str, before: str, after: str) -> str:
    """The movement of an act, empty for none; the end of a cancelled month is no second one."""
    if before == after:
        return ""
    if action == SubscriptionEvent.CONFIRM:
        return OPENED
    if before in _LEAVABLE and after in _LEFT:
        return CANCELLED if action in _CANCELS else CLOSED
    return ""
