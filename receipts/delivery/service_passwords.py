"""The service password: three wrong tries a day over all channels, then a text to the owner."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import structlog
from msgspec.structs import replace

from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.notifications import build_notification
from receipts.model.calendar import SHANGHAI
from receipts.model.customer import CustomerCredentials, Subscription
from receipts.model.vocabulary import Language, Msisdn
from receipts.ports.changes import ChangeSet, Reply
from receipts.ports.clock import Clock
from receipts.ports.store import Snapshot, Store
from receipts.ports.unit_of_work import run_in_transaction
from receipts.subscriptions.password_digests import UnreadableDigestError, matches
from receipts.wording.notice_text import notices

_log = structlog.get_logger()

#: Digits of a service password, and its wrong tries that lock it until midnight in China.
PASSWORD_DIGITS, MAX_WRONG_A_DAY = 6, 3


class PasswordStatus(StrEnum):
    """Whether a password proves the owner, or why it cannot."""

    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"
    NOT_SET = "not_set"


@dataclass(frozen=True, slots=True)
class ServicePasswords:
    """Check service passwords. Each method raises StoreUnavailableError."""

    store: Store
    delivery: ReceiptLifecycle
    clock: Clock
    channels: Callable[[Subscription, Language], dict[str, str]]

    def obstacle(self, number: Msisdn) -> PasswordStatus | None:
        """LOCKED or NOT_SET where asking for the password is of no use; else None."""
        known = self.store.load(number, credentials=True).credentials
        if known is None or not known.password_digest:
            return PasswordStatus.NOT_SET
        return PasswordStatus.LOCKED if self._tries(known) >= MAX_WRONG_A_DAY else None

    def check(
        self,
        number: Msisdn,
        password: str,
        idempotency_key: str,
        reply: Callable[[PasswordStatus], Reply],
    ) -> Reply:
        """The reply to an entered password; a repeated event counts once and is not kept."""
        verdicts: dict[str, PasswordStatus] = {}

        def decide(snapshot: Snapshot) -> ChangeSet:
            known = snapshot.credentials or CustomerCredentials(number)
            digest, tries = known.password_digest, self._tries(known)
            # The slow verification runs once, however often the commit loses a race.
            if digest not in verdicts:
                verdicts[digest] = _verdict(password, digest)
            verdict = verdicts[digest]
            if verdict is not PasswordStatus.NOT_SET and tries >= MAX_WRONG_A_DAY:
                verdict = PasswordStatus.LOCKED
            if verdict is not PasswordStatus.WRONG:
                return ChangeSet(number, idempotency_key, reply(verdict))
            failed = replace(
                known, version=known.version + 1, wrong_tries=tries + 1, wrong_day=self._today()
            )
            if failed.wrong_tries < MAX_WRONG_A_DAY:
                return ChangeSet(number, idempotency_key, reply(verdict), records=(failed,))
            language = snapshot.subscription.language or Language.ZH
            facts = self.channels(snapshot.subscription, language)
            text = notices().render_text("notice.password_locked", language, **facts)
            about = f"password {failed.wrong_day}"
            sent = build_notification(self.store, self.delivery, number, about, text, language)
            answer = reply(PasswordStatus.LOCKED)
            return ChangeSet(
                number, idempotency_key, answer, records=(failed, sent), outbox=(sent.id,)
            )

        return run_in_transaction(self.store, number, decide, idempotency_key, credentials=True)

    def _tries(self, known: CustomerCredentials) -> int:
        return known.wrong_tries if known.wrong_day == self._today() else 0

    def _today(self) -> str:
        return self.clock.now().astimezone(SHANGHAI).date().isoformat()


def _verdict(password: str, digest: str) -> PasswordStatus:
    if not digest:
        return PasswordStatus.NOT_SET
    try:
        return PasswordStatus.RIGHT if matches(password, digest) else PasswordStatus.WRONG
    except UnreadableDigestError as error:
        # The owner sets a new password at the counter, as if there were none.
        _log.warning("unreadable password digest", error=str(error))
        return PasswordStatus.NOT_SET
