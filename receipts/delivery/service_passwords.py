"""The service password: set, changed and checked; three wrong tries a day over all channels."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import structlog
from argon2 import PasswordHasher
from msgspec import Struct
from msgspec.structs import replace

from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.notifications import build_notification
from receipts.model.calendar import SHANGHAI
from receipts.model.customer import CustomerCredentials, Subscription
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Language, Msisdn
from receipts.ports.changes import ChangeSet, Reply
from receipts.ports.clock import Clock
from receipts.ports.store import Snapshot, Store
from receipts.ports.unit_of_work import run_in_transaction
from receipts.subscriptions.passwords.digests import UnreadableDigestError, matches
from receipts.subscriptions.passwords.rules import (
    PASSWORD_DIGITS,
    Weakness,
    weakness,
)
from receipts.wording.notice_text import notices
from statemachines.service_password import SERVICE_PASSWORD, PasswordEvent, PasswordState

_log = structlog.get_logger()

#: Wrong tries that lock a service password until midnight in China.
MAX_WRONG_A_DAY = 3

_UNLOCKED = {False: PasswordState.CHOSEN, True: PasswordState.INITIAL}
_LOCKED = {False: PasswordState.LOCKED, True: PasswordState.INITIAL_LOCKED}


class PasswordStatus(StrEnum):
    """Whether a password proves the owner, or why it cannot."""

    RIGHT = "right"
    #: A first value: right, but it proves the owner only to choose another one.
    MUST_CHANGE = "must_change"
    WRONG = "wrong"
    LOCKED = "locked"
    NOT_SET = "not_set"


_OBSTACLES = {
    PasswordState.NOT_SET: PasswordStatus.NOT_SET,
    PasswordState.LOCKED: PasswordStatus.LOCKED,
    PasswordState.INITIAL_LOCKED: PasswordStatus.LOCKED,
}
_REFUSALS = {"not_set": PasswordStatus.NOT_SET, "locked": PasswordStatus.LOCKED}


class PasswordRecords(Struct, frozen=True):
    """Records that a new password or a wrong try adds to a change set."""

    credentials: CustomerCredentials
    #: A text to the owner.
    notice: Receipt | None = None


@dataclass(frozen=True, slots=True)
class ServicePasswords:
    """Set and check service passwords. Each method raises StoreUnavailableError."""

    store: Store
    delivery: ReceiptLifecycle
    clock: Clock
    channels: Callable[[Subscription, Language], dict[str, str]]

    def obstacle(self, number: Msisdn) -> PasswordStatus | None:
        """LOCKED or NOT_SET where asking for the password is of no use; else None."""
        return _OBSTACLES.get(self.state(self.store.load(number, credentials=True).credentials))

    def state(self, known: CustomerCredentials | None) -> PasswordState:
        """The state of a password today."""
        if known is None or not known.password_digest:
            return PasswordState.NOT_SET
        of = _LOCKED if self._tries(known) >= MAX_WRONG_A_DAY else _UNLOCKED
        return of[known.password_is_initial]

    def check(
        self,
        number: Msisdn,
        password: str,
        idempotency_key: str,
        reply: Callable[[PasswordStatus], Reply],
    ) -> Reply:
        """The reply to an entered password; a repeated event counts once and is not kept."""
        verify = PasswordVerifier(password)

        def decide(snapshot: Snapshot) -> ChangeSet:
            status, failed = self.attempt(snapshot, verify)
            change = ChangeSet(number, idempotency_key, reply(status))
            return self.with_records(change, failed)

        return run_in_transaction(self.store, number, decide, idempotency_key, credentials=True)

    def change(
        self,
        number: Msisdn,
        present: str,
        new: str,
        idempotency_key: str,
        reply: Callable[[PasswordStatus | Weakness], Reply],
    ) -> Reply:
        """The reply to a new password with the present one, which may be a first value."""
        if weak := weakness(new, number):
            return reply(weak)
        verify, digest = PasswordVerifier(present), digest_of_password(new)

        def decide(snapshot: Snapshot) -> ChangeSet:
            status, failed = self.attempt(snapshot, verify)
            if status not in {PasswordStatus.RIGHT, PasswordStatus.MUST_CHANGE}:
                return self.with_records(ChangeSet(number, idempotency_key, reply(status)), failed)
            made = self._made(snapshot, PasswordEvent.REPLACED, digest, idempotency_key)
            change = ChangeSet(number, idempotency_key, reply(PasswordStatus.RIGHT))
            return self.with_records(change, made)

        return run_in_transaction(self.store, number, decide, idempotency_key, credentials=True)

    def chosen(self, snapshot: Snapshot, digest: str, about: str) -> PasswordRecords:
        """Records of a password that the owner keyed, with the identity proved at a counter.

        ``digest`` is of ``digest_of_password``: it is slow, so it is made once before the commit.
        """
        return self._made(snapshot, PasswordEvent.CHOSEN_WITH_ID, digest, about)

    def issued(self, snapshot: Snapshot, password: str, digest: str, about: str) -> PasswordRecords:
        """Records of a first value, texted to the number; it must be changed before use."""
        return self._made(snapshot, PasswordEvent.ISSUED, digest, about, password)

    def attempt(
        self, snapshot: Snapshot, verify: "PasswordVerifier"
    ) -> tuple[PasswordStatus, PasswordRecords | None]:
        """What an entered password proves, and the records of a wrong try that locks it."""
        known = snapshot.credentials or CustomerCredentials(snapshot.number)
        state, verdict = self.state(known), verify.verdict(known.password_digest)
        if verdict is None:
            # The owner sets a new password at the counter, as if there were none.
            return PasswordStatus.NOT_SET, None
        tries = self._tries(known)
        event = PasswordEvent.RIGHT if verdict else PasswordEvent.WRONG
        if not verdict and tries + 1 >= MAX_WRONG_A_DAY:
            event = PasswordEvent.THIRD_WRONG
        outcome = SERVICE_PASSWORD.fire(state, event)
        if outcome.reason is not None:
            return _REFUSALS[outcome.reason], None
        if verdict:
            must_change = "must_change" in outcome.acts
            return PasswordStatus.MUST_CHANGE if must_change else PasswordStatus.RIGHT, None
        failed = replace(
            known, version=known.version + 1, wrong_tries=tries + 1, wrong_day=self._today()
        )
        if "tell_owner" not in outcome.acts:
            return PasswordStatus.WRONG, PasswordRecords(failed)
        about = f"password {failed.wrong_day}"
        return PasswordStatus.LOCKED, PasswordRecords(
            failed, self._notice(snapshot, "notice.password_locked", about)
        )

    def _made(
        self,
        snapshot: Snapshot,
        event: PasswordEvent,
        digest: str,
        about: str,
        password: str = "",
    ) -> PasswordRecords:
        known = snapshot.credentials or CustomerCredentials(snapshot.number)
        is_initial = SERVICE_PASSWORD.fire(self.state(known), event).state is PasswordState.INITIAL
        made = replace(
            known,
            version=known.version + 1,
            password_digest=digest,
            password_is_initial=is_initial,
            wrong_tries=0,
            wrong_day="",
        )
        key = "notice.password_issued" if is_initial else "notice.password_changed"
        notice = self._notice(snapshot, key, f"new password {about}", password=password)
        # Its text is sealed and erased as that of a passcode.
        notice = replace(notice, kind=MessageKind.CODE) if is_initial else notice
        return PasswordRecords(made, notice)

    def _notice(self, snapshot: Snapshot, key: str, about: str, **params: str) -> Receipt:
        customer = snapshot.subscription
        language = customer.language or Language.ZH
        facts = self.channels(customer, language) | params
        text = notices().render_text(key, language, **facts)
        number = customer.number
        return build_notification(self.store, self.delivery, number, about, text, language)

    @staticmethod
    def with_records(change: ChangeSet, made: PasswordRecords | None) -> ChangeSet:
        """The change with the records of a new password or a wrong try."""
        if made is None:
            return change
        texts = () if made.notice is None else (made.notice,)
        return replace(
            change, records=(made.credentials, *texts), outbox=tuple(each.id for each in texts)
        )

    def _tries(self, known: CustomerCredentials) -> int:
        return known.wrong_tries if known.wrong_day == self._today() else 0

    def _today(self) -> str:
        return self.clock.now().astimezone(SHANGHAI).date().isoformat()


class PasswordVerifier:
    """Verifies an entered password once a digest, however often the commit loses a race."""

    def __init__(self, password: str) -> None:
        self._password = password
        self._verdicts: dict[str, bool | None] = {}

    def verdict(self, digest: str) -> bool | None:
        """Whether the password has this digest; None where it cannot be told."""
        if digest not in self._verdicts:
            self._verdicts[digest] = _matches(self._password, digest)
        return self._verdicts[digest]


def random_password(number: Msisdn, *identity_numbers: str) -> str:
    """A first value that meets the rules."""
    while True:
        password = f"{secrets.randbelow(10**PASSWORD_DIGITS):0{PASSWORD_DIGITS}}"
        if weakness(password, number, *identity_numbers) is None:
            return password


def digest_of_password(password: str) -> str:
    """The slow salted digest that is kept."""
    return PasswordHasher().hash(password)


def _matches(password: str, digest: str) -> bool | None:
    if not digest:
        return None
    try:
        return matches(password, digest)
    except UnreadableDigestError as error:
        _log.warning("unreadable password digest", error=str(error))
        return None
