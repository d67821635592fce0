"""One-time codes for the online hall: a number is whose phone can read what we text to it.

What is kept is a digest under our own key. A visit is kept the same way, so that leaving the hall
ends it wherever a copy of its cookie may be.
"""

import datetime as dt
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from msgspec.structs import replace

from receipts.delivery.lifecycle import ReceiptLifecycle
from receipts.delivery.notifications import build_notification
from receipts.model.calendar import SHANGHAI
from receipts.model.customer import LoginState
from receipts.model.receipt import MessageKind
from receipts.model.vocabulary import Language, Msisdn
from receipts.ports.changes import ChangeSet, Reply
from receipts.ports.clock import Clock
from receipts.ports.store import Snapshot, Store
from receipts.ports.unit_of_work import run_in_transaction
from receipts.wording.notice_text import notices

#: How long a code lets in, and how long a visit lasts.
CODE_LIFETIME = dt.timedelta(minutes=5)
SESSION_LIFETIME = dt.timedelta(minutes=30)

#: Codes a number gets on a day, and how far apart; wrong tries at one code. Together they leave a
#: guesser 25 tries a day at a million codes.
_A_DAY, _APART, _TRIES = 5, dt.timedelta(minutes=1), 5

#: The facts of what is told about codes, so that sentences cannot disagree with the rules.
FACTS = {
    "minutes": str(CODE_LIFETIME // dt.timedelta(minutes=1)),
    "a_day": str(_A_DAY),
    "stay": str(SESSION_LIFETIME // dt.timedelta(minutes=1)),
}


@dataclass(frozen=True, slots=True)
class PasscodeService:
    """Who may be in the hall. Every method raises StoreUnavailable."""

    store: Store
    delivery: ReceiptLifecycle
    clock: Clock
    secret: str

    def send(self, number: Msisdn, language: Language) -> None:
        """Text a fresh code to a number, unless it just got one or had enough of them today.

        The caller learns nothing of this: every number is answered alike.
        """
        code, seed = f"{secrets.randbelow(1_000_000):06}", secrets.token_hex(8)
        text = notices().render("notice.code", language, code=code, **_told("minutes"))
        sent = build_notification(self.store, self.delivery, number, seed, text, language)

        def decide(snapshot: Snapshot) -> ChangeSet:
            now = self.clock.now()
            known = self._today(snapshot)
            soon = known.code_sent_at is not None and abs(now - known.code_sent_at) < _APART
            if soon or known.codes_sent >= _A_DAY:
                return ChangeSet(number)
            until = now + CODE_LIFETIME
            login = replace(
                known,
                version=known.version + 1,
                codes_sent=known.codes_sent + 1,
                code_sent_at=now,
                code=self._digest("code", number, code),
                code_expires_at=until,
                tries=0,
            )
            text = replace(sent, kind=MessageKind.CODE, expires_at=until)
            return ChangeSet(number, records=(login, text), outbox=(text.id,))

        run_in_transaction(self.store, number, decide, login=True)

    def verify(self, number: Msisdn, code: str, event: str) -> str | None:
        """The name of a new visit for who knows the code; None for who does not.

        The same form sent twice is one try, and one visit.
        """
        # The claim holds for this code alone: knowing of a form that was sent lets nobody in.
        idempotency_key = f"hall:{self._digest('form', number, event, code)}"
        # Made anew from the form when that comes again, so that it need not be kept.
        session = self._digest("visit", number, event, code)

        def decide(snapshot: Snapshot) -> ChangeSet:
            known, now = snapshot.login, self.clock.now()
            if known is None or known.tries >= _TRIES or _over(known.code_expires_at, now):
                return ChangeSet(number)
            later = replace(known, version=known.version + 1)
            if not hmac.compare_digest(known.code, self._digest("code", number, code)):
                wrong = replace(later, tries=known.tries + 1)
                return ChangeSet(number, idempotency_key, records=(wrong,))
            kept = self._digest("kept", number, session)
            entered = replace(
                later,
                code="",
                code_expires_at=None,
                session=kept,
                session_expires_at=now + SESSION_LIFETIME,
            )
            return ChangeSet(number, idempotency_key, Reply(next="in"), records=(entered,))

        return (
            session
            if run_in_transaction(self.store, number, decide, idempotency_key, login=True).next
            else None
        )

    def has_session(self, number: Msisdn, session: str) -> bool:
        """Whether this visit of this number is still under way."""
        known = self.store.load(number, login=True).login
        if known is None or _over(known.session_expires_at, self.clock.now()):
            return False
        return hmac.compare_digest(known.session, self._digest("kept", number, session))

    def end_session(self, number: Msisdn) -> None:
        """End the visit of a number, wherever it is held."""

        def decide(snapshot: Snapshot) -> ChangeSet:
            known = snapshot.login
            if known is None or not known.session:
                return ChangeSet(number)
            gone = replace(known, version=known.version + 1, session="", session_expires_at=None)
            return ChangeSet(number, records=(gone,))

        run_in_transaction(self.store, number, decide, login=True)

    def _today(self, snapshot: Snapshot) -> LoginState:
        today = self.clock.now().astimezone(SHANGHAI).date()
        known = snapshot.login or LoginState(snapshot.number, today)
        return known if known.day == today else replace(known, day=today, codes_sent=0)

    def _digest(self, *parts: str) -> str:
        text = "|".join(parts).encode("utf-8", "replace")
        return hmac.new(self.secret.encode(), text, hashlib.sha256).hexdigest()


def _over(until: dt.datetime | None, now: dt.datetime) -> bool:
    return until is None or until <= now


def _told(*names: str) -> dict[str, str]:
    return {name: FACTS[name] for name in names}
