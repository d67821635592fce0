"""The customer's own texts that have no receipt, each with the reason."""

import datetime as dt

from flask import Blueprint, Response

from receipts.model.message import MessageTrace, NoReceiptReason
from receipts.model.reported_time import ReportedTime
from receipts.model.vocabulary import Language
from receipts.ports.store import ReportQuery
from receipts.wording.times import short_time
from web.forms import page_number
from web.portal.rendering import PageRenderer, PortalServices

#: Texts that one page looks at; most of them have a receipt and are not listed.
_TEXTS = 200

#: Reasons that a text keeps; for all others the network has no final result yet.
_TOLD = frozenset(
    {
        NoReceiptReason.RECIPIENT_OFF_NET,
        NoReceiptReason.SENDER_OFF_NET,
        NoReceiptReason.NOT_SUBSCRIBED,
        NoReceiptReason.SUSPENDED,
        NoReceiptReason.PROVINCE_CLOSED,
    }
)


class NoReceiptPages:
    """The list of texts without a receipt."""

    def __init__(self, portal: PortalServices) -> None:
        self._portal = portal

    def register(self, blueprint: Blueprint) -> None:
        """Register the routes."""
        blueprint.get("/receipts/none", endpoint="no_receipts")(self.texts)

    def texts(self) -> Response:
        """A page of the texts without a receipt among those that are kept, newest first."""
        page, index = PageRenderer.of_caller(self._portal), page_number()
        number, store = page.customer.number, self._portal.presenter.store
        listed = self._portal.text_index.newest_texts_of(number, _TEXTS + 1, (index - 1) * _TEXTS)
        shown = listed[:_TEXTS]
        found = store.load_many([ReportQuery(number, t.recipient, t.message_id) for t in shown])
        rows = [
            self._row(snapshot.trace, text.begun, page.language)
            for text, snapshot in zip(shown, found, strict=True)
            if snapshot.trace is not None and snapshot.trace.receipt_id is None
        ]
        days = self._portal.presenter.policy.book.retention.trails_days
        is_more = len(listed) > _TEXTS
        return page.render("no_receipts.html", rows=rows, index=index, is_more=is_more, days=days)

    def _row(
        self, text: MessageTrace, begun: dt.datetime, language: Language
    ) -> tuple[str, str, str]:
        """Time of sending or of the first report, recipient, and reason."""
        now = self._portal.presenter.clock.now()
        at = short_time(text.submitted or ReportedTime(begun), now, language)
        reason = text.no_receipt_reason
        key = f"no_receipts.{reason if reason in _TOLD else 'waiting'}"
        return at, text.recipient.national, self._portal.catalogue.render(key, language)
