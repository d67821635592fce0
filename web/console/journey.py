"""The console's page of one text's journey."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Response, request

from receipts.model.staff import Right
from receipts.model.vocabulary import Msisdn
from receipts.numbering.msisdn import parse_msisdn
from receipts.ports.clock import Clock
from receipts.ports.store import Store
from receipts.reports.journey import MOST_TEXTS, Journey, Journeys
from receipts.reports.typed_time import TypedTimeError, read_time
from receipts.rulebook.schema import Retention
from receipts.staff.looks import record_looks
from receipts.staff.rights import has_right
from statemachines.receipt import RECEIPT, ReceiptEvent
from web.console.failures import failure_meaning
from web.console.journeys.line import JourneyLine, moment
from web.staff.access import StaffRoute, signed_in
from web.staff.rendering import StaffSite, page_language

_FIELDS = ("number", "friend", "time", "id", "why")
_LONGEST_INPUT = 200
_COMMAND = "console journey"


class SearchError(Exception):
    """Typed values that name no text; the message is the key of a text of the page."""


class JourneyPages:
    """Find a text, choose one of several, and follow it on a line of time."""

    def __init__(
        self, site: StaffSite, journeys: Journeys, store: Store, clock: Clock, kept: Retention
    ) -> None:
        self._site, self._journeys = site, journeys
        self._store, self._clock, self._kept = store, clock, kept

    def routes(self) -> Iterable[StaffRoute]:
        """The routes of this page."""
        right = Right.VIEW_CUSTOMERS
        yield StaffRoute("/journey", "journey", right, self.by_id, in_navigation=True)
        # Numbers are never in an address, which logs and histories keep.
        yield StaffRoute("/journey", "journey_find", right, self.find, ("POST",))

    def by_id(self) -> Response:
        """The search; with an id in the address, its text."""
        name = request.args.get("id", "").strip()[:_LONGEST_INPUT]
        return self._answer({"id": name}) if name else self._page({})

    def find(self) -> Response:
        """The text that the form names, or the texts that fit."""
        typed = {name: request.form.get(name, "").strip()[:_LONGEST_INPUT] for name in _FIELDS}
        return self._answer(typed)

    def _answer(self, typed: dict[str, str]) -> Response:
        try:
            found, sought = self._found(typed)
        except SearchError as wrong:
            words = self._text(f"wrong.{wrong}")
            return self._page(typed, 400, wrong=words, wrong_field=str(wrong))
        numbers = [journey.number for journey in found] or sought
        clerk, why = signed_in().name, typed.get("why", "")
        record_looks(self._store, self._clock, numbers, _COMMAND, clerk, why)
        if not found:
            return self._page(typed, 404, missing=self._none(typed, bool(sought)))
        if len(found) > 1:
            return self._page(typed, several=found)
        return self._page(typed, journey=found[0], stuck_id=_stuck(found[0]))

    def _found(self, typed: dict[str, str]) -> tuple[list[Journey], list[Msisdn]]:
        """The texts, and the customer that was asked for. Raises SearchError."""
        number, friend = typed.get("number", ""), typed.get("friend", "")
        name, time = typed.get("id", ""), typed.get("time", "")
        if not number and not friend:
            if not name:
                raise SearchError("empty")
            return self._journeys.of_id(name), []
        sender, recipient = parse_msisdn(number), parse_msisdn(friend)
        if sender is None or recipient is None:
            raise SearchError("number" if sender is None else "friend")
        try:
            around = read_time(time, self._clock.now()) if time else None
        except TypedTimeError:
            raise SearchError("time") from None
        if name:
            return self._journeys.of_text(sender, recipient, name, around), [sender]
        return self._journeys.of_pair(sender, recipient, around), [sender]

    def _none(self, typed: dict[str, str], has_numbers: bool) -> list[str]:  # noqa: FBT001
        named = "pair_id" if has_numbers and typed.get("id") else "pair" if has_numbers else "id"
        kept = self._kept
        return [
            self._text(f"none.{named}", **{name: typed.get(name, "") for name in _FIELDS}),
            self._text(
                "none.kept",
                days=kept.trails_days,
                months=kept.receipts_months,
                hours=kept.strangers_hours,
            ),
        ]

    def _text(self, key: str, **params: object) -> str:
        return self._site.text(f"journey.{key}", **params)

    def _page(self, typed: dict[str, str], status: int = 200, **context: Any) -> Response:  # noqa: ANN401
        text: Callable[..., str] = self._text
        line = JourneyLine(text, self._meaning, page_language())
        values = {name: typed.get(name, "") for name in _FIELDS}
        return self._site.page(
            "console/journey.html",
            status,
            j=text,
            typed=values,
            line=line,
            moment=moment,
            most=MOST_TEXTS,
            **context,
        )

    def _meaning(self, provider: str, code: str) -> str:
        return failure_meaning(self._site, provider, code)


def _stuck(journey: Journey) -> str:
    """The receipt that staff may settle or have sent again, if the role may see it; else empty."""
    if not journey.receipts or not has_right(signed_in().role, Right.VIEW_STUCK):
        return ""
    last = journey.receipts[-1]
    is_open = not RECEIPT.fire(last.state, ReceiptEvent.STAFF_RESEND).refused
    return (last.digest or last.id) if is_open else ""
