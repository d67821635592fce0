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

from receipts.delivery.lifecycle import Delivery
from receipts.delivery.notifications import notice
from receipts.model.calendar import SHANGHAI
from receipts.model.customer import Access
from receipts.model.receipt import Kind
from receipts.model.vocabulary import Language, Msisdn
from receipts.ports.changes import Answer, Change
from receipts.ports.clock import Clock
from receipts.ports.store import Held, Store
from receipts.ports.unit_of_work import settle
from receipts.wording.notice_text import notices

#: How long a code lets in, and how long a visit lasts.
CODE_LASTS = dt.timedelta(minutes=5)
VISIT_LASTS = dt.timedelta(minutes=30)

#: Codes a number gets on a day, and how far apart; wrong tries at one code. Together they leave a
#: guesser 25 tries a day at a million codes.
_A_DAY, _APART, _TRIES = 5, dt.timedelta(minutes=1), 5

#: The facts of what is told about codes, so that sentences cannot disagree with the rules.
FACTS = {
    "minutes": str(CODE_LASTS // dt.timedelta(minutes=1)),
    "a_day": str(_A_DAY),
    "stay": str(VISIT_LASTS // dt.timedelta(minutes=1)),
}


@dataclass(frozen=True, slots=True)
class Codes:
    """Who may be in the hall. Every method raises StoreUnavailable."""

    store: Store
    delivery: Delivery
    clock: Clock
    secret: str

    def send(self, number: Msisdn, language: Language) -> None:
        """Text a fresh code to a number, unless it just got one or had enough of them today.

        The caller learns nothing of this: every number is answered alike.
        """
        code, seed = f"{secrets.randbelow(1_000_000):06}", secrets.token_hex(8)
        text = notices().say("notice.code", language, code=code, **_told("minutes"))
        sent = notice(self.store, self.delivery, number, seed, text, language)

        def decide(held: Held) -> Change:
            now = self.clock.now()
            known = self._today(held)
            soon = known.asked_at is not None and abs(now - known.asked_at) < _APART
            if soon or known.asked >= _A_DAY:
                return Change(number)
            until = now + CODE_LASTS
            access = replace(
                known,
                version=known.version + 1,
                asked=known.asked + 1,
                asked_at=now,
                code=self._digest("code", number, code),
                code_until=until,
                tries=0,
            )
            text = replace(sent, kind=Kind.CODE, until=until)
            return Change(number, records=(access, text), post=(text.id,))

        settle(self.store, number, decide, access=True)

    def let_in(self, number: Msisdn, code: str, event: str) -> str | None:
        """The name of a new visit for who knows the code; None for who does not.

        The same form sent twice is one try, and one visit.
        """
        # The claim holds for this code alone: knowing of a form that was sent lets nobody in.
        claim = f"hall:{self._digest('form', number, event, code)}"
        # Made anew from the form when that comes again, so that it need not be kept.
        visit = self._digest("visit", number, event, code)

        def decide(held: Held) -> Change:
            known, now = held.access, self.clock.now()
            if known is None or known.tries >= _TRIES or _over(known.code_until, now):
                return Change(number)
            later = replace(known, version=known.version + 1)
            if not hmac.compare_digest(known.code, self._digest("code", number, code)):
                wrong = replace(later, tries=known.tries + 1)
                return Change(number, claim, records=(wrong,))
            kept = self._digest("kept", number, visit)
            entered = replace(
                later, code="", code_until=None, visit=kept, visit_until=now + VISIT_LASTS
            )
            return Change(number, claim, Answer(next="in"), records=(entered,))

        return visit if settle(self.store, number, decide, claim, access=True).next else None

    def visits(self, number: Msisdn, visit: str) -> bool:
        """Whether this visit of this number is still under way."""
        known = self.store.read(number, access=True).access
        if known is None or _over(known.visit_until, self.clock.now()):
            return False
        return hmac.compare_digest(known.visit, self._digest("kept", number, visit))

    def leave(self, number: Msisdn) -> None:
        """End the visit of a number, wherever it is held."""

        def decide(held: Held) -> Change:
            known = held.access
            if known is None or not known.visit:
                return Change(number)
            gone = replace(known, version=known.version + 1, visit="", visit_until=None)
            return Change(number, records=(gone,))

        settle(self.store, number, decide, access=True)

    def _today(self, held: Held) -> Access:
        today = self.clock.now().astimezone(SHANGHAI).date()
        known = held.access or Access(held.number, today)
        return known if known.day == today else replace(known, day=today, asked=0)

    def _digest(self, *parts: str) -> str:
        said = "|".join(parts).encode("utf-8", "replace")
        return hmac.new(self.secret.encode(), said, hashlib.sha256).hexdigest()


def _over(until: dt.datetime | None, now: dt.datetime) -> bool:
    return until is None or until <= now


def _told(*names: str) -> dict[str, str]:
    return {name: FACTS[name] for name in names}
