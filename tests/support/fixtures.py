"""Customers as tests need them: put straight into the store, and looked at from behind it."""

import datetime as dt
import json

import redis
from msgspec.structs import replace

from app.bootstrap import Container
from receipts.model.calendar import next_month
from receipts.model.customer import Subscription
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn, ReceiptOutcome
from receipts.ports.changes import ChangeSet
from statemachines.subscription import SubscriptionState

GUANGXI = "+8613977112345"  # a small monthly fee and a fee per receipt
SHANXI = "+8613903512345"  # a fee per receipt alone
HEBEI = "+8613903112345"  # cancelling counts at once; no online hall
FUJIAN = "+8613905912345"  # free
SHAANXI = "+8613909212345"  # neither hotline nor online hall


def stand(
    built: Container, number: str, state: str, mode: DisplayMode = DisplayMode.FLASH, **more: object
) -> Subscription:
    """Put a customer into a state; an ending one ends with the month."""
    now = built.clock.now()
    facts: dict[str, object] = {}
    if state != "none":
        facts = {"opened_at": now, "charged_from": now}
    if state == "ending":
        facts["ends_at"] = next_month(built.clock.now())
    before = built.store.load(Msisdn(number)).subscription
    customer = replace(
        before,
        version=before.version + 1,
        state=SubscriptionState(state),
        mode=mode,
        **(facts | more),
    )
    built.store.commit(ChangeSet(customer.number, records=(customer,)))
    return customer


def standing(built: Container, number: str) -> Subscription:
    """How a customer stands now."""
    return built.store.load(Msisdn(number)).subscription


def a_receipt(built: Container, number: str, **but: object) -> Receipt:
    """A receipt in the store, as if a text of this customer had arrived."""
    seed = str(but.pop("seed", "0a"))
    facts: dict[str, object] = {
        "text": "您发送给13957112345的短信已于12:00:00成功送达。",
        "mode": DisplayMode.FLASH,
        "language": Language.ZH,
        "created_at": built.clock.now(),
        "recipient": Msisdn("+8613957112345"),
        "outcome": ReceiptOutcome.DELIVERED,
        "message_id": f"SM{seed}",
    }
    owner = Msisdn(number)
    made = Receipt(built.store.receipt_id(owner, seed), owner, version=1, **(facts | but))
    built.store.commit(ChangeSet(owner, records=(made,)))
    return made


def charges(built: Container, number: str, *months: str) -> list[tuple[str, int]]:
    """What a customer was charged in some months (by default this one): kind and fen."""
    asked = months or (built.clock.now().astimezone(dt.UTC).strftime("%Y-%m"),)
    return [(each.kind.value, each.fen) for each in built.store.charges_of(Msisdn(number), asked)]


def audit(raw: "redis.Redis", number: str) -> list[dict[str, str]]:
    """All that the audit log holds of a customer, oldest first."""
    entries = [
        json.loads(fields[b"entry"])
        for key in sorted(raw.keys("*:audit:*"))
        for _, fields in raw.xrange(key)
    ]
    return [entry for entry in entries if entry["number"] == number]


def moves(raw: "redis.Redis", number: str) -> list[tuple[str, str]]:
    """The audit log as moves: the state before, and after."""
    return [(entry["before"], entry["after"]) for entry in audit(raw, number)]


def notices(built: Container, number: str) -> list[str]:
    """The texts we sent of ourselves, oldest first."""
    found = built.store.receipts_of(Msisdn(number), 100, MessageKind.NOTICE)
    return [each.text for each in reversed(found)]


def posted(raw: "redis.Redis") -> int:
    """How many texts wait in the outbox."""
    return sum(raw.xlen(key) for key in raw.keys("*:outbox"))


def contents(raw: "redis.Redis") -> dict[bytes, bytes]:
    """Everything in the store, to see that nothing was written."""
    return {key: raw.dump(key) for key in raw.keys("*")}
