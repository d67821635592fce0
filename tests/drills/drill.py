"""One drill: the service under load, one fault, and the comparison with the reference model."""

import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from app import bootstrap
from receipts.model.calendar import month_of
from receipts.model.charge import ChargeKind
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from statemachines.receipt import ReceiptState
from tests.drills import generator, reference_model
from tests.drills.comparison import (
    DrillResult,
    compare,
    receipt_kind,
    recovery_seconds,
    without_kannel_repeats,
)
from tests.drills.faults import Drill
from tests.drills.generator import LoadConfig
from tests.drills.plan import Customer, Plan
from tests.drills.reference_model import Pair
from tests.drills.rig import ProviderText, Rig
from tests.support.product import surroundings, until

#: Acknowledged batches, in the folder of a drill.
_LOG = "generator.jsonl"

#: Seconds until all receipts due must have been sent, on a busy machine.
_TIMEOUT = 240

#: Seconds for Kannel to pass texts on, and for providers to report: a text missing then is lost.
_SETTLE_SECONDS = 20


def run(
    fault: Drill, plan: Plan, seconds: float, folder: Path, log: Callable[[str], None]
) -> DrillResult:
    """Run one drill in an empty folder."""
    rig = Rig(folder / "data", store=fault.store, kannel=fault.kannel, small_disk=fault.small_disk)
    result = DrillResult(fault.name, fault.title)
    try:
        rig.up()
        if fault.hours:
            _stay_in_one_month(rig, fault.hours)
        rig.enter(plan.customers())
        load = _start_load(rig, plan, seconds, folder, duplicates=fault.duplicates)
        try:
            time.sleep(seconds / 4)
            log("fault")
            fault.inject(rig)
            fault_ended = time.time()
            log("rest of the load")
            load.wait(_TIMEOUT)
        finally:
            load.kill()
            load.wait()
        log("backlog")
        _evaluate(result, rig, plan, fault, fault_ended, folder / _LOG)
    except Exception as failure:  # noqa: BLE001 - a drill that breaks is a row that failed
        result.problems.append(f"the drill broke: {type(failure).__name__}: {failure}"[:600])
    finally:
        rig.down()
    return result


def _stay_in_one_month(rig: Rig, hours: int) -> None:
    """Move the clock past the end of the month if the drill would: the model bills one month."""
    with rig.container() as services:
        now = services.clock.now()
    if month_of(now) != month_of(now + dt.timedelta(hours=hours + 2)):
        rig.move_clock(hours + 2)


def _start_load(
    rig: Rig, plan: Plan, seconds: float, folder: Path, *, duplicates: bool
) -> "subprocess.Popen[bytes]":
    names = ("FEED_SECRET", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
    config = LoadConfig(
        rig.wires["doors"].url, rig.doors, str(folder / _LOG), plan, seconds,
        *(rig.settings[name] for name in names), duplicates,
    )  # fmt: skip
    path = folder / "load.json"
    path.write_bytes(msgspec.json.encode(config))
    with (folder / "generator.out").open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", generator.__name__, path],
            env=surroundings(), cwd=Path(__file__).parents[2], stdout=out, stderr=out,
        )  # fmt: skip


