"""Sign-in with number and service password, and a change of the password."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from msgspec.structs import replace

from receipts.delivery.service_passwords import (
    PasswordRecords,
    PasswordStatus,
    PasswordVerifier,
    ServicePasswords,
    digest_of_password,
)
from receipts.model.customer import Subscription
from receipts.model.figure import WEB, figure
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet, Reply
from receipts.ports.store import Snapshot
from receipts.ports.unit_of_work import run_in_transaction
from receipts.subscriptions.passwords.rules import Weakness
from web.portal.passcodes import PasscodeService

#: Results that are told; all others get the answer of a wrong password.
_TOLD = (PasswordStatus.RIGHT, PasswordStatus.MUST_CHANGE)


@dataclass(frozen=True, slots=True)
class PasswordSignIn:
    """Service passwords in the portal. Each method raises StoreUnavailableError."""

    passcodes: PasscodeService
    passwords: ServicePasswords
    #: Whether the service password signs this number in.
    is_allowed: Callable[[Subscription], bool]
    #: Whether any province of the rule book allows it.
    is_offered: bool

    def verify(self, number: Msisdn, password: str, nonce: str) -> tuple[PasswordStatus, str]:
        """RIGHT with the id of a new session, MUST_CHANGE, or WRONG; a repeated form counts once.

        A number whose province does not allow it gets the same answer, with the same records.
        """
        # With the password in the key, a form's nonce alone cannot repeat its session.
        key = f"hall:{self.passcodes.digest('password form', number, nonce, password)}"
        session_id = self.passcodes.digest("visit", number, nonce, password)
        verify = PasswordVerifier(password)

        def decide(snapshot: Snapshot) -> ChangeSet:
            status, failed = self._attempt(snapshot, verify)
            reply = Reply(next=status if status in _TOLD else PasswordStatus.WRONG)
            change = ServicePasswords.with_records(ChangeSet(number, key, reply), failed)
            if status is not PasswordStatus.RIGHT:
                return change
            login = self.passcodes.session_begun(snapshot, session_id)
            counted = (figure(self.passcodes.clock.now(), WEB, "signed_in"),)
            return replace(change, records=(*change.records, login), figures=counted)

        store = self.passcodes.store
        reply = run_in_transaction(store, number, decide, key, login=True, credentials=True)
        return PasswordStatus(reply.next), session_id

    def change(
        self, number: Msisdn, present: str, new: str, nonce: str
    ) -> PasswordStatus | Weakness:
        """RIGHT for a changed password, or why it stays; a repeated form counts once."""
        key = f"hall:{self.passcodes.digest('password change', number, nonce, present, new)}"
        reply = self.passwords.change(number, present, new, key, lambda it: Reply(next=it.value))
        if reply.next in set(Weakness):
            return Weakness(reply.next)
        return PasswordStatus(reply.next)

    def _attempt(
        self, snapshot: Snapshot, verify: PasswordVerifier
    ) -> tuple[PasswordStatus, PasswordRecords | None]:
        known = snapshot.credentials
        if not self.is_allowed(snapshot.subscription) or not (known and known.password_digest):
            # As slow as a real check, so that the time does not tell numbers apart.
            verify.verdict(_unknown_digest())
            return PasswordStatus.WRONG, None
        return self.passwords.attempt(snapshot, verify)


@cache
def _unknown_digest() -> str:
    return digest_of_password("")
