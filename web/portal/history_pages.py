"""History of a customer's changes: date, channel, act, and the text that was shown for it."""

from dataclasses import dataclass

from flask import Blueprint, Response

from receipts.model.calendar import SHANGHAI
from receipts.model.charge import AuditEntry
from receipts.model.vocabulary import Channel, Language
from receipts.wording.notice_text import notices
from statemachines.subscription import RECEIVING
from web.forms import page_number
from web.portal.rendering import PageRenderer, PortalServices

_ENTRIES = 30

#: Origins of an event that no customer asked for, by the first part of its name.
_ORIGINS = {"time": "from.time", "list": "from.list", "forget": "from.staff"}


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One change; ``shown`` is the text that was shown or sent then, in the language of then."""

    at: str
    act: str
    origin: str
    shown: str
    #: The number of the form that a counter printed.
    serial: str


class HistoryPages:
    """The list of changes."""

    def __init__(self, portal: PortalServices) -> None:
        self._portal = portal

    def register(self, blueprint: Blueprint) -> None:
        """Register the routes."""
        blueprint.get("/history")(self.history)

    def history(self) -> Response:
        """A page of the changes that are kept, newest first."""
        page, index = PageRenderer.of_caller(self._portal), page_number()
        entries = self._portal.presenter.store.history(
            page.customer.number, _ENTRIES + 1, (index - 1) * _ENTRIES
        )
        rows = [self._row(each, page.language) for each in entries[:_ENTRIES]]
        months = self._portal.presenter.policy.book.retention.audit_months
        is_more = len(entries) > _ENTRIES
        return page.render("history.html", rows=rows, index=index, is_more=is_more, months=months)

    def _row(self, entry: AuditEntry, language: Language) -> HistoryRow:
        at = f"{entry.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
        # An entry of the console has the words of staff.
        shown = entry.shown_text if entry.channel in set(Channel) else ""
        act, origin = self._act(entry, language), self._origin(entry, language)
        return HistoryRow(at, act, origin, shown, entry.serial)

    def _act(self, entry: AuditEntry, language: Language) -> str:
        """The act in words; within a service, an order and its answers are about keeping it."""
        texts, keys = self._portal.catalogue, [f"act.{entry.action}", "act.other"]
        if entry.state_before in RECEIVING:
            keys.insert(0, f"act.keep_{entry.action}")
        return texts.render(next(key for key in keys if key in texts), language)

    def _origin(self, entry: AuditEntry, language: Language) -> str:
        """The channel of a customer's act; or the operator, or the clock."""
        origin = _ORIGINS.get(entry.event.partition(":")[0])
        if origin is None and entry.channel in set(Channel):
            names = self._portal.presenter.policy.access_numbers
            name = notices().render(f"door.{entry.channel}", language, **names)
            shop = self._portal.catalogue.render("from.shop", language, shop=entry.shop)
            return name + shop if entry.shop else name
        return self._portal.catalogue.render(origin or "from.staff", language)
