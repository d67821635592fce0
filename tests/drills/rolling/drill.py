"""The rolling drill: everything is replaced and changed in turn under load; nothing may fail."""

import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

import msgspec

from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.store.redis_store import RedisStore
from statemachines.receipt import ReceiptState
from statemachines.subscription import SubscriptionState
from tests.drills import reference_model
from tests.drills.comparison import DrillResult, compare
from tests.drills.drill import check_bills, drain
from tests.drills.plan import STREAMS, Customer, Plan, PlannedReport
from tests.drills.rolling import load
from tests.drills.rolling.load import LoadResult, LoadSettings
from tests.drills.rolling.rig import RollingRig
from tests.support.product import surroundings, until

_SAMPLE_SECONDS = 5.0
#: Until then each change was made and each process restarted.
_CHANGES = 10

#: Of all processes together, from the first third of the run to its end.
_GROWTH = 1.15
_LEAST_SECONDS = 200
_SETTLE_SECONDS = 30

Log = Callable[[str], None]
Event = tuple[str, Callable[[], object]]


@dataclass
class RollingResult:
    """The requests, the receipts and the memory of one drill."""

    load: LoadResult = field(default_factory=LoadResult)
    counts: DrillResult = field(default_factory=lambda: DrillResult("rolling", "rolling"))
    #: What was replaced or changed, with the seconds that it took.
    events: list[tuple[str, float]] = field(default_factory=list)
    #: Seconds since the paced load began, and bytes by process.
    memory: list[tuple[float, dict[str, int]]] = field(default_factory=list)
    failure: str = ""

    @property
    def growth(self) -> float:
        """Memory of the last third of the samples by that of the first third after the start."""
        sums = [sum(sizes.values()) for _, sizes in self.memory]
        third = max(1, len(sums) // 3)
        return mean(sums[-third:]) / mean(sums[:third]) if sums else 0.0

    @property
    def passed(self) -> bool:
        """Whether no request failed, all receipts are right and memory is flat."""
        # Processes that have just started grow: a short run cannot tell.
        is_flat = self.growth < _GROWTH or self.memory[-1][0] < _LEAST_SECONDS
        return not self.failure and not self.load.failures and self.counts.passed and is_flat


def run(folder: Path, seconds: float, share: float, log: Log, ramp: float = 8.0) -> RollingResult:
    """Run the drill in an empty folder."""
    rig, result = RollingRig(folder / "data"), RollingResult()
    plan = Plan(7, 4_000_000, batch=8)
    try:
        rig.up()
        customers = [*plan.customers(), Customer("+8613802889999", "CN-GD", flash=False)]
        rig.enter(customers)
        process = _start_load(rig, plan, folder, share, ramp)
        try:
            until(lambda: (folder / "paced").exists() or process.poll(), 60, "the capacity")
            log(f"paced at {(folder / 'paced').read_text()} requests a second")
            _change_all(rig, result, seconds, folder, log)
            (folder / "over").touch()
            assert process.wait(120) == 0, "the load broke"
        finally:
            process.kill()
            process.wait()
        result.load = msgspec.json.decode((folder / "result.json").read_bytes(), type=LoadResult)
        log("backlog")
        _evaluate(rig, result, plan, customers)
    except Exception as failure:  # noqa: BLE001 - a drill that breaks has failed
        result.failure = f"{type(failure).__name__}: {failure}"[:1500]
        said = (folder / "load.out").read_text() if (folder / "load.out").exists() else ""
        log(f"{result.failure}\n{said[-1500:]}\n{rig.said()[-3000:]}")
    finally:
        rig.down()
    return result


def _start_load(
    rig: RollingRig, plan: Plan, folder: Path, share: float, ramp: float
) -> "subprocess.Popen[bytes]":
    assert rig.front is not None
    (folder / "token").write_text(rig.tokens[0])
    settings = LoadSettings(
        str(folder), rig.front.port, rig.inside_port, str(rig.front.certificate), plan,
        rig.settings["TWILIO_ACCOUNT_SID"], rig.tokens[0], rig.settings["FEED_SECRET"],
        rig.session("+8613802889999"), ramp, share,
    )  # fmt: skip
    (folder / "load.json").write_bytes(msgspec.json.encode(settings))
    with (folder / "load.out").open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", load.__name__, folder / "load.json"],
            env=surroundings(), cwd=Path(__file__).parents[3], stdout=out, stderr=out,
        )  # fmt: skip


# -- changes under load --------------------------------------------------------------------------


