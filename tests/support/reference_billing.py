"""Reference model of charges: replays a whole history, independently of the product.

A history is a list of events in order. Money is in fen, months are China's.
"""

import datetime as dt
from dataclasses import dataclass, field

CHINA = dt.timezone(dt.timedelta(hours=8))
FOREVER = dt.datetime.max.replace(tzinfo=CHINA)
Happened = tuple[dt.datetime, str, str]


def month(at: dt.datetime) -> str:
    return f"{at.astimezone(CHINA):%Y-%m}"


def first_of(name: str) -> dt.datetime:
    year, number = map(int, name.split("-"))
    return dt.datetime(year, number, 1, tzinfo=CHINA)


def after(name: str) -> str:
    year, number = map(int, name.split("-"))
    return f"{year + number // 12:04}-{number % 12 + 1:02}"


def month_end(at: dt.datetime) -> dt.datetime:
    return first_of(after(month(at)))


@dataclass(frozen=True)
class Price:
    since: dt.date
    monthly: int
    per_receipt: int = 0
    free: int = 0
    trial_days: int = 0


@dataclass(frozen=True)
class Terms:
    prices: tuple[Price, ...]
    cap: int
    runs_to_month_end: bool = True
    window: dt.timedelta = dt.timedelta(hours=48)

    def price(self, at: dt.datetime) -> Price:
        day = at.astimezone(CHINA).date()
        return [p for p in self.prices if p.since <= day][-1]


@dataclass
class Period:
    """One period of service, charged from ``first``; never while it is None."""

    first: dt.datetime | None
    agreed: Price
    trial: bool
    end: dt.datetime = FOREVER
    asked: bool = False
    fee_waits: bool = False
    pauses: list[tuple[dt.datetime, dt.datetime]] = field(default_factory=list)

    def paused(self) -> bool:
        return bool(self.pauses) and self.pauses[-1][1] == FOREVER

    def charges(self, name: str, now: dt.datetime) -> bool:
        """Return whether the month has a time of service that is charged."""
        if self.first is None or self.first > now or self.trial:
            return False
        begin, end = max(self.first, first_of(name)), min(self.end, first_of(after(name)))
        for pause_begin, pause_end in self.pauses:
            if pause_begin <= begin:
                begin = max(begin, pause_end)
        return begin < end


