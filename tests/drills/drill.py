"""One drill: the service under load, one fault, and then the counting."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from app import bootstrap
from receipts.model.calendar import month_of
from receipts.model.charge import ChargeKind
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from statemachines.receipt import ReceiptState
from tests.drills import generator, reckoning
from tests.drills.faults import Fault
from tests.drills.generator import Orders
from tests.drills.plan import Customer, Plan
from tests.drills.rig import Rig, Took
from tests.support.product import surroundings, until

#: Seconds until all that is due must have gone out, on a busy machine.
_PATIENCE = 240

_ARRIVED = ("成功送达", " was delivered at ")
_NO_WORD = ("尚未收到", "There is no word yet")


@dataclass
class Row:
    """What one drill came to. The first four that are not 0 are what must never be."""

    fault: str
    what: str
    sent: int = 0
    acknowledged: int = 0
    due: int = 0
    took: int = 0
    lost: int = 0
    doubled: int = 0
    charged_wrong: int = 0
    unsure: int = 0
    recovery: float = 0.0
    #: Texts that Kannel, asked once, offered to its centre again after a crash of its own.
    again: int = 0
    #: Sentences about whatever is not as it must be.
    wrong: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.doubled or self.charged_wrong or self.wrong)


def run(fault: Fault, plan: Plan, seconds: float, folder: Path, say: Callable[[str], None]) -> Row:
    """One fault, from an empty folder to its row."""
    rig = Rig(folder / "data", store=fault.store, kannel=fault.kannel, small_disk=fault.small_disk)
    row = Row(fault.name, fault.what)
    try:
        rig.up()
        rig.enter(plan.customers())
        orders = _orders(rig, plan, seconds, folder, greedy=fault.greedy)
        load = _load(orders, folder)
        try:
            time.sleep(seconds / 4)
            say("the fault")
            fault.happen(rig)
            over = time.time()
            say("load to its end")
            load.wait(_PATIENCE)
        finally:
            load.kill()
            load.wait()
        say("backlog")
        _counted(row, rig, plan, fault, over, Path(orders.log))
    except Exception as failure:  # noqa: BLE001 - one drill that breaks is a row that failed
        row.wrong.append(f"the drill broke: {type(failure).__name__}: {failure}"[:600])
    finally:
        rig.down()
    return row


def _orders(rig: Rig, plan: Plan, seconds: float, folder: Path, *, greedy: bool) -> Orders:
    settings = rig.settings
    return Orders(
        rig.wires["doors"].url, rig.doors, str(folder / "generator.jsonl"), plan.seed,
        plan.reports, plan.batch, seconds, settings["FEED_SECRET"],
        settings["TWILIO_ACCOUNT_SID"], settings["TWILIO_AUTH_TOKEN"], greedy,
    )  # fmt: skip


def _load(orders: Orders, folder: Path) -> "subprocess.Popen[bytes]":
    path = generator.written(orders, folder / "orders.json")
    with (folder / "generator.out").open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", generator.__name__, path],
            env=surroundings(), cwd=Path(__file__).parents[2], stdout=out, stderr=out,
        )  # fmt: skip


def _counted(row: Row, rig: Rig, plan: Plan, fault: Fault, over: float, log: Path) -> None:
    customers = plan.customers()
    owed = reckoning.due(customers, plan.lines())
    acknowledged = _acknowledged(row, plan, log)
    if row.acknowledged != sum(1 for _ in plan.lines()):
        row.wrong.append("the generator never came to its end")
        return
    with rig.behind() as built:
        _drained(built)
        if fault.hours:
            told = rig.tool("clock", f"+{fault.hours}h")
            assert told.returncode == 0, told.stderr
            until(lambda: _held(built, customers, owed.unanswered), _PATIENCE, "the chase")
            _drained(built)
        _handed_on(built, customers, rig)
        took = _once(row, rig)
        receipts = _settled(built, customers, took)
    due = {key: "arrived" if arrived else "failed" for key, arrived in owed.receipts.items()}
    due |= dict.fromkeys(owed.unanswered if fault.hours else (), "no word")
    row.due = len(due)
    sure = _compare(row, due, owed.off_net, took, receipts)
    row.recovery = _recovery(owed, acknowledged, took, over)
    _bills(row, rig, customers, [sender for (sender, _), told in sure.items() if told == "arrived"])
    reckoned = rig.tool("reconcile")
    if reckoned.returncode:
        row.wrong.append(f"the counts do not add up: {reckoned.stdout.strip()[:200]}")


def _acknowledged(row: Row, plan: Plan, log: Path) -> dict[tuple[int, str], float]:
    """When each report was acknowledged, by text and what it says; and the counts of the row."""
    at: dict[tuple[int, str], float] = {}
    streams = plan.streams()
    for raw in log.read_text().splitlines():
        said = json.loads(raw)
        if "wrong" in said:
            row.wrong.append(f"refused: {said['wrong']}")
            continue
        row.sent += said["sent"]
        row.acknowledged += said["lines"]
        for line in streams[said["stream"]][said["batch"]]:
            at.setdefault((line.text, f"{line.part} {line.word}"), said["at"])
    return at


# -- waiting until nothing is left to do ---------------------------------------------------------


def _drained(built: bootstrap.Container) -> None:
    """Returns when the outbox is empty and nothing waits to be sent again or looked up."""
    client, shards = built.clients.connection.client, built.settings.shards

    def quiet() -> bool:
        for shard in range(shards):
            tag = f"{{s{shard}}}"
            if client.xlen(f"{tag}:outbox") or client.xlen(f"{tag}:late"):
                return False
            if any(client.zcard(f"{tag}:waiting:{line}") for line in ("twilio", "kannel")):
                return False
            timers = client.zrange(f"{tag}:timers", 0, -1)
            if any(raw.startswith((b"retry|", b"look|")) for raw in timers):
                return False
        return True

    until(_patient(quiet), _PATIENCE, "the backlog to drain")


def _patient(check: Callable[[], bool]) -> Callable[[], bool]:
    """The same check, not too often."""

    def checked() -> bool:
        time.sleep(0.3)
        return check()

    return checked


def _held(
    built: bootstrap.Container, customers: list[Customer], unanswered: set[tuple[str, str]]
) -> bool:
    """Whether every text without an end has its receipt on record."""
    time.sleep(0.5)
    found = {
        (r.number, r.recipient) for r in _receipts(built, customers) if _says(r.text) == "no word"
    }
    return found >= unanswered


def _receipts(built: bootstrap.Container, customers: list[Customer]) -> list[Receipt]:
    return [
        receipt
        for customer in customers
        for receipt in built.store.receipts_of(Msisdn(customer.number), 100, MessageKind.RECEIPT)
    ]


def _handed_on(built: bootstrap.Container, customers: list[Customer], rig: Rig) -> None:
    """Returns when all that was sent is at its centre: Kannel hands on in its own time.

    After 20 seconds it returns all the same: what is missing then is lost.
    """
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        there = {(text.to, text.body) for text in rig.took()}
        sent = [r for r in _receipts(built, customers) if r.state is ReceiptState.SENT]
        if all((r.number, r.text) in there for r in sent):
            return
        time.sleep(1)


def _settled(
    built: bootstrap.Container, customers: list[Customer], took: list[Took]
) -> list[Receipt]:
    """All receipts, once no provider's word is missing of one that it has and we are unsure of."""
    there = {(text.to, text.body) for text in took}
    deadline = time.monotonic() + 20
    while True:
        found = _receipts(built, customers)
        unsure = [r for r in found if r.state is ReceiptState.UNSURE]
        waiting = [r for r in unsure if (r.number, r.text) in there]
        if not waiting or time.monotonic() > deadline:
            return found
        time.sleep(1)


