"""Sessions of staff, with an optional code to the phone as a second factor."""

import datetime as dt
import secrets
from dataclasses import dataclass

from msgspec.structs import replace

from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.notifications import build_passcode
from receipts.model.keyed_digest import KeyedDigests
from receipts.model.staff import StaffAccount, StaffAct, StaffArea, StaffSession
from receipts.model.vocabulary import Language, Msisdn
from receipts.ports.changes import ChangeSet
from receipts.ports.clock import Clock
from receipts.ports.staff_store import StaffStore
from receipts.ports.store import Store
from receipts.wording.notice_text import notices

#: Lifetime of a sign-in code, and the tries at it.
CODE_LIFETIME = dt.timedelta(minutes=5)
MAX_CODE_TRIES = 3

#: A session notes its use at most so often: each note is a write to the disk.
_NOTED_EVERY = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SessionRules:
    """Ends of sessions, and the areas whose sign-in asks for a code."""

    idle: dt.timedelta = dt.timedelta(minutes=30)
    lifetime: dt.timedelta = dt.timedelta(hours=12)
    with_code: frozenset[StaffArea] = frozenset()


@dataclass(frozen=True, slots=True)
class StaffSessions:
    """Begin, check and end sessions. Methods raise StoreUnavailableError."""

    staff: StaffStore
    store: Store
    delivery: ReceiptLifecycle
    clock: Clock
    digests: KeyedDigests
    rules: SessionRules = SessionRules()

    def needs_code(self, area: StaffArea) -> bool:
        """Whether a sign-in to this area asks for a code."""
        return area in self.rules.with_code

    def begin(self, account: StaffAccount, area: StaffArea, form: str) -> str | None:
        """The id of a new session, which may wait for a code; a repeated form gets the same one.

        None if the area needs a code and the account has no phone to send it to.
        """
        session_id = self.digests.make("staff sign-in", area, account.name, form)
        if not self.needs_code(area):
            self._open(session_id, account, area)
            return session_id
        if account.phone is None:
            self.record(account.name, "sign_in_without_phone", area, account.shop)
            return None
        now, code = self.clock.now(), f"{secrets.randbelow(1_000_000):06}"
        digest = self.digests.make("staff code", session_id, code)
        ends_at = now + CODE_LIFETIME
        waits = StaffSession(account.name, area, account.generation, now, ends_at, code=digest)
        act = self._act(account.name, "code_sent", area, account.shop)
        if self.staff.save_session(self._key(session_id), waits, _seconds(CODE_LIFETIME), act):
            # After a crash here no code arrives, and the person signs in again.
            self._send(account, account.phone, code, session_id)
        return session_id

    def renewed(self, account: StaffAccount, area: StaffArea) -> str:
        """The id of a session after the account's earlier ones have ended."""
        session_id = secrets.token_urlsafe(24)
        self._open(session_id, account, area)
        return session_id

    def _open(
        self, session_id: str, account: StaffAccount, area: StaffArea, replaced: str = ""
    ) -> None:
        now = self.clock.now()
        ends_at = now + self.rules.lifetime
        session = StaffSession(account.name, area, account.generation, now, ends_at)
        act = self._act(account.name, "signed_in", area, account.shop)
        key, seconds = self._key(session_id), _seconds(self.rules.lifetime)
        self.staff.save_session(key, session, seconds, act, replaced)

    def _send(self, account: StaffAccount, phone: Msisdn, code: str, session_id: str) -> None:
        language = account.language or Language.ZH
        minutes = CODE_LIFETIME // dt.timedelta(minutes=1)
        text = notices().render("notice.staff_code", language, code=code, minutes=minutes)
        expires_at = self.clock.now() + CODE_LIFETIME
        sent = build_passcode(
            self.store, self.delivery, phone, session_id, text, language, expires_at
        )
        self.store.commit(ChangeSet(phone, records=(sent,), outbox=(sent.id,)))

    def enter_code(self, session_id: str, name: str, area: StaffArea, code: str) -> str | None:
        """The id of the session that a right code begins; None after a wrong one.

        A repeated form gets the same session: its id is derived from the form.
        """
        opened_id = self.digests.make("staff visit", session_id, code)
        if self.account(opened_id, name, area) is not None:
            return opened_id
        key, session, account = self._found(session_id, name, area)
        if session is None or account is None or not session.code:
            return None
        if session.tries >= MAX_CODE_TRIES:
            return None
        # The try is saved before the code is compared, so that tries at once count too.
        tried = replace(session, tries=session.tries + 1, version=session.version + 1)
        if not self.staff.save_session(key, tried, _seconds(CODE_LIFETIME)):
            return None
        if not self.digests.fits(session.code, "staff code", session_id, code):
            self.record(name, "wrong_code", area, account.shop)
            return None
        # A new id, so that the one from before the code opens no page.
        self._open(opened_id, account, area, replaced=key)
        return opened_id

    def account(self, session_id: str, name: str, area: StaffArea) -> StaffAccount | None:
        """The account of a session that is open in this area; None without one."""
        key, session, account = self._found(session_id, name, area)
        if session is None or account is None or session.code:
            return None
        now = self.clock.now()
        if now - session.used_at >= min(_NOTED_EVERY, self.rules.idle / 2):
            used = replace(session, used_at=now, version=session.version + 1)
            # A lost race needs no second try: another request has noted the use.
            self.staff.save_session(key, used, _seconds(self.rules.lifetime))
        return account

    def _found(
        self, session_id: str, name: str, area: StaffArea
    ) -> tuple[str, StaffSession | None, StaffAccount | None]:
        """Key, session and account of a session that has not ended."""
        for key in self.digests.all("staff session", session_id):
            session, account = self.staff.session(key, name)
            if session is not None and account is not None:
                now = self.clock.now()
                is_valid = (
                    session.name == account.name
                    and session.area is area
                    and session.generation == account.generation
                    and account.disabled_at is None
                    and now < session.ends_at
                    and now - session.used_at < self.rules.idle
                )
                return (key, session, account) if is_valid else (key, None, None)
        return "", None, None

    def end(self, session_id: str, name: str, area: StaffArea, shop: str = "") -> None:
        """End one session."""
        key, session, _ = self._found(session_id, name, area)
        if session is not None:
            self.staff.end_session(key, self._act(name, "signed_out", area, shop))

    def record(self, name: str, act: str, area: StaffArea, shop: str = "") -> None:
        """Append a step of a sign-in to the log of acts; an unknown name is left out of it."""
        self.staff.record([self._act(name, act, area, shop)])

    def _act(self, name: str, act: str, area: StaffArea, shop: str) -> StaffAct:
        return StaffAct(self.clock.now(), name, act, area, shop=shop)

    def _key(self, session_id: str) -> str:
        return self.digests.make("staff session", session_id)


def _seconds(lifetime: dt.timedelta) -> int:
    return int(lifetime.total_seconds())
