"""The keys of the store. All keys of a customer share a hash tag, so a commit is one slot."""

import datetime as dt
import re
from binascii import a2b_base64, b2a_base64, crc_hqx
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import blake2b

from receipts.model.vocabulary import Msisdn
from receipts.reports.message_trace import normalise_message_id
from receipts.reports.text_identity import receipt_seed

#: The consumer group of all workers.
GROUP = "workers"

#: The version of keys and records. Another version is refused at start; `store upgrade` changes it.
SCHEMA_VERSION = 3

#: The hash with the schema version and the number of shards of a store.
STAMP = "stamp"


#: The seed of an id of this service, its name in a key, and the length of its entry in a list.
_SEED, _SHORT, LISTED_BYTES = re.compile("[0-9a-f]{20}"), re.compile("[0-9A-Za-z+/]{14}"), 10


def _of_customer(name: str) -> Callable[["KeySchema", Msisdn], str]:
    return lambda keys, number: keys.of(number, f"{name}:{number.digits}")


def _of_shard(name: str) -> Callable[["KeySchema", int], str]:
    return lambda keys, shard: keys.tagged(shard, name)


class KeySchema:
    """The names of all keys, for a number of shards that is fixed at first use of the store."""

    def __init__(self, shards: int, secret: str = "") -> None:
        self.shards = shards
        #: The key of the hashes that stand for strangers' texts.
        self._secret = blake2b(secret.encode()).digest()
        # An event names about six keys of one customer, a batch those of thousands.
        self._shard_and_tag = lru_cache(maxsize=16_384)(self._computed)
        self._tags = [self.tagged(shard, "") for shard in range(shards)]

    def _computed(self, number: Msisdn) -> tuple[int, str]:
        shard = crc_hqx(number.digits.encode(), 0) % self.shards
        return shard, self._tags[shard]

    def shard(self, number: Msisdn) -> int:
        """The shard of a customer: CRC16 of the number, as in Redis Cluster."""
        return self._shard_and_tag(number)[0]

    def receipt_id(self, number: Msisdn, seed: str) -> str:
        """The id of a receipt; it contains its shard, and no part of the number."""
        return f"{self.shard(number):x}-{seed}"

    def shard_of_receipt(self, receipt_id: str) -> int | None:
        """The shard in a receipt id, None for an id of another system."""
        head, dash, seed = receipt_id.partition("-")
        try:
            shard = int(head, 16)
        except ValueError:
            return None
        ours = dash and seed.isalnum() and f"{shard:x}" == head and 0 <= shard < self.shards
        return shard if ours else None

    @staticmethod
    def listed(receipt_id: str) -> bytes:
        """The entry of a receipt in its customer's list: ten bytes for an id of this service."""
        seed = receipt_id.partition("-")[2]
        if _SEED.fullmatch(seed):
            return bytes.fromhex(seed)
        entry = receipt_id.encode()
        return entry + b" " if len(entry) == LISTED_BYTES else entry

    def listed_ids(self, number: Msisdn, entries: Iterable[bytes]) -> list[str]:
        """The ids of the receipts that entries of a customer's list stand for."""
        head = f"{self.shard(number):x}-"
        return [
            head + entry.hex() if len(entry) == LISTED_BYTES else entry.decode().strip()
            for entry in entries
        ]

    @staticmethod
    def tagged(shard: int, name: str) -> str:
        """A key in a shard."""
        return f"{{s{shard}}}:{name}"

    def of(self, number: Msisdn, name: str) -> str:
        """A key in the shard of a customer."""
        return self._shard_and_tag(number)[1] + name

    subscription = _of_customer("sub")  # the customer's record
    owner = _of_customer("who")  # the customer's credentials
    talk = _of_customer("talk")  # the daily count of replies to the number
    access = _of_customer("access")  # the login state of the number in the online hall
    receipts = _of_customer("receipts")  # the ids of the customer's receipts, newest first
    looks = _of_customer("looks")  # the newest looks by staff at the customer's data, oldest first
    calls = _of_customer("calls")  # the ids of the customer's calls of the last day, oldest first
    consent = _of_customer("consent")  # the customer's audit entries, a hash chain, oldest first
    texts = _of_customer("texts")  # the index of the customer's own texts, oldest first
    acts = _of_customer("acts")  # digests of the events that changed the customer, oldest first
    retrying = _of_shard("retrying")  # due receipts that an attempt has failed for, by age
    failures = _of_shard("failures")  # the newest failed receipts, newest first
    counts = _of_shard("counts")  # the counters of reports, by result
    archived = _of_shard("archived")  # the number of receipts that left for the archive, by month
    erasing = _of_shard("erasing")  # customers who are to be erased from the archive, by time
    unsure = _of_shard("unsure")  # receipts with an unknown outcome, by the time of sending
    timers = _of_shard("timers")

    def figures(self, shard: int, period: str) -> str:
        """The figures of a day or a month, ``STANDING`` ones, or the unknown texts of a week."""
        return self.tagged(shard, f"figures:{period}")

    def claim(self, number: Msisdn, event: str) -> str:
        """The idempotency key of an event; its value is the answer that the event got."""
        return self.of(number, f"claim:{event}")

    def trail(self, sender: Msisdn, recipient: Msisdn, message_id: str) -> str:
        """The trace of one person-to-person text, the same for each spelling of its id."""
        key = normalise_message_id(message_id)
        return self.of(sender, f"trail:{sender.digits}:{recipient.digits}:{key}")

    def answer(self, sender: Msisdn, recipient: Msisdn, message_id: str) -> str:
        """The receipt of a text, the first of its id."""
        seed = receipt_seed(sender, recipient, message_id)
        return self.receipt(self.shard(sender), self.receipt_id(sender, seed))

    def stranger(self, sender: Msisdn, recipient: Msisdn, message_id: str) -> str:
        """The trace of a text of a sender without the service; it names neither number."""
        about = f"{sender}|{recipient}|{normalise_message_id(message_id)}".encode()
        return self.of(sender, "x:" + blake2b(about, digest_size=12, key=self._secret).hexdigest())

    def message_ids(self, shard: int, week: int, bucket: int) -> str:
        """The texts of a shard by message id, one of the buckets of a week."""
        return self.tagged(shard, f"mids:{week}:{bucket}")

    def call(self, number: Msisdn, sid: str) -> str:
        """The log of one call."""
        return self.of(number, f"call:{sid}")

    def receipt(self, shard: int, receipt_id: str) -> str:
        """One receipt, by 14 characters for an id of this service: a short name is a third less."""
        head, _, seed = receipt_id.partition("-")
        if _SEED.fullmatch(seed) and head == f"{shard:x}":
            receipt_id = b2a_base64(bytes.fromhex(seed), newline=False).decode().rstrip("=")
        return self._tags[shard] + "receipt:" + receipt_id

    @staticmethod
    def named_receipt(shard: int, name: str) -> str:
        """The id of the receipt whose key ends with a name. Ids of other systems have a hyphen."""
        return f"{shard:x}-{a2b_base64(name + '==').hex()}" if _SHORT.fullmatch(name) else name

    def visit(self, shard: int, visit_id: str) -> str:
        """One visit at a counter."""
        return self.tagged(shard, f"visit:{visit_id}")

    def counter_forms(self, shard: int, day: dt.date) -> str:
        """The acts at counters on a day in China, a hash by serial number."""
        return self.tagged(shard, f"forms:{day:%Y%m%d}")

    def counter_acts(self, shard: int, day: dt.date, shop: str) -> str:
        """The acts of one shop on a day in China, oldest first."""
        name = blake2b(shop.encode(), digest_size=8).hexdigest()
        return self.tagged(shard, f"counter:{day:%Y%m%d}:{name}")

    def charges(self, number: Msisdn, month: str) -> str:
        """A customer's charges of a month, a hash by charge id."""
        return self.of(number, f"charges:{month}:{number.digits}")

    def charge_order(self, number: Msisdn, month: str) -> str:
        """The ids of a customer's charges of a month by time, once there are many."""
        return self.of(number, f"charge-order:{month}:{number.digits}")

    def charged(self, shard: int, month: str) -> str:
        """The customers of a shard with charges in a month."""
        return self.tagged(shard, f"charged:{month}")

    def audit(self, shard: int, month: str) -> str:
        """The audit log of a shard and month."""
        return self.tagged(shard, f"audit:{month}")

    def lookups(self, shard: int, month: str) -> str:
        """The looks at customers' data by staff, of a shard and month."""
        return self.tagged(shard, f"looks:{month}")

    def outbox(self, shard: int, *, late: bool = False) -> str:
        """The stream of receipts to send: new ones, or those that were deferred."""
        return self.tagged(shard, "late" if late else "outbox")

    def waiting(self, shard: int, queue: str) -> str:
        """The deferred receipts of a queue, by age."""
        return self.tagged(shard, f"waiting:{queue}")

    def results(self, shard: int, provider: str) -> str:
        """The newest ends of a provider's receipts, newest first."""
        return self.tagged(shard, f"results:{provider}")

    @staticmethod
    def health(provider: str) -> str:
        """The circuit breaker of a provider, beside the log of staff, who may switch it."""
        return f"{{staff}}:health:{provider}"

    @staticmethod
    def staff_claim(event_id: str) -> str:
        """The idempotency key of an act of staff."""
        return f"{{staff}}:claim:{event_id}"

    @staticmethod
    def pace(line: str) -> str:
        """The next free send slot of a rate limit."""
        return f"{{line:{line}}}:pace"
