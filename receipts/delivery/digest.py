"""Digests: several flash receipts sent as one text (decision 013).

A flash receipt waits under a timer of its own. The first timer that fires joins all waiting
receipts of the customer into one digest. Each member keeps its record and its charge, and takes
over every later state of the digest in the same commit.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec.structs import replace

from receipts.charging.charges import count_receipt, credit_for, for_receipt, needs_usage_count
from receipts.delivery.results import sent_figures
from receipts.model.charge import Charge
from receipts.model.customer import Subscription
from receipts.model.figure import Figure
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import DisplayMode, Msisdn
from receipts.ports.changes import ChangeSet, Timer
from receipts.ports.clock import Clock
from receipts.ports.store import Store
from receipts.rulebook.schema import SendingRules
from receipts.wording.digest_text import digest_text
from receipts.wording.times import ONE_DAY
from statemachines.receipt import ReceiptState

#: Kind of the timer that ends the wait of a flash receipt.
DIGEST = "digest"

#: Newest receipts of a customer searched for waiting ones, and the limit if all of them wait.
#: Each older one still has its own timer.
_RECENT_LIMIT, _EXTENDED_LIMIT = 20, 100


def enqueue(change: ChangeSet, receipt: Receipt, waits_until: dt.datetime | None) -> ChangeSet:
    """Add a new receipt to the change: in the outbox, or with a digest timer if it waits."""
    extended = replace(change, records=(*change.records, receipt))
    if waits_until is None:
        return replace(extended, outbox=(*change.outbox, receipt.id))
    timer = Timer(DIGEST, receipt.number, receipt.id, waits_until)
    return replace(extended, timers=(*change.timers, timer))


class DigestBuilder:
    """Ends the wait of flash receipts, for many customers in one round trip."""

    def __init__(
        self,
        store: Store,
        sending: SendingRules,
        clock: Clock,
        perhaps_sent: Callable[[Receipt], bool],
    ) -> None:
        self._store, self._clock, self._perhaps_sent = store, clock, perhaps_sent
        self._max_age = dt.timedelta(hours=sending.expire_after_hours)

    def build(self, timers: Sequence[Timer], *, together: bool) -> None:
        """Put waiting receipts into the outbox: with ``together``, as one digest per customer.

        No retry on conflict: the timer is still due, or another worker has fired it.
        Raises StoreUnavailableError.
        """
        fired: dict[Msisdn, list[Timer]] = {}
        for timer in timers:
            fired.setdefault(timer.number, []).append(timer)
        waiting = self._waiting(fired)
        self._store.commit_all(
            [self.decide(own, waiting[n], together=together) for n, own in fired.items()]
        )

    def _waiting(self, fired: dict[Msisdn, list[Timer]]) -> dict[Msisdn, list[Receipt]]:
        """Waiting receipts by number, newest first: those of the timers and all since.

        A receipt waits as long as its timer is set.
        """
        recent, numbers = self._store.recent_with_timer, list(fired)
        found = dict(zip(numbers, recent(DIGEST, numbers, _RECENT_LIMIT), strict=True))
        busy = [n for n in numbers if len(found[n]) == _RECENT_LIMIT]
        if busy:
            found.update(zip(busy, recent(DIGEST, busy, _EXTENDED_LIMIT), strict=True))
        seen = {receipt.id for receipts in found.values() for receipt in receipts}
        subjects = [t.subject for timers in fired.values() for t in timers if t.subject not in seen]
        for receipt in self._store.receipts(subjects) if subjects else ():
            if receipt is not None:
                found[receipt.number].append(receipt)
        return found

    def decide(
        self, timers: Sequence[Timer], waiting: Sequence[Receipt], *, together: bool
    ) -> ChangeSet:
        """Change set for one customer; fires the timers of all its waiting receipts. Pure."""
        fired_timer = timers[0]
        subjects = {timer.subject for timer in timers} | {receipt.id for receipt in waiting}
        oldest = self._clock.now() - self._max_age
        young = [r for r in waiting if r.created_at >= oldest] if together else []
        # Each of the others is looked up by itself: a digest does not tell what it was before.
        joined = [receipt for receipt in young if not self._perhaps_sent(receipt)]
        if len(joined) < 2:  # noqa: PLR2004 - a digest has at least two members
            joined = []
        change = ChangeSet(
            fired_timer.number,
            outbox=tuple(receipt.id for receipt in waiting if receipt not in joined),
            fired_timer=fired_timer,
            joined_timers=tuple(
                Timer(DIGEST, fired_timer.number, subject)
                for subject in sorted(subjects - {fired_timer.subject})
            ),
        )
        return self._with_digest(change, joined) if joined else change

    def _with_digest(self, change: ChangeSet, members: Sequence[Receipt]) -> ChangeSet:
        newest, ids = members[0], tuple(member.id for member in members)
        seed = hashlib.blake2b("|".join(("digest", *ids)).encode(), digest_size=10).hexdigest()
        lines = [
            (m.outcome, m.recipient, m.text_sent) for m in members if m.outcome and m.recipient
        ]
        now, language = self._clock.now(), newest.language
        text, dated = (digest_text(lines, language, each) for each in (now, now + ONE_DAY))
        digest = Receipt(
            id=self._store.receipt_id(newest.number, seed),
            number=newest.number,
            text=text,
            dated_text=dated if dated != text else None,
            mode=DisplayMode.FLASH,
            language=language,
            created_at=newest.created_at,
            version=1,
            kind=MessageKind.DIGEST,
            members=ids,
            trace=newest.trace,
        )
        joined = (
            replace(
                member,
                version=member.version + 1,
                text=digest.text,
                dated_text=None,
                promotion=None,
                digest=digest.id,
            )
            for member in members
        )
        records, outbox = (*change.records, digest, *joined), (*change.outbox, digest.id)
        return replace(change, records=records, outbox=outbox)


def with_digest_members(store: Store, change: ChangeSet) -> ChangeSet:
    """Extend the change of a digest to its members. Raises StoreUnavailableError."""
    digest = next((r for r in change.records if isinstance(r, Receipt) and r.members), None)
    if digest is None:
        return change
    members = [member for member in store.receipts(digest.members) if member is not None]
    counts = digest.sent_at is not None and any(map(needs_usage_count, members))
    owner = store.load(digest.number).subscription if counts else None
    counted = replace(change, figures=(*change.figures, *_left_with(digest, members)))
    return apply_to_members(counted, digest, members, owner)


def apply_to_members(
    change: ChangeSet, digest: Receipt, members: Sequence[Receipt], owner: Subscription | None
) -> ChangeSet:
    """Apply a digest's change to its members, each with its own charge. Pure.

    ``owner`` is required if a member's price depends on the month's usage count.
    """
    records: list[Receipt | Subscription] = []
    charges: list[Charge] = []
    counting = owner
    for member in members:
        moved = replace(
            member,
            text=digest.text,
            state=digest.state,
            provider=digest.provider,
            sent_as=digest.sent_as,
            attempts=digest.attempts,
            requested_at=digest.requested_at,
            sent_at=digest.sent_at,
            done_at=digest.done_at,
            note=digest.note,
            send_log=digest.send_log,
        )
        if digest.state is ReceiptState.UNDELIVERED:
            charges += credit_for(member, digest.done_at or digest.created_at)
            moved = replace(moved, charge_fen=0)
        elif digest.sent_at is not None and member.sent_at is None and member.price_fen:
            used = 0
            if member.free_receipts:
                counting, used = count_receipt(counting, digest.sent_at)
            charge = for_receipt(member, used, digest.sent_at)
            charges.append(charge)
            moved = replace(moved, charge_fen=charge.fen)
        if moved != member:
            records.append(replace(moved, version=member.version + 1))
    if owner and counting and counting != owner:
        records.append(replace(counting, version=owner.version + 1))
    return replace(change, records=(*change.records, *records), charges=(*change.charges, *charges))


def _left_with(digest: Receipt, members: Iterable[Receipt]) -> Iterator[Figure]:
    """Figures of the members that leave with their digest."""
    if digest.sent_at is not None:
        for member in members:
            if member.sent_at is None:
                yield from sent_figures(member, digest.sent_at)