def _changes(rig: RollingRig, folder: Path) -> Iterator[Event]:
    """Each change once, with restarts between them; then restarts without end."""
    tokens, keys = rig.tokens, rig.keys

    def sign_with_new_token() -> None:
        (folder / "token.new").write_text(tokens[1])
        (folder / "token.new").replace(folder / "token")
        time.sleep(2)  # requests signed with the old one are answered by then
        rig.set_secrets(TWILIO_AUTH_TOKEN=tokens[1])

    restarts = itertools.cycle(
        (
            ("web processes reloaded", rig.reload),
            ("worker 1 restarted", lambda: rig.replace("worker-1")),
            ("web service 1 restarted", lambda: rig.replace("serve-1")),
            ("worker 2 restarted", lambda: rig.replace("worker-2")),
            ("web service 2 restarted", lambda: rig.replace("serve-2")),
        )
    )
    once: tuple[Event, ...] = (
        ("rule book changed", rig.change_book),
        ("primary of the store killed, a replica promoted", rig.lose_primary),
        ("new SECRET_KEY, the old one still valid",
         lambda: rig.set_secrets(SECRET_KEY=f"{keys[1]},{keys[0]}")),
        ("token changed: the new one first",
         lambda: rig.set_secrets(TWILIO_AUTH_TOKEN=f"{tokens[1]},{tokens[0]}")),
        ("Twilio signs with the new token, the old one dropped", sign_with_new_token),
    )  # fmt: skip
    for change in once:
        yield next(restarts)
        yield change
    yield from restarts


def _change_all(
    rig: RollingRig, result: RollingResult, seconds: float, folder: Path, log: Log
) -> None:
    """Make the changes evenly over the load; its last sixth has none, for the memory."""
    began, changes = time.monotonic(), _changes(rig, folder)
    pause = min(15.0, seconds / 40)
    ended = threading.Event()
    sampler = threading.Thread(target=_sample, args=(rig, result, began, ended))
    sampler.start()
    try:
        while time.monotonic() < began + seconds * 5 / 6 or len(result.events) < _CHANGES:
            name, change = next(changes)
            at = time.monotonic()
            change()
            result.events.append((name, time.monotonic() - at))
            log(f"{at - began:.0f} s: {name}, {time.monotonic() - at:.1f} s")
            time.sleep(pause)
        time.sleep(max(0.0, began + seconds - time.monotonic()))
    finally:
        ended.set()
        sampler.join()


def _sample(rig: RollingRig, result: RollingResult, began: float, ended: threading.Event) -> None:
    while not ended.wait(_SAMPLE_SECONDS):
        result.memory.append((time.monotonic() - began, rig.memory()))


# -- the count -----------------------------------------------------------------------------------


def _acknowledged(plan: Plan, batches: Iterable[int]) -> Iterator[PlannedReport]:
    for number, count in zip(range(STREAMS), batches, strict=True):
        for batch in itertools.islice(plan.stream(number), count):
            yield from batch


def _evaluate(
    rig: RollingRig, result: RollingResult, plan: Plan, customers: list[Customer]
) -> None:
    counts, opened = result.counts, set(result.load.opened) | {"+8613802889999"}
    reports = list(_acknowledged(plan, result.load.batches))
    counts.acknowledged = counts.sent = len(reports)
    expected = reference_model.expected(customers, reports)
    due = {key: "arrived" if good else "failed" for key, good in expected.receipts.items()}
    counts.due = len(due)
    with rig.container() as services:
        drain(services)
        receipts = [r for each in customers for r in _receipts_of(services.store, each.number)]
        sent = {(r.number, r.text) for r in receipts if r.state is ReceiptState.SENT}
        until(lambda: sent <= {(t.to, t.body) for t in rig.took()}, _SETTLE_SECONDS, "all texts")
        states = {services.store.load(Msisdn(n)).subscription.state for n in opened}
    taken = [text for text in rig.took() if text.to not in opened]
    certain = compare(counts, due, expected.off_net, taken, receipts)
    if states != {SubscriptionState.ACTIVE}:
        counts.problems.append(f"customers who opened the service are {states}")
    delivered = [sender for (sender, _), kind in certain.items() if kind == "arrived"]
    new = [Customer(number, "CN-GD", flash=True) for number in result.load.opened]
    check_bills(counts, rig, [*customers, *new], delivered)
    reconciled = rig.command("reconcile")
    if reconciled.returncode:
        counts.problems.append(f"the counts do not add up: {reconciled.stdout.strip()[:200]}")


def _receipts_of(store: RedisStore, number: str) -> list[Receipt]:
    return store.receipts_of(Msisdn(number), None, MessageKind.RECEIPT)