def _evaluate(
    result: DrillResult, rig: Rig, plan: Plan, fault: Drill, fault_ended: float, log: Path
) -> None:
    customers = plan.customers()
    expected = reference_model.expected(customers, plan.all_reports())
    acknowledged = _acknowledged(result, plan, log)
    if result.acknowledged != sum(1 for _ in plan.all_reports()):
        result.problems.append("the generator did not finish")
        return
    with rig.container() as services:
        drain(services)
        if fault.hours:
            rig.move_clock(fault.hours)
            until(lambda: expected.unanswered <= _unanswered(services, customers), _TIMEOUT,
                  "the report timeout")  # fmt: skip
            drain(services)
        _settle(services, customers, ReceiptState.SENT, lambda sent: sent <= _bodies(rig.took()))
        requested = rig.boxes.requested() if rig.boxes else {}
        taken = without_kannel_repeats(result, rig.took(), requested)
        _settle(services, customers, ReceiptState.UNSURE, _bodies(taken).isdisjoint)
        receipts = _receipts(services, customers)
    due = {key: "arrived" if good else "failed" for key, good in expected.receipts.items()}
    due |= dict.fromkeys(expected.unanswered if fault.hours else (), "no word")
    result.due = len(due)
    certain = compare(result, due, expected.off_net, taken, receipts)
    result.recovery_seconds = recovery_seconds(expected, acknowledged, taken, fault_ended)
    delivered = [sender for (sender, _), kind in certain.items() if kind == "arrived"]
    check_bills(result, rig, customers, delivered)
    reconciled = rig.command("reconcile")
    if reconciled.returncode:
        result.problems.append(f"the counts do not add up: {reconciled.stdout.strip()[:200]}")


def _acknowledged(result: DrillResult, plan: Plan, log: Path) -> dict[tuple[int, str], float]:
    """Unix times of acknowledgement by text and status; adds to the counts of the result."""
    at: dict[tuple[int, str], float] = {}
    streams = plan.streams()
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        if "wrong" in entry:
            result.problems.append(f"refused: {entry['wrong']}")
            continue
        result.sent += entry["sent"]
        result.acknowledged += entry["lines"]
        for report in streams[entry["stream"]][entry["batch"]]:
            at.setdefault((report.text, f"{report.part} {report.status}"), entry["at"])
    return at


# -- waiting for the end -------------------------------------------------------------------------


def drain(services: bootstrap.Container) -> None:
    """Return when the outbox is empty and no retry or look-up is due."""
    client, shards = services.clients.connection.client, services.settings.shards

    def empty() -> bool:
        time.sleep(0.3)
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

    until(empty, _TIMEOUT, "the backlog to drain")


def _unanswered(services: bootstrap.Container, customers: list[Customer]) -> set[Pair]:
    """Texts whose receipt says that there is no answer yet."""
    time.sleep(0.5)
    found = [r for r in _receipts(services, customers) if receipt_kind(r.text) == "no word"]
    return {(r.number, r.recipient) for r in found if r.recipient}


def _receipts(services: bootstrap.Container, customers: list[Customer]) -> list[Receipt]:
    return [
        receipt
        for customer in customers
        for receipt in services.store.receipts_of(Msisdn(customer.number), 100, MessageKind.RECEIPT)
    ]


def _settle(
    services: bootstrap.Container,
    customers: list[Customer],
    state: ReceiptState,
    settled: Callable[[set[tuple[str, str]]], bool],
) -> None:
    """Return when number and text of the receipts in a state are settled, or after the time."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < deadline:
        receipts = _receipts(services, customers)
        if settled({(r.number, r.text) for r in receipts if r.state is state}):
            return
        time.sleep(1)


def _bodies(taken: list[ProviderText]) -> set[tuple[str, str]]:
    return {(text.to, text.body) for text in taken}


def check_bills(
    result: DrillResult, rig: Rig, customers: list[Customer], delivered: list[str]
) -> None:
    """Compare each customer's charges of the month with the model, after billing it twice."""
    with rig.container() as services:
        month = month_of(services.clock.now())
        for _ in range(2):
            billed = rig.command("bill", "--month", month)
            assert billed.returncode == 0, billed.stderr
        owed = reference_model.bills(customers, delivered)
        for customer in customers:
            charges = services.store.charges_of(Msisdn(customer.number), [month])
            monthly = sum(charge.kind is ChargeKind.MONTHLY for charge in charges)
            paid, due = sum(charge.fen for charge in charges), owed[customer.number]
            if paid != due or monthly > 1:
                result.charged_wrong += 1
                result.problems.append(f"charged {paid} fen for {due}, {customer.province}")
