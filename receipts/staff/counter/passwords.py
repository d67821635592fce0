"""Service passwords at a counter: chosen by the owner, or a first value texted to the number.

The owner's identity card proves the person, so neither needs the present password. An agent
cannot do either.
"""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from receipts.delivery.service_passwords import (
    PasswordRecords,
    ServicePasswords,
    digest_of_password,
    random_password,
)
from receipts.model.charge import AuditEntry
from receipts.model.counter import CounterVisit, IdentityMode
from receipts.model.vocabulary import Channel, Language
from receipts.ports.changes import ChangeSet, Reply
from receipts.ports.store import Snapshot
from receipts.ports.unit_of_work import run_in_transaction
from receipts.staff.counter.acts import act_key
from receipts.staff.counter.identity import ResidentId, is_same_id, today_in_china
from receipts.staff.counter.visits import VisitRefusedError
from receipts.subscriptions.decision import Decision
from receipts.subscriptions.passwords.digests import UnreadableDigestError
from receipts.subscriptions.passwords.rules import Weakness, weakness
from statemachines.counter_visit import COUNTER_VISIT, VisitEvent, VisitState

#: Names of the acts, in the audit log and on the form.
CHOOSE, RESET = "password_chosen", "password_issued"

#: Refusals; each has a sentence, as those of the rules have.
OWNER_ONLY, NO_ID, WRONG_ID = "password_owner_only", "password_no_id", "password_wrong_id"
NOT_PROVEN = "password_not_proven"

#: States in which the password has proved its holder: a card seen may then be the first one.
_PROVED = frozenset({VisitState.FIRST_VALUE, VisitState.IDENTIFIED})

_Made = Callable[[Snapshot, str], PasswordRecords]


@dataclass(frozen=True, slots=True)
class CounterPasswords:
    """Acts on the service password. Methods raise StoreUnavailableError, VisitRefusedError."""

    passwords: ServicePasswords

    def choose(
        self, visit: CounterVisit, owner: ResidentId, new: str, nonce: str, language: Language
    ) -> Reply:
        """The reply to a password that the owner keyed; ``next`` is a serial number if it is set.

        ``language`` is that of the clerk's pages.
        """
        if weak := weakness(new, visit.number, owner):
            return _refused(f"password_{Weakness(weak)}", language)
        digest = digest_of_password(new)
        return self._run(
            visit, owner, CHOOSE, nonce, language,
            lambda snapshot, key: self.passwords.chosen(snapshot, digest, key),
        )  # fmt: skip

    def reset(
        self, visit: CounterVisit, owner: ResidentId, nonce: str, language: Language
    ) -> Reply:
        """The reply to a reset; a first value is texted to the number, and no page shows it."""
        password = random_password(visit.number, owner)
        digest = digest_of_password(password)
        return self._run(
            visit, owner, RESET, nonce, language,
            lambda snapshot, key: self.passwords.issued(snapshot, password, digest, key),
        )  # fmt: skip

    def _run(
        self,
        visit: CounterVisit,
        owner: ResidentId,
        act: str,
        nonce: str,
        language: Language,
        made: _Made,
    ) -> Reply:
        store, key = self.passwords.store, act_key(visit, nonce)
        if reason := self._refusal(visit, owner):
            return _refused(self._counted(visit, reason, key), language)

        def decide(snapshot: Snapshot) -> ChangeSet:
            now = store.visit(visit.id)
            outcome = COUNTER_VISIT.fire(now.state, VisitEvent.RESET_PASSWORD) if now else None
            if now is None or outcome is None or outcome.reason is not None:
                raise VisitRefusedError((outcome and outcome.reason) or "ended")
            serial = now.serial(today_in_china(self.passwords.clock.now()))
            reply = Reply(((act, {}),), language.value, serial)
            entry = self._entry(snapshot, now, act, key, serial)
            decision = Decision(snapshot.subscription, audit=(entry,))
            change = decision.change_set(snapshot.subscription, key, reply)
            records = made(snapshot, key)
            done, version = now.acts + 1, now.version + 1
            counted = replace(now, state=outcome.state, version=version, acts=done, tries=0)
            texts = () if records.notice is None else (records.notice,)
            return replace(
                change,
                records=(*change.records, records.credentials, counted, *texts),
                outbox=tuple(each.id for each in texts),
            )

        return run_in_transaction(store, visit.number, decide, key, credentials=True)

    def _counted(self, visit: CounterVisit, reason: str, key: str) -> str:
        """The refusal as it is told; a card that does not prove the owner is a wrong try.

        Before the owner is identified, the answer does not tell whether a card is on record.
        """
        if reason == OWNER_ONLY:
            return reason
        if visit.state is VisitState.IDENTIFIED and reason == NO_ID:
            return reason
        self.passwords.check(visit.number, "", f"{key}:refused", lambda it: Reply(next=it.value))
        return reason if visit.state is VisitState.IDENTIFIED else NOT_PROVEN

    def _refusal(self, visit: CounterVisit, owner: ResidentId) -> str | None:
        """Why this person may not set the password now."""
        if visit.mode is not IdentityMode.OWNER:
            return OWNER_ONLY
        known = self.passwords.store.load(visit.number, credentials=True).credentials
        # A first card proves nothing by itself: the password has to prove its holder before.
        is_proved = visit.state in _PROVED
        digest = (known.id_digest if known else "") or (visit.id_digest if is_proved else "")
        if not digest:
            return NO_ID
        try:
            return None if is_same_id(owner, digest) else WRONG_ID
        except UnreadableDigestError:
            return NO_ID

    def _entry(
        self, snapshot: Snapshot, visit: CounterVisit, act: str, key: str, serial: str
    ) -> AuditEntry:
        state = snapshot.subscription.state.value
        return AuditEntry(
            self.passwords.clock.now(), visit.number, Channel.COUNTER.value, key, state, state,
            reply_text=act, clerk=visit.clerk, action=act, shop=visit.shop,
            identity=visit.identity, agent=visit.agent, serial=serial,
        )  # fmt: skip


def _refused(key: str, language: Language) -> Reply:
    return Reply(((key, {}),), language.value)