class SlowLedger:
    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.charges: dict[str, int] = {}
        #: End, price, and the promised rest of a trial, if any.
        self.offer: tuple[dt.datetime, Price, str] | None = None
        #: The end of a trial that was left before it.
        self.trial_end: dt.datetime | None = None
        self.late = self.had_trial = False
        self.period: Period | None = None
        self.unpaid: set[str] = set()
        self.settled: set[str] = set()
        self.prices: dict[str, Price | None] = {}
        self.counted: dict[str, int] = {}
        self.ended: set[str] = set()

    def owes(self, history: list[Happened]) -> dict[str, int]:
        for at, what, about in history:
            getattr(self, what)(at, about)
        return self.charges

    def running(self, at: dt.datetime) -> Period | None:
        """Return the period that has not ended, paused or not."""
        return self.period if self.period and at < self.period.end else None

    def endless(self, at: dt.datetime) -> Period | None:
        running = self.running(at)
        return running if running and running.end == FOREVER else None

    def waits(self, at: dt.datetime) -> bool:
        return self.offer is not None and at < self.offer[0]

    def ask_fee(self, name: str, now: dt.datetime) -> None:
        if self.period is None or not self.period.charges(name, now):
            return
        first = self.period.first
        in_first = first is not None and month(first) == name
        price = self.period.agreed if in_first else self.terms.price(first_of(name))
        fen = min(price.monthly, self.terms.cap)
        if fen:
            self.charges.setdefault(f"monthly-{name}", fen)

    def leave(self, at: dt.datetime, end: dt.datetime) -> None:
        period = self.period
        assert period is not None
        self.offer = None
        if period.first is None or period.first > at or period.trial:
            self.trial_end = period.first or self.trial_end
            period.end = min(end, period.first or period.end)
            period.first, period.trial = None, False
            return
        name = month(period.first)
        while name <= month(at):
            self.ask_fee(name, at)
            name = after(name)
        period.end = end

    def rest(self, at: dt.datetime) -> tuple[dt.datetime | None, str]:
        """Return the end of a trial that was left, and whether it goes on until its question."""
        period = self.running(at)
        if self.trial_end is None or at >= self.trial_end or (period and period.first):
            return None, ""
        return self.trial_end, "goes on" if at < self.trial_end - self.terms.window else "asked"

    def open(self, at: dt.datetime, _: str = "") -> bool:
        if self.unpaid or self.endless(at):
            return False
        end, rest = self.rest(at)
        day = end if end and rest == "asked" else at
        self.offer, self.late = (at + self.terms.window, self.terms.price(day), rest), False
        return True

    def yes(self, at: dt.datetime, _: str = "") -> None:
        if self.waits(at):
            self.accept(at)
        elif self.offer or self.late:
            self.open(at)

    def accept(self, at: dt.datetime) -> None:
        assert self.offer is not None
        if self.unpaid:
            return
        (_, price, told), period, (end, rest) = self.offer, self.running(at), self.rest(at)
        if told == "asked" and not rest and self.trial_end:
            told = "" if month(self.trial_end) == month(at) else told
        if told != rest and not (period and period.first):
            self.open(at)  # a yes that would be charged otherwise gets a new offer
            return
        new = period is None and price.trial_days > 0 and not self.had_trial
        first = period.first if period else None
        if new:
            midnight = at.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
            first = midnight + dt.timedelta(days=price.trial_days)
        period = self.period = period or Period(None, price, trial=False)
        period.first, period.agreed, period.end = first or end or at, price, FOREVER
        period.trial, period.asked = new or rest == "goes on", False
        period.fee_waits = period.first > at and not period.trial
        self.had_trial = self.had_trial or period.trial
        self.offer, self.late, self.trial_end = None, False, None
        self.ask_fee(month(at), at)

    def other(self, at: dt.datetime, _: str = "") -> None:
        """Answer an offer by another word than yes: it is withdrawn."""
        if self.waits(at):
            self.drop(at)

    def drop(self, at: dt.datetime) -> None:
        self.offer, self.late = None, False
        if period := self.endless(at):
            self.trial_end = period.first
            period.end, period.first, period.trial = period.first or at, None, False

    def cancel(self, at: dt.datetime, _: str = "") -> None:
        period = self.endless(at)
        if period is None and self.offer:
            self.drop(at)
        elif period is not None:
            runs_on = self.terms.runs_to_month_end and not period.paused()
            self.leave(at, month_end(at) if runs_on else at)
        elif (period := self.running(at)) and not self.terms.runs_to_month_end:
            self.leave(at, at)

    def voice_open(self, at: dt.datetime, _: str) -> None:
        if self.open(at):
            self.accept(at)

    def ported(self, at: dt.datetime, _: str) -> None:
        self.offer = None
        if self.running(at):
            self.leave(at, at)

    def failed(self, at: dt.datetime, name: str) -> None:
        if f"monthly-{name}" not in self.charges or name in self.unpaid | self.settled:
            return
        beside = any(after(name) == other or after(other) == name for other in self.unpaid)
        self.unpaid.add(name)
        period = self.running(at)
        if beside:
            self.ported(at, "")
        elif period and period.end == FOREVER and not period.paused():
            period.pauses.append((at, FOREVER))
            self.offer, period.asked = None, False

    def paid(self, at: dt.datetime, name: str) -> None:
        if f"monthly-{name}" not in self.charges:
            return
        self.settled.add(name)
        self.unpaid.discard(name)
        period = self.running(at)
        if period and period.paused() and not self.unpaid:
            period.pauses[-1] = (period.pauses[-1][0], at)
            self.ask_fee(month(at), at)

    def bill(self, at: dt.datetime, name: str) -> None:
        self.ask_fee(name, at)

    def swept(self, at: dt.datetime, _: str) -> None:
        period = self.endless(at)
        if self.offer and at >= self.offer[0]:
            self.offer, self.late = None, True
            if period:
                period.end, period.first, period.trial = at, None, False
        if period is None or period.first is None:
            return
        if period.paused():
            if at >= month_end(month_end(period.pauses[-1][0])):
                self.ported(at, "")
        elif period.trial and not period.asked and at >= period.first - self.terms.window:
            enough = at + self.terms.window - dt.timedelta(hours=1)
            period.first, period.asked = max(period.first, enough), True
            self.offer = (period.first, self.terms.price(period.first), "")
        if period.fee_waits and period.first and at >= period.first:
            self.ask_fee(month(period.first), at)
            period.fee_waits = False

    def delivered(self, at: dt.datetime, text: str) -> None:
        """Fix the price of a delivered text; its receipt is charged when sent."""
        period = self.running(at)
        if period is None or period.paused():
            return
        free = period.trial or period.first is None or period.first > at
        self.prices.setdefault(text, None if free else self.terms.price(at))

    def went_out(self, at: dt.datetime, text: str) -> None:
        price = self.prices.get(text)
        if (
            text in self.ended
            or price is None
            or not price.per_receipt
            or f"receipt {text}" in self.charges
        ):
            return
        before = self.counted.get(month(at), 0)
        self.charges[f"receipt {text}"] = 0 if before < price.free else price.per_receipt
        if price.free:
            self.counted[month(at)] = before + 1

    def arrived(self, at: dt.datetime, text: str) -> None:
        self.went_out(at, text)
        self.ended.add(text)

    def bounced(self, _: dt.datetime, text: str) -> None:
        """Credit a charged receipt that did not arrive, unless its fate is known already."""
        charged = self.charges.get(f"receipt {text}", 0)
        if text not in self.ended and charged:
            self.charges[f"credit {text}"] = -charged
        self.ended.add(text)
