"""A drill's outcome compared with the reference model: lost, doubled, charged wrong."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from receipts.model.receipt import Receipt
from statemachines.receipt import ReceiptState
from tests.drills.reference_model import Expected, Pair
from tests.drills.rig import ProviderText

_DELIVERED = ("短信已", " was delivered")
_NO_ANSWER_YET = ("仍无送达结果", "No delivery result yet")


@dataclass
class DrillResult:
    """The counts of one drill; lost, doubled and charged wrong must be 0."""

    fault: str
    title: str
    sent: int = 0
    acknowledged: int = 0
    due: int = 0
    taken: int = 0
    lost: int = 0
    doubled: int = 0
    charged_wrong: int = 0
    unsure: int = 0
    recovery_seconds: float = 0.0
    #: Texts that Kannel, requested once, offered to its centre again after a crash of its own.
    kannel_repeats: int = 0
    #: A sentence for each deviation.
    problems: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not (self.lost or self.doubled or self.charged_wrong or self.problems)


def receipt_kind(body: str) -> str:
    """The status that a receipt's text reports."""
    if any(words in body for words in _DELIVERED):
        return "arrived"
    return "no word" if any(words in body for words in _NO_ANSWER_YET) else "failed"


def without_kannel_repeats(
    result: DrillResult, taken: Iterable[ProviderText], requested: Mapping[tuple[str, str], int]
) -> list[ProviderText]:
    """The texts that providers took; repeats by Kannel itself are counted apart."""
    seen = Counter[tuple[str, str]]()
    kept = []
    for text in taken:
        key = (text.to, text.body)
        if 0 < requested.get(key, 0) <= seen[key]:
            result.kannel_repeats += 1
            continue
        seen[key] += 1
        kept.append(text)
    return kept


def compare(
    result: DrillResult,
    due: Mapping[Pair, str],
    off_net: set[str],
    taken: Iterable[ProviderText],
    receipts: Iterable[Receipt],
) -> dict[Pair, str]:
    """Count lost and doubled receipts; return those certainly sent, which may be charged."""
    carried = _carried(result, due, off_net, taken)
    # A text may have two receipts: "no answer yet", and a late answer.
    stored = {(r.number, r.recipient, receipt_kind(r.text)): r for r in receipts}
    certain = {}
    for key, kind in due.items():
        receipt, count = stored.get((*key, kind)), carried.pop((key, kind), 0)
        about = f"{receipt.state} {receipt.note} {receipt.attempts}" if receipt else "never made"
        unsure = receipt is not None and receipt.state is ReceiptState.UNSURE
        result.taken += count
        result.unsure += unsure
        if count > 1:
            result.doubled += count - 1
            result.problems.append(f"doubled: {about}")
        elif not count and not unsure:
            result.lost += 1
            result.problems.append(f"lost: {about}")
        if count and not unsure:
            certain[key] = kind
    for (_, kind), count in carried.items():
        result.doubled += count
        result.problems.append(f"{count} with a wrong status: {kind}")
    return certain


def _carried(
    result: DrillResult, due: Mapping[Pair, str], off_net: set[str], taken: Iterable[ProviderText]
) -> Counter[tuple[Pair, str]]:
    """Receipts by pair and kind; a text that is not due, or an extra notice, counts as doubled."""
    carried, notices = Counter[tuple[Pair, str]](), Counter[str]()
    for text in taken:
        recipients = _numbers(text.body)
        if not recipients:
            notices[text.to] += 1
        elif (about := (text.to, f"+86{recipients[0]}")) in due:
            carried[about, receipt_kind(text.body)] += 1
        else:
            result.doubled += 1
            result.problems.append(f"not due, and sent: {text.body}")
    # One notice for each sender of off-net texts; it may be unsure, and so missing.
    extra = sum(count - (number in off_net) for number, count in notices.items())
    if extra:
        result.doubled += extra
        result.problems.append(f"{extra} notices too many")
    return carried


def _numbers(body: str) -> list[str]:
    """The 11-digit numbers in a text."""
    return re.findall(r"(?<![0-9])[0-9]{11}(?![0-9])", body)


def recovery_seconds(
    expected: Expected,
    acknowledged: Mapping[tuple[int, str], float],
    taken: Iterable[ProviderText],
    fault_ended: float,
) -> float:
    """Seconds from the end of the fault to recovery.

    Then reports are acknowledged again and every receipt due by then is with a provider.
    """
    taken_at: dict[Pair, float] = {}
    for text in taken:
        for number in _numbers(text.body)[:1]:
            taken_at.setdefault((text.to, f"+86{number}"), text.at)
    waits = [0.0, *sorted(at - fault_ended for at in acknowledged.values() if at > fault_ended)[:1]]
    for key, report in expected.decided_by.items():
        known = acknowledged.get((report.text, f"{report.part} {report.status}"), fault_ended)
        if known < fault_ended and key in taken_at:
            waits.append(taken_at[key] - fault_ended)
    return max(waits)
