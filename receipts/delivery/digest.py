"""Several receipts on one flash, since only the last flash stays on a screen (decision 013).

A flash receipt waits a moment, under a timer of its own. The first timer to ring gathers all that
wait for this customer into one text. Each receipt keeps its record and its charge; what becomes of
the text becomes of each of them, in the same commit.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from receipts.charging.charges import count_receipt, for_receipt, needs_usage_count
from receipts.model.charge import Charge
from receipts.model.customer import Subscription
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import DisplayMode, Msisdn, ReceiptOutcome
from receipts.ports.changes import ChangeSet, Timer
from receipts.ports.clock import Clock
from receipts.ports.store import Store
from receipts.rulebook.schema import SendingRules
from receipts.wording.digest_text import digest_text

#: The timer of a flash receipt that waits for others.
DIGEST = "digest"

#: How many of a customer's newest texts are looked at for those that wait; and how many when all
#: of these do. Whatever is older still has its own timer.
_LOOK_BACK, _FURTHER_BACK = 20, 100


def enqueue(change: ChangeSet, receipt: Receipt) -> ChangeSet:
    """The change, with a new receipt that goes out at once or waits for others to join it."""
    extended = replace(change, records=(*change.records, receipt))
    if receipt.waits_until is None:
        return replace(extended, outbox=(*change.outbox, receipt.id))
    return replace(extended, timers=(*change.timers, _timer(receipt)))


def _timer(receipt: Receipt) -> Timer:
    return Timer(DIGEST, receipt.number, receipt.id, receipt.waits_until)


class DigestBuilder:
    """Ends the wait of flash receipts. Many customers are read and written together."""

    def __init__(self, store: Store, sending: SendingRules, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._longest = dt.timedelta(hours=sending.expire_after_hours)

    def build(self, timers: Sequence[Timer], *, together: bool) -> None:
        """What waits is posted: as one text a customer if ``together``, else one by one.

        A lost race needs no second try: the timers are still set, or another rang them.
        Raises StoreUnavailable.
        """
        rung: dict[Msisdn, list[Timer]] = {}
        for timer in timers:
            rung.setdefault(timer.number, []).append(timer)
        waiting = self._waiting(rung)
        self._store.commit_all(
            [self.decide(of_one, waiting[n], together=together) for n, of_one in rung.items()]
        )

    def _waiting(self, rung: dict[Msisdn, list[Timer]]) -> dict[Msisdn, list[Receipt]]:
        """The receipts that wait, newest first: those of the timers, and all that came since."""
        numbers = list(rung)
        found = dict(zip(numbers, self._store.recent_by_customer(numbers, _LOOK_BACK), strict=True))
        busy = [n for n in numbers if len(_wait(found[n])) == _LOOK_BACK]
        if busy:
            found.update(
                zip(busy, self._store.recent_by_customer(busy, _FURTHER_BACK), strict=True)
            )
        seen = {receipt.id for receipts in found.values() for receipt in receipts}
        subjects = [t.subject for timers in rung.values() for t in timers if t.subject not in seen]
        for receipt in self._store.receipts(subjects) if subjects else ():
            if receipt is not None:
                found[receipt.number].append(receipt)
        return {number: _wait(receipts) for number, receipts in found.items()}

    def decide(
        self, timers: Sequence[Timer], waiting: Sequence[Receipt], *, together: bool
    ) -> ChangeSet:
        """What the end of the wait does for one customer; all its timers end with it. Pure."""
        fired_timer = timers[0]
        subjects = {timer.subject for timer in timers} | {receipt.id for receipt in waiting}
        too_old = self._clock.now() - self._longest
        joined = [r for r in waiting if r.created_at >= too_old] if together else []
        if len(joined) < 2:  # noqa: PLR2004 - one alone goes out as it is
            joined = []
        alone = [_released(receipt) for receipt in waiting if receipt not in joined]
        change = ChangeSet(
            fired_timer.number,
            records=tuple(alone),
            outbox=tuple(r.id for r in alone),
            fired_timer=fired_timer,
            cancelled_timers=tuple(
                Timer(DIGEST, fired_timer.number, each)
                for each in sorted(subjects - {fired_timer.subject})
            ),
        )
        return self._joined(change, joined) if joined else change

    def _joined(self, change: ChangeSet, members: Sequence[Receipt]) -> ChangeSet:
        newest, ids = members[0], tuple(member.id for member in members)
        seed = hashlib.blake2b("|".join(("digest", *ids)).encode(), digest_size=10).hexdigest()
        digest = Receipt(
            id=self._store.receipt_id(newest.number, seed),
            number=newest.number,
            text=digest_text(_told(members), newest.language),
            mode=DisplayMode.FLASH,
            language=newest.language,
            created_at=newest.created_at,
            version=1,
            kind=MessageKind.DIGEST,
            members=ids,
        )
        statuses = (
            replace(_released(member), text=digest.text, promotion=None, digest=digest.id)
            for member in members
        )
        return replace(
            change, records=(*change.records, digest, *statuses), outbox=(*change.outbox, digest.id)
        )


def _wait(receipts: Iterable[Receipt]) -> list[Receipt]:
    return [receipt for receipt in receipts if receipt.waits_until is not None]


def _told(members: Iterable[Receipt]) -> list[tuple[ReceiptOutcome, Msisdn]]:
    return [(m.outcome, m.recipient) for m in members if m.outcome and m.recipient]


def _released(receipt: Receipt) -> Receipt:
    return replace(receipt, version=receipt.version + 1, waits_until=None)


def with_digest_members(store: Store, change: ChangeSet) -> ChangeSet:
    """A change of a digest, with all it means for the receipts told in it; any other as it is.

    Raises StoreUnavailable.
    """
    digest = next((r for r in change.records if isinstance(r, Receipt) and r.members), None)
    if digest is None:
        return change
    members = [member for member in store.receipts(digest.members) if member is not None]
    counts = digest.sent_at is not None and any(map(needs_usage_count, members))
    owner = store.load(digest.number).subscription if counts else None
    return apply_to_members(change, digest, members, owner)


def apply_to_members(
    change: ChangeSet, digest: Receipt, members: Sequence[Receipt], owner: Subscription | None
) -> ChangeSet:
    """The change of a digest, and the same for its members, each with its own charge. Pure.

    ``owner`` is needed where a member's price depends on how many there were this month.
    """
    records: list[Receipt] = []
    charges: list[Charge] = []
    counting = owner
    for member in members:
        moved = _moved_with(digest, member)
        if digest.sent_at is not None and member.sent_at is None and member.price_fen:
            used = 0
            if member.free_receipts:
                counting, used = count_receipt(counting, digest.sent_at)
            charge = for_receipt(member, used, digest.sent_at)
            charges.append(charge)
            moved = replace(moved, charge_fen=charge.fen)
        if moved != member:
            records.append(replace(moved, version=member.version + 1))
    owners = (
        (replace(counting, version=owner.version + 1),)
        if owner and counting and counting != owner
        else ()
    )
    return replace(
        change, records=(*change.records, *records, *owners), charges=(*change.charges, *charges)
    )


def _moved_with(digest: Receipt, member: Receipt) -> Receipt:
    return replace(
        member,
        state=digest.state,
        provider=digest.provider,
        sent_as=digest.sent_as,
        attempts=digest.attempts,
        requested_at=digest.requested_at,
        sent_at=digest.sent_at,
        done_at=digest.done_at,
        note=digest.note,
    )
