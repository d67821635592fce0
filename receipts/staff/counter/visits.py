"""Visits at a counter: a number is found, identity is proven, acts follow until it ends."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from msgspec.structs import replace

from receipts.delivery.service_passwords import MAX_WRONG_A_DAY, PasswordStatus, ServicePasswords
from receipts.model.charge import StaffLookup
from receipts.model.counter import CounterVisit, IdentityMode, OwnerId
from receipts.model.staff import StaffAct, StaffMember
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet, Reply
from receipts.ports.clock import Clock
from receipts.ports.staff_store import StaffStore
from receipts.ports.store import Snapshot, Store
from receipts.ports.unit_of_work import run_in_transaction
from receipts.staff.counter.identity import ResidentId, agent_digest, is_same_id, slow_digest
from receipts.subscriptions.passwords.digests import UnreadableDigestError
from statemachines.counter_visit import COUNTER_VISIT, VisitEvent

_log = structlog.get_logger()

#: Letters and digits of a visit's id that no one confuses on paper.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_ID_LENGTH = 10

#: Name of a look at a customer's data in a visit.
LOOKUP = "counter visit"

#: Name of a failed identification, in the log of staff.
NOT_PROVEN = "identity_not_proven"


class ForeignVisitError(Exception):
    """The visit belongs to another clerk, shop or session."""


class VisitRefusedError(Exception):
    """The visit's state does not allow this step; ``key`` is the reason of its table."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True)
class Clerk:
    """The clerk of a request, with the id of the session."""

    member: StaffMember
    session: str


