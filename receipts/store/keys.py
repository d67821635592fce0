"""Where everything lies. All keys of a customer share one hash tag, so a commit is one slot."""

from binascii import crc_hqx
from functools import lru_cache

from receipts.model import Msisdn
from receipts.trails import id_form

#: The consumer group of all workers.
GROUP = "workers"


class Keys:
    """The names of all keys, for a number of shards fixed when the store was first used."""

    def __init__(self, shards: int) -> None:
        self.shards = shards
        # An event asks half a dozen times for the same customer's, a batch for thousands of them.
        self._place = lru_cache(maxsize=16_384)(self._counted)
        self._tags = [self.tagged(shard, "") for shard in range(shards)]

    def _counted(self, number: Msisdn) -> tuple[int, str]:
        shard = crc_hqx(number.digits.encode(), 0) % self.shards
        return shard, self._tags[shard]

    def shard(self, number: Msisdn) -> int:
        """The shard of a customer: CRC16 of the number, as Redis Cluster itself counts."""
        return self._place(number)[0]

    def receipt_id(self, number: Msisdn, seed: str) -> str:
        """The id of a receipt, which tells its shard and nothing of its number."""
        return f"{self.shard(number):x}-{seed}"

    def shard_of_receipt(self, receipt_id: str) -> int | None:
        """The shard a receipt id tells of, None when no such id can be ours."""
        head, dash, seed = receipt_id.partition("-")
        try:
            shard = int(head, 16)
        except ValueError:
            return None
        ours = dash and seed.isalnum() and f"{shard:x}" == head and 0 <= shard < self.shards
        return shard if ours else None

    @staticmethod
    def tagged(shard: int, name: str) -> str:
        """A key in a shard."""
        return f"{{s{shard}}}:{name}"

    def of(self, number: Msisdn, name: str) -> str:
        """A key in the shard of a customer."""
        return self._place(number)[1] + name

    def subscription(self, number: Msisdn) -> str:
        """The customer's record."""
        return self.of(number, f"sub:{number.digits}")

    def claim(self, number: Msisdn, event: str) -> str:
        """The mark that an event was taken, with the answer it got."""
        return self.of(number, f"claim:{event}")

    def owner(self, number: Msisdn) -> str:
        """What proves that somebody owns the number."""
        return self.of(number, f"who:{number.digits}")

    def talk(self, number: Msisdn) -> str:
        """How much the number texted today."""
        return self.of(number, f"talk:{number.digits}")

    def trail(self, sender: Msisdn, friend: Msisdn, message_id: str) -> str:
        """The news of one person-to-person text, whichever way its id is spelt."""
        return self.of(sender, f"trail:{sender.digits}:{friend.digits}:{id_form(message_id)}")

    def call(self, number: Msisdn, sid: str) -> str:
        """What one call has done."""
        return self.of(number, f"call:{sid}")

    def access(self, number: Msisdn) -> str:
        """What lets the number into the online hall."""
        return self.of(number, f"access:{number.digits}")

    def receipt(self, shard: int, receipt_id: str) -> str:
        """One receipt."""
        return self.tagged(shard, f"receipt:{receipt_id}")

    def receipts(self, number: Msisdn) -> str:
        """The ids of a customer's receipts, newest first."""
        return self.of(number, f"receipts:{number.digits}")

    def charges(self, number: Msisdn, month: str) -> str:
        """A customer's charges of a month, by charge id: the id keeps each one single."""
        return self.of(number, f"charges:{month}:{number.digits}")

    def consent(self, number: Msisdn) -> str:
        """A customer's own audit entries, linked into a chain, oldest first."""
        return self.of(number, f"consent:{number.digits}")

    def charged(self, shard: int, month: str) -> str:
        """The customers of a shard who have charges in a month."""
        return self.tagged(shard, f"charged:{month}")

    def audit(self, shard: int, month: str) -> str:
        """The audit log of a shard and month."""
        return self.tagged(shard, f"audit:{month}")

    def counts(self, shard: int) -> str:
        """How often each reason for no receipt was given."""
        return self.tagged(shard, "counts")

    def outbox(self, shard: int, *, late: bool = False) -> str:
        """What is to be sent: at once, or after it had to wait for a line."""
        return self.tagged(shard, "late" if late else "outbox")

    def waiting(self, shard: int, lane: str) -> str:
        """What waits for a line, by age."""
        return self.tagged(shard, f"waiting:{lane}")

    def unsure(self, shard: int) -> str:
        """Receipts that may have gone out, by when they were sent."""
        return self.tagged(shard, "unsure")

    @staticmethod
    def health(provider: str) -> str:
        """How a provider is doing; no customer's, so it lies where it lies."""
        return f"{{line:{provider}}}:health"

    @staticmethod
    def pace(line: str) -> str:
        """The next free place in the queue of a line."""
        return f"{{line:{line}}}:pace"

    def timers(self, shard: int) -> str:
        """What time alone will bring."""
        return self.tagged(shard, "timers")
