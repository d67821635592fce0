"""One-time passcodes by SMS, and the sessions they begin; the store has digests of both."""

import datetime as dt
import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from msgspec.structs import replace

from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.notifications import build_notification, build_passcode
from receipts.model.calendar import SHANGHAI
from receipts.model.customer import LoginState, Passcode, Subscription
from receipts.model.figure import WEB, figure
from receipts.model.keyed_digest import KeyedDigests
from receipts.model.vocabulary import Language, Msisdn
from receipts.ports.changes import ChangeSet, Reply
from receipts.ports.clock import Clock
from receipts.ports.restore_gap import RestoreGap
from receipts.ports.store import Snapshot, Store
from receipts.ports.unit_of_work import run_in_transaction
from receipts.wording.notice_text import notices

CODE_LIFETIME = dt.timedelta(minutes=5)
SESSION_LIFETIME = dt.timedelta(minutes=30)

#: Codes per number and day, minimum interval between two, and attempts per code: so many of the
#: browser that asked, and as many of all others. They allow 50 guesses a day among a million codes.
_CODES_A_DAY, _MIN_INTERVAL, _MAX_TRIES = 5, dt.timedelta(minutes=1), 5

#: Template parameters of these limits.
LIMIT_PARAMS = {
    "minutes": str(CODE_LIFETIME // dt.timedelta(minutes=1)),
    "a_day": str(_CODES_A_DAY),
    "stay": str(SESSION_LIFETIME // dt.timedelta(minutes=1)),
}


#: What the metrics call a request whose number cannot use the portal.
_NOT_TEXTED = "no_service"


class CodeResult(StrEnum):
    """The result of a request for a passcode."""

    SENT = "sent"
    TOO_SOON = "too_soon"
    DAY_LIMIT = "day_limit"


@dataclass(frozen=True, slots=True)
class CodeStatus:
    """The end of the last valid passcode, if any, and whether and when another may be sent."""

    expires_at: dt.datetime | None
    wait_seconds: int
    is_left_today: bool


@dataclass(frozen=True, slots=True)
class PasscodeService:
    """Send and verify passcodes. Each method raises StoreUnavailableError."""

    store: Store
    delivery: ReceiptLifecycle
    clock: Clock
    #: Keys of the digests: the first one makes them, all of them verify.
    secrets: tuple[str, ...]
    #: Whether a number gets passcodes: it holds the service, or may subscribe here.
    may_sign_in: Callable[[Subscription], bool] = lambda _: True
    #: Counts requests by their result, for the metrics.
    count: Callable[[str], None] = lambda _: None
    #: The gap of the store's last restore, in which any session before it may have been ended.
    gap: RestoreGap | None = None

    def may_know(self, _: Msisdn) -> bool:
        """Whether a number of another country may be asked for: of none is told if it is listed."""
        return bool(self.delivery.trial_people)

    def send(self, number: Msisdn, language: Language, visitor: str = "") -> CodeResult:
        """Text a new passcode, within the limits; the number's earlier ones stay valid.

        A number that cannot use the portal gets the same result, the same records and no text.
        """
        code, seed = f"{secrets.randbelow(1_000_000):06}", secrets.token_hex(8)
        self.count("asked")

        def decide(snapshot: Snapshot) -> ChangeSet:
            now, login = self.clock.now(), self._login_today(snapshot)
            if login.codes_sent >= _CODES_A_DAY:
                return ChangeSet(number, reply=Reply(next=CodeResult.DAY_LIMIT))
            if _wait(login, now):
                return ChangeSet(number, reply=Reply(next=CodeResult.TOO_SOON))
            expires_at = now + CODE_LIFETIME
            is_texted = self.may_sign_in(snapshot.subscription)
            typed = code if is_texted else secrets.token_hex()  # no passcode that can be typed
            passcode = self._passcode(number, typed, visitor, expires_at)
            login = replace(
                login,
                version=login.version + 1,
                codes_sent=login.codes_sent + 1,
                code_sent_at=now,
                codes=(*_valid_codes(login, now), passcode),
            )
            text, sending = self._text(code if is_texted else "------", language), self.delivery
            sent = build_passcode(self.store, sending, number, seed, text, language, expires_at)
            outbox = (sent.id,) if is_texted else ()
            reply = Reply(next=CodeResult.SENT, language="" if is_texted else _NOT_TEXTED)
            counted = (figure(now, WEB, "code" if is_texted else "no_code"),)
            records = (login, sent)
            return ChangeSet(number, None, reply, records, outbox=outbox, figures=counted)

        reply = run_in_transaction(self.store, number, decide, login=True)
        self.count(reply.language or reply.next)
        return CodeResult(reply.next)

    def status(self, number: Msisdn) -> CodeStatus:
        """Validity of the last passcode, and when another one may be sent."""
        now = self.clock.now()
        login = self._login_today(self.store.load(number, login=True))
        codes = _valid_codes(login, now)
        wait = math.ceil(_wait(login, now) / dt.timedelta(seconds=1))
        expires_at = codes[-1].expires_at if codes else None
        return CodeStatus(expires_at, wait, login.codes_sent < _CODES_A_DAY)

    def verify(self, number: Msisdn, code: str, nonce: str, visitor: str = "") -> str | None:
        """The ID of a new session, None for a wrong passcode; a repeated form counts once.

        Wrong tries in other browsers end these browsers' tries, not those of the one that asked.
        """
        # With the code in the key, a form's nonce alone cannot repeat its session.
        idempotency_key = f"hall:{self.digest('form', number, nonce, code)}"
        # Derived from the form, so that a repeat yields the same ID without storing it.
        session_id = self.digest("visit", number, nonce, code)

        def decide(snapshot: Snapshot) -> ChangeSet:
            login, now = snapshot.login, self.clock.now()
            if login is None or not (valid := _valid_codes(login, now)):
                return ChangeSet(number)
            tries = {each: self._tried(each, visitor, number) for each in valid}
            # Another browser that has no tries left at a code cannot sign in with it either.
            taken = [each for each, after in tries.items() if after.other_tries <= _MAX_TRIES]
            if not taken:
                return ChangeSet(number)
            if not any(self._fits(each.digest, "code", number, code) for each in taken):
                version = login.version + 1
                failed = replace(login, version=version, codes=tuple(tries.values()))
                return replace(self._failed(snapshot, failed), idempotency_key=idempotency_key)
            login = self.session_begun(snapshot, session_id)
            counted = (figure(now, WEB, "signed_in"),)
            return ChangeSet(number, idempotency_key, Reply(next="in"), (login,), figures=counted)

        reply = run_in_transaction(self.store, number, decide, idempotency_key, login=True)
        return session_id if reply.next else None

    @staticmethod
    def _text(code: str, language: Language) -> str:
        minutes = LIMIT_PARAMS["minutes"]
        return notices().render("notice.code", language, code=code, minutes=minutes)

    def _passcode(
        self, number: Msisdn, code: str, visitor: str, expires_at: dt.datetime
    ) -> Passcode:
        asker = self.digest("asker", number, visitor)
        return Passcode(self.digest("code", number, code), expires_at, visitor=asker)

    def _tried(self, code: Passcode, visitor: str, number: Msisdn) -> Passcode:
        """The passcode after a wrong try of a visitor: of the one that asked for it, or another."""
        if code.visitor and self._fits(code.visitor, "asker", number, visitor):
            return replace(code, tries=code.tries + 1)
        return replace(code, other_tries=code.other_tries + 1)

    def _failed(self, snapshot: Snapshot, failed: LoginState) -> ChangeSet:
        """The change after a wrong try; the phone is told once a day of another browser's tries."""
        number, customer, today = snapshot.number, snapshot.subscription, self._today()
        used_up = any(each.other_tries == _MAX_TRIES for each in failed.codes)
        if not used_up or failed.warned_on == today or not self.may_sign_in(customer):
            return ChangeSet(number, records=(failed,))
        language = customer.language or Language.ZH
        text = notices().render("notice.code_tries", language)
        about = f"code tries {today}"
        notice = build_notification(self.store, self.delivery, number, about, text, language)
        warned = replace(failed, warned_on=today)
        return ChangeSet(number, records=(warned, notice), outbox=(notice.id,))

    def session_begun(self, snapshot: Snapshot, session_id: str) -> LoginState:
        """The login state with a new session, which ends an earlier one; codes are used up."""
        login, kept = self._login_today(snapshot), self.digest("kept", snapshot.number, session_id)
        end, version = self.clock.now() + SESSION_LIFETIME, login.version + 1
        return replace(login, version=version, codes=(), session=kept, session_expires_at=end)

    def has_session(self, number: Msisdn, session_id: str) -> bool:
        """Whether the number's session is this one and has not expired."""
        login = self.store.load(number, login=True).login
        ends_at = login.session_expires_at if login else None
        if login is None or ends_at is None or ends_at <= self.clock.now():
            return False
        if self.gap is not None and ends_at - SESSION_LIFETIME <= self.gap.restored_at:
            return False
        return self._fits(login.session, "kept", number, session_id)

    def end_session(self, number: Msisdn) -> None:
        """End the number's session in all browsers."""

        def decide(snapshot: Snapshot) -> ChangeSet:
            login = snapshot.login
            if login is None or not login.session:
                return ChangeSet(number)
            ended = replace(login, version=login.version + 1, session="", session_expires_at=None)
            return ChangeSet(number, records=(ended,))

        run_in_transaction(self.store, number, decide, login=True)

    def _login_today(self, snapshot: Snapshot) -> LoginState:
        today = self._today()
        login = snapshot.login or LoginState(snapshot.number, today)
        return login if login.day == today else replace(login, day=today, codes_sent=0)

    def _today(self) -> dt.date:
        return self.clock.now().astimezone(SHANGHAI).date()

    def digest(self, *parts: str) -> str:
        """A keyed digest under the newest key."""
        return KeyedDigests(self.secrets).make(*parts)

    def _fits(self, digest: str, *parts: str) -> bool:
        return KeyedDigests(self.secrets).fits(digest, *parts)


def _expired(expires_at: dt.datetime | None, now: dt.datetime) -> bool:
    return expires_at is None or expires_at <= now


def _valid_codes(login: LoginState, now: dt.datetime) -> tuple[Passcode, ...]:
    return tuple(
        each
        for each in login.codes
        if each.tries < _MAX_TRIES and not _expired(each.expires_at, now)
    )


def _wait(login: LoginState, now: dt.datetime) -> dt.timedelta:
    """The time until the next passcode may be sent; a clock that went back never prolongs it."""
    if login.code_sent_at is None:
        return dt.timedelta()
    return max(dt.timedelta(), _MIN_INTERVAL - abs(now - login.code_sent_at))