@dataclass(frozen=True, slots=True)
class CounterVisits:
    """Steps of a visit. Methods raise StoreUnavailableError, ForeignVisitError."""

    store: Store
    passwords: ServicePasswords
    clock: Clock
    #: Key of the digests of agents' identity numbers and of sessions.
    secret: str
    staff: StaffStore

    def start(self, number: Msisdn, clerk: Clerk) -> CounterVisit:
        """A new visit of a number, of which nothing is shown yet."""
        seed = "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))
        member, visit_id = clerk.member, self.store.receipt_id(number, seed)
        session = self._session(clerk)
        visit = CounterVisit(visit_id, number, member.name, member.shop, session, version=1)
        self.store.commit(ChangeSet(number, records=(visit,)))
        return visit

    def find(self, visit_id: str, clerk: Clerk) -> CounterVisit:
        """The clerk's visit. Raises VisitRefusedError once it has ended or expired."""
        visit = self.store.visit(visit_id)
        if visit is None:
            raise VisitRefusedError("ended")
        member = clerk.member
        if (visit.clerk, visit.shop) != (member.name, member.shop):
            raise ForeignVisitError(visit_id)
        if visit.session != self._session(clerk):
            # The clerk has signed out since.
            raise VisitRefusedError("ended")
        return visit

    def check_ids(
        self, visit: CounterVisit, mode: IdentityMode, owner: ResidentId, agent: ResidentId | None
    ) -> None:
        """Keep how the identity numbers compare; the answer is told with that of the password.

        Raises VisitRefusedError.
        """
        known = self.store.load(visit.number, credentials=True).credentials
        owner_id, digest = _compared(owner, known.id_digest if known else "", mode)
        checked = {
            "mode": mode,
            "owner_id": owner_id,
            "id_digest": digest,
            "agent": agent_digest(agent, self.secret) if agent else "",
        }
        self._step(visit, VisitEvent.CHECK_ID, lambda now: replace(now, **checked))

    def enter_password(self, visit: CounterVisit, password: str, nonce: str) -> PasswordStatus:
        """Whether password and identity number prove the owner; a repeated form counts once.

        A wrong identity number counts as a wrong password, so that neither is told apart.
        """
        number, key = visit.number, f"counter:password:{visit.id}:{nonce}"
        if reason := COUNTER_VISIT.fire(visit.state, VisitEvent.PASSWORD_RIGHT).reason:
            raise VisitRefusedError(reason)
        entered = "" if visit.owner_id is OwnerId.DIFFERS else password
        checked = self.passwords.check(number, entered, key, lambda it: Reply(next=it.value))
        status = PasswordStatus(checked.next)
        if status is PasswordStatus.MUST_CHANGE:
            # Right, so no try is counted; the owner chooses another one first.
            self._step(visit, VisitEvent.FIRST_VALUE_RIGHT, None, f"{key}:visit")
            return status
        event, looks = VisitEvent.PASSWORD_RIGHT, self._look(visit)
        if status is not PasswordStatus.RIGHT:
            is_last = visit.tries + 1 >= MAX_WRONG_A_DAY
            event = VisitEvent.TRIES_USED if is_last else VisitEvent.PASSWORD_WRONG
            looks = ()
            self._record_failure(visit, f"{key}:visit")
        self._step(visit, event, _counted if not looks else None, f"{key}:visit", looks)
        return status

    def end(self, visit: CounterVisit) -> None:
        """End the visit: its pages show nothing more."""
        self._step(visit, VisitEvent.END)

    def _record_failure(self, visit: CounterVisit, key: str) -> None:
        """Append a failed identification to the log of staff before the try is counted.

        After a crash between both, the repeated form records it again.
        """
        if self.store.load(visit.number, key).previous_reply is not None:
            return
        subject, now = f"{visit.number.masked} {visit.id}", self.clock.now()
        act = StaffAct(now, visit.clerk, NOT_PROVEN, subject, shop=visit.shop)
        self.staff.record([act])

    def _look(self, visit: CounterVisit) -> tuple[StaffLookup, ...]:
        now, reason = self.clock.now(), f"{visit.shop}, {visit.identity}"
        return (StaffLookup(now, visit.number, LOOKUP, visit.clerk, reason),)

    def _step(
        self,
        visit: CounterVisit,
        event: VisitEvent,
        changed: Callable[[CounterVisit], CounterVisit] | None = None,
        idempotency_key: str | None = None,
        looks: tuple[StaffLookup, ...] = (),
    ) -> None:
        """Fire an event and save the visit. Raises VisitRefusedError."""

        def decide(snapshot: Snapshot) -> ChangeSet:
            now = self.store.visit(visit.id)
            if now is None:
                raise VisitRefusedError("ended")
            outcome = COUNTER_VISIT.fire(now.state, event)
            if outcome.reason is not None:
                raise VisitRefusedError(outcome.reason)
            later = replace(changed(now) if changed else now, state=outcome.state)
            later = replace(later, version=now.version + 1)
            return ChangeSet(snapshot.number, idempotency_key, records=(later,), lookups=looks)

        run_in_transaction(self.store, visit.number, decide, idempotency_key)

    def _session(self, clerk: Clerk) -> str:
        key = hashlib.blake2b(self.secret.encode()).digest()
        text = f"visit|{clerk.session}".encode()
        return hashlib.blake2b(text, key=key, digest_size=16).hexdigest()


def _counted(visit: CounterVisit) -> CounterVisit:
    return replace(visit, tries=visit.tries + 1)


def _compared(owner: ResidentId, digest: str, mode: IdentityMode) -> tuple[OwnerId, str]:
    """How a number compares with the one on record, and a digest of it to record.

    One slow digest either way, so that the time does not tell whether there is a record.
    """
    if not digest:
        made = slow_digest(owner)
        is_owner = mode is IdentityMode.OWNER
        return (OwnerId.FIRST, made) if is_owner else (OwnerId.NOT_ON_RECORD, "")
    try:
        return (OwnerId.MATCHES if is_same_id(owner, digest) else OwnerId.DIFFERS), ""
    except UnreadableDigestError as error:
        _log.warning("unreadable identity digest", error=str(error))
        return OwnerId.NOT_ON_RECORD, ""
