"""The shapes of all keys: name, type, whether they expire, and how their parts are read."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from receipts.model.charge import AuditEntry, Charge, StaffLookup
from receipts.model.counter import Batch, CounterActReference, CounterVisit
from receipts.model.customer import (
    CallLog,
    CustomerCredentials,
    DailyReplyCount,
    LoginState,
    Subscription,
)
from receipts.model.message import MessageTrace
from receipts.model.receipt import Receipt
from receipts.model.rule_books import BookProposal, BookVersion, Rehearsal
from receipts.model.staff import StaffAccount, StaffAct, StaffSession
from receipts.ports.changes import Reply
from receipts.store.codec import decode, decode_record, decode_timer
from receipts.worker.circuit_breaker import BreakerState

Read = Callable[[bytes], object]


class KeyShape(NamedTuple):
    """One kind of keys; ``read`` decodes a part: a value, an entry, or a member."""

    name: re.Pattern[str]
    type: str
    read: Read | None = None
    expires: bool = True


def _record(kind: type[Any]) -> Read:
    return lambda raw: decode_record(kind, raw)


def _plain(kind: type[Any]) -> Read:
    return lambda raw: decode(kind, raw)


def _count(raw: bytes) -> int:
    return int(raw)


def _timer(raw: bytes) -> object:
    return decode_timer(raw, 0)


def _shape(name: str, kind: str, read: Read | None = None, *, expires: bool = True) -> KeyShape:
    return KeyShape(re.compile(name, re.DOTALL), kind, read, expires)


#: The readers of the records that are counted and followed.
CUSTOMERS, RECEIPTS = _record(Subscription), _record(Receipt)

_NUMBER, _MONTH, _DAY = r"(?P<number>\d{5,15})", r"\d{4}-\d\d", r"\d{8}"

#: Keys of a shard, behind its tag.
OF_SHARD = (
    _shape(f"sub:{_NUMBER}", "string", CUSTOMERS, expires=False),
    _shape(f"who:{_NUMBER}", "string", _record(CustomerCredentials), expires=False),
    _shape(f"talk:{_NUMBER}", "string", _record(DailyReplyCount)),
    _shape(f"access:{_NUMBER}", "string", _record(LoginState)),
    _shape(f"receipts:{_NUMBER}", "list"),
    _shape(f"looks:{_MONTH}", "stream", _plain(StaffLookup)),
    _shape(f"looks:{_NUMBER}", "list", _plain(StaffLookup)),
    _shape(f"calls:{_NUMBER}", "list"),
    _shape(f"consent:{_NUMBER}", "list", _plain(AuditEntry)),
    _shape(f"texts:{_NUMBER}", "list"),
    _shape(f"acts:{_NUMBER}", "list"),
    _shape("call:.+", "string", _record(CallLog)),
    _shape("claim:.+", "string", _plain(Reply)),
    _shape(f"trail:{_NUMBER}:\\d{{5,15}}:.*", "string", _record(MessageTrace)),
    _shape("x:[0-9a-f]{24}", "string", _record(MessageTrace)),
    _shape(r"mids:\d+:\d+", "hash"),
    _shape("receipt:(?P<receipt>.+)", "string", RECEIPTS),
    _shape("visit:(?P<receipt>.+)", "string", _record(CounterVisit)),
    _shape(f"forms:{_DAY}", "hash", _plain(CounterActReference)),
    _shape(f"counter:{_DAY}:[0-9a-f]+", "list", _plain(CounterActReference)),
    _shape(f"charges:{_MONTH}:{_NUMBER}", "hash", _plain(Charge)),
    _shape(f"charged:{_MONTH}", "set"),
    _shape(f"audit:{_MONTH}", "stream", _plain(AuditEntry)),
    _shape("outbox|late", "stream", expires=False),
    _shape("waiting:.*|unsure|retrying", "zset", expires=False),
    _shape("timers", "zset", _timer, expires=False),
    _shape("results:.*|failures", "list", expires=False),
    _shape("counts|figures:standing", "hash", _count, expires=False),
    _shape("figures:moves:.*|figures:unknown:.*|figures:[0-9-]+", "hash", _count),
    _shape("settled", "string", expires=False),
)

#: Keys of staff, behind their tag.
OF_STAFF = (
    _shape("accounts", "set", expires=False),
    _shape("account:.+", "string", _record(StaffAccount), expires=False),
    _shape("session:.+", "string", _record(StaffSession)),
    _shape("(form|claim):.+|rehearsing", "string"),
    _shape(f"acts:{_MONTH}", "stream", _plain(StaffAct)),
    _shape("book", "string", _record(BookVersion), expires=False),
    _shape("book:.+", "string", expires=False),
    _shape("books", "list", _plain(BookVersion), expires=False),
    _shape("proposals|rehearsals|batches", "list", expires=False),
    _shape("proposal:.+", "string", _record(BookProposal)),
    _shape("rehearsal:.+", "string", _record(Rehearsal)),
    _shape("batch:.+", "string", _record(Batch)),
    _shape("batch-numbers:.+", "string"),
    _shape("health:.+", "string", _record(BreakerState), expires=False),
    _shape("settled", "string", expires=False),
)

#: All others, by their whole name.
OTHERS = (
    _shape("stamp", "hash", expires=False),
    # In a cluster, the wait for replicas has a mark beside each key (receipts.store.cluster).
    _shape(r"note:.+|(\{(line|note):.+\}:)?settled", "string", expires=False),
    _shape(r"\{line:.+\}:pace|limit:.+", "string"),
)

_SHARD = re.compile(r"\{s(\d{1,5})\}:(.*)", re.DOTALL)
_STAFF = "{staff}:"


class Named(NamedTuple):
    """A key with its shape, its shard (-1 for none) and the parts of its name."""

    key: bytes
    shape: KeyShape
    shard: int
    match: re.Match[str]


def named(key: bytes) -> Named | None:
    """The shape of a key; None for a key that is not of this service."""
    text = key.decode(errors="replace")
    shard = -1
    shapes: tuple[KeyShape, ...] = OTHERS
    if in_shard := _SHARD.fullmatch(text):
        shard, text, shapes = int(in_shard[1]), in_shard[2], OF_SHARD
    elif text.startswith(_STAFF):
        text, shapes = text.removeprefix(_STAFF), OF_STAFF
    found = ((shape, shape.name.fullmatch(text)) for shape in shapes)
    return next((Named(key, shape, shard, match) for shape, match in found if match), None)
