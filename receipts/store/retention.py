"""How long records are kept, and under which keys."""

from dataclasses import dataclass

from receipts.model.counter import CounterVisit
from receipts.model.customer import (
    CallLog,
    CustomerCredentials,
    DailyReplyCount,
    LoginState,
    Subscription,
)
from receipts.model.message import MessageTrace, StrangerTrace
from receipts.model.receipt import MessageKind, Receipt
from receipts.numbering.msisdn import is_chinese_mobile
from receipts.ports.changes import Record
from receipts.store.keys import KeySchema

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class RetentionSeconds:
    """How long records are kept, in seconds; ``receipts_listed`` is a number of receipts."""

    claims: int = 3 * _DAY
    trails: int = 7 * _DAY
    strangers: int = 2 * 3600
    talks: int = _DAY
    #: Landlines get one reply a month.
    talks_landline: int = 32 * _DAY
    calls: int = _DAY
    #: Longer than a visit, and than the day in which passcodes are counted.
    access: int = 2 * _DAY
    codes: int = 3600
    #: After the last step of a visit at a counter.
    visits: int = 600
    receipts: int = 180 * _DAY
    #: Older ones that have ended leave for the archive.
    receipts_in_store: int = 31 * _DAY
    log: int = 3 * 366 * _DAY
    #: More than a hundred texts on each day that receipts are kept.
    receipts_listed: int = 20_000


def key_and_seconds(  # noqa: C901, PLR0911 - one a kind
    keys: KeySchema, retention: RetentionSeconds, shard: int, record: Record
) -> tuple[str, int]:
    """The key of a record of a shard, and its retention in seconds; 0 is for ever."""
    match record:
        case Subscription():
            return keys.subscription(record.number), 0
        case Receipt():
            seconds = retention.codes if record.kind is MessageKind.CODE else retention.receipts
            return keys.receipt(shard, record.id), seconds
        case MessageTrace():
            name = keys.trail(record.sender, record.recipient, record.message_id)
            return name, retention.trails
        case StrangerTrace(trace=text):
            name = keys.stranger(text.sender, text.recipient, text.message_id)
            return name, retention.strangers
        case DailyReplyCount():
            here = is_chinese_mobile(record.number)
            seconds = retention.talks if here else retention.talks_landline
            return keys.talk(record.number), seconds
        case CustomerCredentials():
            return keys.owner(record.number), 0
        case LoginState():
            return keys.access(record.number), retention.access
        case CallLog():
            return keys.call(record.number, record.sid), retention.calls
        case CounterVisit():
            return keys.visit(shard, record.id), retention.visits