def _once(row: Row, rig: Rig) -> list[Took]:
    """What providers took; what Kannel itself repeated is noted, and not held against us."""
    asked, seen = rig.asked(), Counter[tuple[str, str]]()
    kept = []
    for text in rig.took():
        key = (text.to, text.body)
        if asked and 0 < asked[key] <= seen[key]:
            row.again += 1
            continue
        seen[key] += 1
        kept.append(text)
    return kept


# -- holding one against the other ---------------------------------------------------------------


def _says(body: str) -> str:
    if any(words in body for words in _ARRIVED):
        return "arrived"
    return "no word" if any(words in body for words in _NO_WORD) else "failed"


def _compare(
    row: Row,
    due: dict[tuple[str, str], str],
    off_net: set[str],
    took: list[Took],
    receipts: list[Receipt],
) -> dict[tuple[str, str], str]:
    """Count what is lost and doubled; the receipts that were sent for sure, and so are paid for."""
    carried = _carried(row, due, off_net, took)
    # A text may have two receipts: "no answer yet", and a late answer.
    held = {(r.number, r.recipient, _says(r.text)): r for r in receipts}
    sure = {}
    for key, fate in due.items():
        receipt, count = held.get((*key, fate)), carried.pop((key, fate), 0)
        about = f"{receipt.state} {receipt.note} {receipt.attempts}" if receipt else "never made"
        unsure = receipt is not None and receipt.state is ReceiptState.UNSURE
        row.took += count
        row.unsure += unsure
        if count > 1:
            row.doubled += count - 1
            row.wrong.append(f"doubled: {about}")
        elif not count and not unsure:
            row.lost += 1
            row.wrong.append(f"lost: {about}")
        if count and not unsure:
            sure[key] = fate
    for (_, fate), count in carried.items():
        row.doubled += count
        row.wrong.append(f"{count} said wrongly: {fate}")
    return sure


