"""One receipt: settled as sent or not sent, or sent again, with a reason."""

from collections.abc import Iterable

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from receipts.delivery.settlement import StaffDecision
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.staff import Right
from receipts.staff.looks import record_looks
from statemachines.receipt import RECEIPT, ReceiptEvent
from web.console.stuck.desk import StuckDesk, nonce, typed
from web.staff.access import StaffRoute, signed_in

_ORDER = (ReceiptEvent.STAFF_SENT, ReceiptEvent.STAFF_NOT_SENT, ReceiptEvent.STAFF_RESEND)


class SettlingPages:
    """A receipt with the acts that its state allows."""

    def __init__(self, desk: StuckDesk) -> None:
        self._desk = desk

    def routes(self) -> Iterable[StaffRoute]:
        """The routes of these pages."""
        path = "/stuck/receipt"
        yield StaffRoute(path, "stuck_receipt", Right.VIEW_STUCK, self.receipt)
        yield StaffRoute(path, "settle", Right.SETTLE_RECEIPTS, self.settle, ("POST",))

    def receipt(self) -> Response:
        """One receipt by its id, with the look on record."""
        name = request.args.get("id", "").strip().lower()
        done = request.args.get("done", "")
        key = f"settle.done.{done}"
        site = self._desk.site
        return self._page(name, done=site.text(key) if key in site.catalogue else "")

    def settle(self) -> Response | AnyResponse:
        """Apply an act; the page of the receipt again, with what came of it."""
        event_id, name, reason = nonce(), typed("id").lower(), typed("reason")
        event = next((each for each in _ORDER if each == typed("do")), None)
        if event is None:
            return self._refused(name, "gone", reason)
        if not reason:
            return self._refused(name, "no_reason", reason)
        act = StaffDecision(name, event, signed_in().name, reason, event_id)
        result = self._desk.settlement.apply(act)
        if result != "done":
            return self._refused(name, result, reason)
        return self._desk.site.see_other("stuck_receipt", id=name, done=event.value)

    def _refused(self, name: str, why: str, reason: str) -> Response:
        wrong = self._desk.site.text(f"settle.refused.{why}")
        return self._page(name, 400 if why == "no_reason" else 409, wrong=wrong, reason=reason)

    def _page(
        self, name: str, status: int = 200, done: str = "", wrong: str = "", reason: str = ""
    ) -> Response:
        desk = self._desk
        (found,) = desk.store.receipts([name])
        if found is None:
            wrong = desk.site.text("settle.refused.gone")
            return desk.page("stuck_receipt.html", 404, receipt=None, wrong=wrong)
        looked = ([found.number], "console stuck", signed_in().name)
        record_looks(desk.store, desk.clock, *looked)
        return desk.page(
            "stuck_receipt.html",
            status,
            receipt=found,
            is_secret=found.kind.is_secret,
            acts=_possible(found),
            done=done,
            wrong=wrong,
            reason=reason,
        )


def _possible(receipt: Receipt) -> list[str]:
    """The acts that the receipt's state allows."""
    if receipt.digest is not None:
        return []
    acts = [each for each in _ORDER if not RECEIPT.fire(receipt.state, each).refused]
    if receipt.kind is MessageKind.CODE:
        acts = [each for each in acts if each is not ReceiptEvent.STAFF_RESEND]
    return [each.value for each in acts]
