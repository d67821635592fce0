"""Customers and receipts put directly into the store, and read from it."""

import datetime as dt
import json
from collections.abc import Callable

import redis
from msgspec.structs import replace

from app.bootstrap import Container
from receipts.delivery import notifications
from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.model.calendar import next_month
from receipts.model.customer import Subscription
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.reported_time import ReportedTime
from receipts.model.vocabulary import DisplayMode, Language, Msisdn, ReceiptOutcome
from receipts.ports.changes import ChangeSet
from receipts.ports.store import Snapshot, Store
from receipts.ports.unit_of_work import run_in_transaction
from receipts.subscriptions.decision import Decision
from statemachines.subscription import SubscriptionState
from tests.conftest import TestClock

GUANGXI = "+8613977112345"  # a small monthly fee and a fee per receipt
SHANXI = "+8613903512345"  # a fee per receipt alone
HEBEI = "+8613903112345"  # cancelling counts at once; no online hall
FUJIAN = "+8613905912345"  # free
SHAANXI = "+8613909212345"  # neither hotline nor online hall


def stand(
    built: Container, number: str, state: str, mode: DisplayMode = DisplayMode.FLASH, **more: object
) -> Subscription:
    """Put a customer into a state; ``ending`` ends with the month."""
    now = built.clock.now()
    dates: dict[str, object] = {}
    if state != "none":
        dates = {"opened_at": now, "charged_from": now}
    if state == "ending":
        dates["ends_at"] = next_month(now)
    before = standing(built, number)
    fields = {"version": before.version + 1, "state": SubscriptionState(state), "mode": mode}
    customer = replace(before, **fields | dates | more)
    built.store.commit(ChangeSet(customer.number, records=(customer,)))
    return customer


def decided(
    store: Store,
    delivery: ReceiptLifecycle,
    number: str,
    about: str,
    act: Callable[[Subscription], Decision],
) -> None:
    """Apply a decision of the operator about a customer, with its notice."""

    def decide(snapshot: Snapshot) -> ChangeSet:
        customer = snapshot.subscription
        return notifications.with_notification(
            act(customer), customer, about, Language.ZH, store, delivery
        )

    run_in_transaction(store, Msisdn(number), decide)


def standing(built: Container, number: str) -> Subscription:
    return built.store.load(Msisdn(number)).subscription


def a_receipt(built: Container, number: str, **but: object) -> Receipt:
    """Put a receipt of this customer into the store; return it."""
    seed = str(but.pop("seed", "0a"))
    fields: dict[str, object] = {
        "text": "您发给13957112345的短信已于12:00送达。", "mode": DisplayMode.FLASH,
        "language": Language.ZH, "created_at": built.clock.now(), "message_id": f"SM{seed}",
        "recipient": Msisdn("+8613957112345"), "outcome": ReceiptOutcome.DELIVERED,
        "text_sent": ReportedTime(built.clock.now()), "text_done": ReportedTime(built.clock.now()),
    }  # fmt: skip
    owner = Msisdn(number)
    made = Receipt(built.store.receipt_id(owner, seed), owner, version=1, **(fields | but))
    built.store.commit(ChangeSet(owner, records=(made,)))
    return made


def charges(built: Container, number: str, *months: str) -> list[tuple[str, int]]:
    """Return kind and fen of the charges of some months, by default of this one."""
    asked = months or (built.clock.now().astimezone(dt.UTC).strftime("%Y-%m"),)
    return [(each.kind.value, each.fen) for each in built.store.charges_of(Msisdn(number), asked)]


def audit(raw: "redis.Redis", number: str) -> list[dict[str, str]]:
    """Return the audit log of a customer, oldest first."""
    entries = [
        json.loads(fields[b"entry"])
        for key in sorted(raw.keys("*:audit:*"))
        for _, fields in raw.xrange(key)
    ]
    return [entry for entry in entries if entry["number"] == number]


def moves(raw: "redis.Redis", number: str) -> list[tuple[str, str]]:
    """Return the audit log as pairs of the states before and after."""
    return [(entry["before"], entry["after"]) for entry in audit(raw, number)]


def notices(built: Container, number: str) -> list[str]:
    found = built.store.receipts_of(Msisdn(number), 100, MessageKind.NOTICE)
    return [each.text for each in reversed(found)]


def posted(raw: "redis.Redis") -> int:
    return sum(raw.xlen(key) for key in raw.keys("*:outbox"))


def pass_days(raw: "redis.Redis", clock: TestClock, days: int) -> None:
    """Move the clock and delete the keys that expire in this time, as the server would."""
    clock.move(days=days)
    for key in raw.keys("*"):
        if 0 <= raw.ttl(key) <= days * 86_400:
            raw.delete(key)


def contents(raw: "redis.Redis") -> dict[bytes, bytes]:
    return {key: raw.dump(key) for key in raw.keys("*")}


def contents_but_figures(raw: "redis.Redis") -> dict[bytes, bytes]:
    """The contents without figures and the claims that keep a stage of a call from a second one."""
    found = contents(raw).items()
    return {k: v for k, v in found if b":figures:" not in k and b":claim:figure:" not in k}
