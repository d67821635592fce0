"""Sessions of staff, with an optional code to the phone as a second factor."""

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.notifications import build_notification
from receipts.model.receipt import MessageKind
from receipts.model.staff import StaffAccount, StaffAct, StaffArea, StaffSession
from receipts.model.vocabulary import Language, Msisdn
from receipts.ports.changes import ChangeSet
from receipts.ports.clock import Clock
from receipts.ports.staff_store import StaffStore
from receipts.ports.store import Store
from receipts.wording.notice_text import notices

#: A session ends so long after the sign-in, and after so many seconds without a request.
SESSION_LIFETIME = dt.timedelta(hours=12)
IDLE_SECONDS = 1800

#: Lifetime of a sign-in code, and its wrong tries.
_CODE_MINUTES, _MAX_TRIES = 5, 3


@dataclass(frozen=True, slots=True)
class StaffSessions:
    """Begin, check and end sessions. Methods raise StoreUnavailableError.

    Lifetimes are of the world's clock, which a demo does not move.
    """

    staff: StaffStore
    store: Store
    delivery: ReceiptLifecycle
    clock: Clock
    #: Keys of the digests: the first one makes them, all of them verify.
    keys: Sequence[str]
    #: Areas whose sign-in asks for a code.
    with_code: frozenset[StaffArea] = frozenset()

    def begin(self, account: StaffAccount, area: StaffArea) -> str | None:
        """The id of a new session, which may wait for a code.

        None if the area needs a code and the account has no phone to send it to.
        """
        session_id, now = secrets.token_urlsafe(24), self.clock.wall_clock()
        session = StaffSession(account.name, area, account.generation, now + SESSION_LIFETIME)
        act, idle = "signed_in", IDLE_SECONDS
        if area in self.with_code:
            if account.phone is None:
                self.record(account.name, "sign_in_without_phone", area, account.shop)
                return None
            code = f"{secrets.randbelow(1_000_000):06}"
            digest = self._digest("code", session_id, code)
            session, act, idle = replace(session, code=digest), "code_sent", _CODE_MINUTES * 60
            self._send(account, account.phone, code, session_id)
        self.staff.save_session(self._key(session_id), session, idle)
        self.record(account.name, act, area, account.shop)
        return session_id

    def renewed(self, account: StaffAccount, area: StaffArea) -> str:
        """The id of a session after the account's earlier ones have ended."""
        session_id, ends_at = secrets.token_urlsafe(24), self.clock.wall_clock() + SESSION_LIFETIME
        session = StaffSession(account.name, area, account.generation, ends_at)
        self.staff.save_session(self._key(session_id), session, IDLE_SECONDS)
        return session_id

    def _send(self, account: StaffAccount, phone: Msisdn, code: str, session_id: str) -> None:
        language = account.language or Language.ZH
        text = notices().render("notice.staff_code", language, code=code, minutes=_CODE_MINUTES)
        sent = build_notification(self.store, self.delivery, phone, session_id, text, language)
        expires_at = self.clock.now() + dt.timedelta(minutes=_CODE_MINUTES)
        sent = replace(sent, kind=MessageKind.CODE, expires_at=expires_at)
        self.store.commit(ChangeSet(phone, records=(sent,), outbox=(sent.id,)))

    def enter_code(self, session_id: str, name: str, area: StaffArea, code: str) -> str | None:
        """The id of the session that a right code begins; None after a wrong one."""
        key = self._key(session_id)
        session, account = self._found(session_id, name, area)
        if session is None or account is None or not session.code:
            return None
        shop = account.shop
        if session.tries >= _MAX_TRIES:
            self.staff.end_session(key)
            return None
        digests = [self._digest("code", session_id, code, key=each) for each in self.keys]
        if not any(hmac.compare_digest(session.code, each) for each in digests):
            later = replace(session, tries=session.tries + 1, version=session.version + 1)
            self.staff.save_session(key, later, _CODE_MINUTES * 60)
            self.record(name, "wrong_code", area, shop)
            return None
        # A new id, so that the one from before the code opens no page.
        self.staff.end_session(key)
        new_id = secrets.token_urlsafe(24)
        opened = StaffSession(name, area, session.generation, session.ends_at)
        self.staff.save_session(self._key(new_id), opened, IDLE_SECONDS)
        self.record(name, "signed_in", area, shop)
        return new_id

    def account(self, session_id: str, name: str, area: StaffArea) -> StaffAccount | None:
        """The account of a session that is open in this area; None without one."""
        session, account = self._found(session_id, name, area)
        return account if session is not None and not session.code else None

    def _found(
        self, session_id: str, name: str, area: StaffArea
    ) -> tuple[StaffSession | None, StaffAccount | None]:
        for each in self.keys:
            session, account = self.staff.session(self._key(session_id, each), name)
            if session is not None and account is not None:
                is_valid = (
                    session.name == name == account.name
                    and session.area is area
                    and session.generation == account.generation
                    and account.disabled_at is None
                    and session.ends_at > self.clock.wall_clock()
                )
                return (session, account) if is_valid else (None, None)
        return None, None

    def end(self, session_id: str, name: str, area: StaffArea) -> None:
        """End one session."""
        for each in self.keys:
            self.staff.end_session(self._key(session_id, each))
        self.record(name, "signed_out", area)

    def record(self, name: str, act: str, area: StaffArea, shop: str = "") -> None:
        """Append a step of a sign-in to the log of acts."""
        self.staff.record([StaffAct(self.clock.now(), name, act, area, shop=shop)])

    def _key(self, session_id: str, key: str = "") -> str:
        return self._digest("session", session_id, key=key)

    def _digest(self, *parts: str, key: str = "") -> str:
        text = "|".join(("staff", *parts)).encode("utf-8", "replace")
        return hmac.new((key or self.keys[0]).encode(), text, hashlib.sha256).hexdigest()
