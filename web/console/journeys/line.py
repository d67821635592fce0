"""A journey's steps as a line of time, in the language of the page."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from receipts.charging.tariffs import yuan
from receipts.model.calendar import SHANGHAI
from receipts.model.message import MessageTrace, NoReceiptReason
from receipts.model.vocabulary import Language
from receipts.reports.journey import Journey
from receipts.reports.journey_steps import JourneyStep, StepKind

#: Renders a text of this page by its key.
Text = Callable[..., str]

#: Steps that name their receipt, even where it is the only one.
_WITH_RECEIPT = frozenset({StepKind.RECEIPT, StepKind.NO_REPORT})

_BAD_ENDS = frozenset({"undelivered", "failed", "expired"})
_BAD_EVENTS = frozenset({"never", "give_up", "too_old", "staff_not_sent"})
_WARN_EVENTS = frozenset({"try_later", "lost_sight", "not_found"})


@dataclass(frozen=True, slots=True)
class LineStep:
    """A step: time of day, title, labelled details; ``tone`` is good, bad, warn or empty."""

    clock: str
    title: str
    tone: str
    details: list[tuple[str, str]] = field(default_factory=list)
    #: The receipt that a link leads to.
    receipt_id: str = ""


@dataclass(frozen=True, slots=True)
class LineDay:
    """The steps of one day in China."""

    day: str
    steps: list[LineStep]


class JourneyLine:
    """Words for steps; ``text`` renders the texts of the page, ``meaning`` a provider's code."""

    def __init__(self, text: Text, meaning: Callable[[str, str], str], language: Language) -> None:
        self._text, self._meaning, self._language = text, meaning, language

    def days(self, journey: Journey) -> list[LineDay]:
        """The steps by day."""
        found: list[LineDay] = []
        several = len(journey.receipts) > 1
        for step in journey.steps:
            day = f"{step.at.astimezone(SHANGHAI):%Y-%m-%d}"
            if not found or found[-1].day != day:
                found.append(LineDay(day, []))
            found[-1].steps.append(self._step(step, several or step.kind in _WITH_RECEIPT))
        return found

    def summary(self, journey: Journey) -> tuple[str, str]:
        """Status of the text and of its receipt, or why it has none."""
        trace = journey.trace
        status = trace.status if trace else journey.receipts[0].outcome or ""
        shown = self._text(f"status.{status}") if status else ""
        if journey.receipts:
            return shown, self._text(f"state.{journey.receipts[-1].state}")
        reason = _reason(trace) if trace else None
        if reason is None:
            return shown, ""
        return shown, self._text("about.no_receipt", reason=self._text(f"reason.{reason}"))

    def amount(self, fen: int) -> str:
        """Money in yuan."""
        return yuan(self._language, fen)

    def total(self, journey: Journey) -> str:
        """The sum of charges and credits; a charge that was given back makes 0, not free."""
        fen = sum(charge.fen for charge in journey.charges)
        is_free = not any(charge.fen for charge in journey.charges)
        return self._text("about.nothing") if fen == 0 and not is_free else self.amount(fen)

    def _step(self, step: JourneyStep, names_receipt: bool) -> LineStep:  # noqa: FBT001
        clock = "" if step.is_day else f"{step.at.astimezone(SHANGHAI):%H:%M:%S}"
        receipt_id = step.receipt_id if names_receipt else ""
        details = list(self._details(step))
        return LineStep(clock, self._title(step), _tone(step), details, receipt_id)

    def _title(self, step: JourneyStep) -> str:
        provider = step.provider
        match step.kind:
            case StepKind.ATTEMPT | StepKind.LOOKUP | StepKind.STAFF:
                return self._text(f"event.{step.status}", provider=provider)
            case StepKind.END:
                return self._text(f"state.{step.status}")
            case StepKind.DECISION if step.reason:
                return self._text("step.decision_no")
            case StepKind.RECEIPT if not step.outcome:
                return self._text("step.notice")
        outcome = self._text(f"status.{step.outcome}") if step.outcome else ""
        amount = self.amount(abs(step.fen or 0))
        return self._text(
            f"step.{step.kind}",
            status=step.status, provider=provider, outcome=outcome, amount=amount,
        )  # fmt: skip

    def _details(self, step: JourneyStep) -> Iterator[tuple[str, str]]:
        kind = step.kind
        is_staff, is_charge = kind is StepKind.STAFF, kind in {StepKind.CHARGE, StepKind.CREDIT}
        meaning = self._meaning(step.provider, step.code) if step.code else ""
        detail_name = "why" if is_staff else "digest" if kind is StepKind.RECEIPT else "answer"
        values = {
            "reason": self._text(f"reason.{step.reason}") if step.reason else "",
            "text": step.text,
            "mode": self._text(f"mode.{step.mode}") if step.mode else "",
            "language": self._text(f"language.{step.language}") if step.language else "",
            "price": "" if step.price_fen is None else self.amount(step.price_fen),
            "provider_id": step.provider_id,
            "code": step.code,
            "meaning": meaning,
            "clerk": step.clerk,
            detail_name: "" if is_charge else step.detail,
            "month": step.month,
        }
        for name, value in values.items():
            if value:
                yield self._text(f"detail.{name}"), value


def _reason(trace: MessageTrace) -> NoReceiptReason | None:
    """Why a text has no receipt: the reason of its end, else of its last report."""
    if trace.no_receipt_reason is None and trace.history:
        return trace.history[-1].no_receipt_reason
    return trace.no_receipt_reason


def _tone(step: JourneyStep) -> str:
    match step.kind:
        case StepKind.END:
            return "bad" if step.status in _BAD_ENDS else "good"
        case StepKind.DECISION:
            return "warn" if step.reason else "good"
        case StepKind.ACCEPTED:
            return "good"
        case StepKind.NO_REPORT | StepKind.SENDING:
            return "warn"
    if step.status in _BAD_EVENTS:
        return "bad"
    return "warn" if step.status in _WARN_EVENTS else ""


def moment(at: dt.datetime) -> str:
    """A time in China, to the second."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
