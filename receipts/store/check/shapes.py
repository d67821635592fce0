"""The shapes of all keys: name, type, whether they expire, and how their parts are read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from receipts.model.charge import AuditEntry, StaffLookup
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
from receipts.store.codec import StoredCharge, decode, decode_record, decode_timer, unpack
from receipts.worker.circuit_breaker import BreakerState

Read = Callable[[bytes], object]

#: A sum of charges beside them.
_SUM = re.compile(rb"-?\d+")


class KeyShape(NamedTuple):
    """One kind of keys; ``read`` decodes a part: a value, an entry, or a member."""

    name: re.Pattern[str]
    type: str
    read: Read | None = None
    expires: bool = True


@dataclass(frozen=True)
class RecordReader:
    """Decodes the records of one kind."""

    kind: type[Any]

    def __call__(self, raw: bytes) -> object:
        """The record."""
        return decode_record(self.kind, raw)


def _charge(raw: bytes) -> object:
    return int(raw) if _SUM.fullmatch(raw) else unpack(StoredCharge, raw)


def _plain(kind: type[Any]) -> Read:
    return lambda raw: decode(kind, raw)


def _count(raw: bytes) -> int:
    return int(raw)


def _timer(raw: bytes) -> object:
    return decode_timer(raw, 0)


def _shape(name: str, kind: str, read: Read | None = None, *, expires: bool = True) -> KeyShape:
    return KeyShape(re.compile(name, re.DOTALL), kind, read, expires)


#: The readers of what is counted, followed or upgraded.
CUSTOMERS, RECEIPTS, CHARGES = RecordReader(Subscription), RecordReader(Receipt), _charge

_NUMBER, _MONTH, _DAY = r"(?P<number>\d{5,15})", r"\d{4}-\d\d", r"\d{8}"

#: Keys of a shard, behind its tag.
OF_SHARD = (
    _shape(f"sub:{_NUMBER}", "string", CUSTOMERS, expires=False),
    _shape(f"who:{_NUMBER}", "string", RecordReader(CustomerCredentials), expires=False),
    _shape(f"talk:{_NUMBER}", "string", RecordReader(DailyReplyCount)),
    _shape(f"access:{_NUMBER}", "string", RecordReader(LoginState)),
    _shape(f"receipts:{_NUMBER}", "list"),
    _shape(f"looks:{_MONTH}", "stream", _plain(StaffLookup)),
    _shape(f"looks:{_NUMBER}", "list", _plain(StaffLookup)),
    _shape(f"calls:{_NUMBER}", "list"),
    _shape(f"consent:{_NUMBER}", "list", _plain(AuditEntry)),
    _shape(f"texts:{_NUMBER}", "list"),
    _shape(f"acts:{_NUMBER}", "list"),
    _shape("call:.+", "string", RecordReader(CallLog)),
    _shape("claim:.+", "string", _plain(Reply)),
    _shape(f"trail:{_NUMBER}:\\d{{5,15}}:.*", "string", RecordReader(MessageTrace)),
    _shape("x:[0-9a-f]{24}", "string", RecordReader(MessageTrace)),
    _shape(r"mids:\d+:\d+", "hash"),
    _shape("receipt:(?P<receipt>.+)", "string", RECEIPTS),
    _shape("visit:(?P<receipt>.+)", "string", RecordReader(CounterVisit)),
    _shape(f"forms:{_DAY}", "hash", _plain(CounterActReference)),
    _shape(f"counter:{_DAY}:[0-9a-f]+", "list", _plain(CounterActReference)),
    _shape(f"charges:{_MONTH}:{_NUMBER}", "hash", CHARGES),
    _shape(f"charge-order:{_MONTH}:{_NUMBER}", "zset"),
    _shape(f"charged:{_MONTH}", "set"),
    _shape(f"audit:{_MONTH}", "stream", _plain(AuditEntry)),
    _shape("outbox|late", "stream", expires=False),
    _shape("waiting:.*|unsure|retrying", "zset", expires=False),
    _shape("timers", "zset", _timer, expires=False),
    _shape("results:.*|failures", "list", expires=False),
    _shape("erasing", "zset", expires=False),
    _shape("archived|counts|figures:standing", "hash", _count, expires=False),
    _shape("figures:moves:.*|figures:unknown:.*|figures:[0-9-]+", "hash", _count),
    _shape("settled", "string", expires=False),
)

#: Keys of staff, behind their tag.
OF_STAFF = (
    _shape("accounts", "set", expires=False),
    _shape("account:.+", "string", RecordReader(StaffAccount), expires=False),
    _shape("session:.+", "string", RecordReader(StaffSession)),
    _shape("(form|claim):.+|rehearsing", "string"),
    _shape(f"acts:{_MONTH}", "stream", _plain(StaffAct)),
    _shape("book", "string", RecordReader(BookVersion), expires=False),
    _shape("book:.+", "string", expires=False),
    _shape("books", "list", _plain(BookVersion), expires=False),
    _shape("proposals|rehearsals|batches", "list", expires=False),
    _shape("proposal:.+", "string", RecordReader(BookProposal)),
    _shape("rehearsal:.+", "string", RecordReader(Rehearsal)),
    _shape("batch:.+", "string", RecordReader(Batch)),
    _shape("batch-numbers:.+", "string"),
    _shape("health:.+", "string", RecordReader(BreakerState), expires=False),
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