def _carried(
    row: Row, due: dict[tuple[str, str], str], off_net: set[str], took: list[Took]
) -> Counter[tuple[tuple[str, str], str]]:
    """How often providers took each receipt; what was sent and is none counts as doubled."""
    carried: Counter[tuple[tuple[str, str], str]] = Counter()
    notices: Counter[str] = Counter()
    for text in took:
        friends = _numbers(text.body)
        if not friends:
            notices[text.to] += 1
        elif (about := (text.to, f"+86{friends[0]}")) in due:
            carried[about, _says(text.body)] += 1
        else:
            row.doubled += 1
            row.wrong.append(f"not due, and sent: {text.body}")
    _notices(row, off_net, notices)
    return carried


def _notices(row: Row, off_net: set[str], notices: Counter[str]) -> None:
    """Who wrote to another network hears so once, and nobody else; a notice may be unsure too."""
    extra = sum(count if number not in off_net else count - 1 for number, count in notices.items())
    row.doubled += extra
    if extra:
        row.wrong.append(f"{extra} notices too many")


def _numbers(body: str) -> list[str]:
    """The friends' numbers in a text, as they are written there."""
    digits = "".join(letter if letter.isdigit() and letter.isascii() else " " for letter in body)
    return [word for word in digits.split() if len(word) == 11]


def _recovery(
    owed: reckoning.Due,
    acknowledged: dict[tuple[int, str], float],
    took: list[Took],
    over: float,
) -> float:
    """Seconds from the end of the fault until all goes on.

    That is: reports are acknowledged, and every receipt due by then is with a provider.
    """
    at: dict[tuple[str, str], float] = {}
    for text in took:
        for number in _numbers(text.body)[:1]:
            at.setdefault((text.to, f"+86{number}"), text.at)
    next_one = min((moment for moment in acknowledged.values() if moment > over), default=over)
    waited = [0.0, next_one - over]
    for key, line in owed.decided_by.items():
        known = acknowledged.get((line.text, f"{line.part} {line.word}"), over)
        if known < over and key in at:
            waited.append(at[key] - over)
    return max(waited)


def _bills(row: Row, rig: Rig, customers: list[Customer], arrived: list[str]) -> None:
    """Every customer's charges of the month, to the fen, after a bill that runs twice."""
    with rig.behind() as built:
        month = month_of(built.clock.now())
        for _ in range(2):
            billed = rig.tool("bill", "--month", month)
            assert billed.returncode == 0, billed.stderr
        owed = reckoning.bills(customers, arrived)
        for customer in customers:
            charges = built.store.charges_of(Msisdn(customer.number), [month])
            once = Counter(charge.kind for charge in charges)[ChargeKind.MONTHLY] <= 1
            paid = sum(charge.fen for charge in charges)
            if paid != owed[customer.number] or not once:
                row.charged_wrong += 1
                row.wrong.append(f"charged {paid} fen for {owed[customer.number]}, "
                                 f"{customer.province}")  # fmt: skip
