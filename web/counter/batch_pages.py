"""Pages of batches: upload a list of numbers with one act, and decide on it as a second person."""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, request
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response as AnyResponse

from receipts.bulk_import.number_list import NumberList, read_numbers
from receipts.model.calendar import SHANGHAI
from receipts.model.counter import Batch, BatchAct
from receipts.model.staff import Right
from receipts.staff.counter.batches import MAX_NUMBERS, Batches, BatchRefusedError
from receipts.staff.rights import has_right
from statemachines.approval import ApprovalState
from web.forms import sent_nonce
from web.staff.access import StaffRoute, signed_in
from web.staff.rendering import StaffSite

_LONGEST_REASON = 200
_LISTED = 50

#: Bytes read of a file; a longer one has more numbers than a batch takes.
_MAX_FILE_BYTES = 100_000

#: Look of a state's badge.
_BADGES = {ApprovalState.WAITING: "warn", ApprovalState.APPROVED: "good"}

#: Results of a form that the page shows after its redirect.
_DONE = frozenset({"proposed", "approved", "rejected", "withdrawn"})


@dataclass(frozen=True, slots=True)
class BatchPages:
    """Batches of the signed-in person's shop."""

    site: StaffSite
    batches: Batches

    def routes(self) -> Iterable[StaffRoute]:
        """The routes; only a supervisor decides."""
        serve, decide, post = Right.SERVE_CUSTOMERS, Right.SUPERVISE_COUNTER, ("POST",)
        one = "/bulk/<batch_id>"
        yield StaffRoute("/bulk", "bulk", serve, self.overview, in_navigation=True)
        yield StaffRoute("/bulk/upload", "bulk_upload", serve, self.upload, post)
        yield StaffRoute(one, "bulk_batch", serve, self.batch)
        yield StaffRoute(f"{one}/decision", "bulk_decide", decide, self.decide, post)
        yield StaffRoute(f"{one}/withdrawal", "bulk_withdraw", serve, self.withdraw, post)

    def overview(self) -> Response:
        """The newest batches, and the form for another one."""
        return self._overview()

    def upload(self) -> Response | AnyResponse:
        """Propose a list; a file with one wrong line is refused as a whole."""
        nonce, reason, act = _nonce(), _reason(), request.form.get("act", "")
        if act not in set(BatchAct):
            raise BadRequest("act")
        file = request.files.get("file")
        contents = file.stream.read(_MAX_FILE_BYTES + 1) if file is not None else b""
        if not contents:
            return self._overview("bulk.no_file", reason, act)
        if not reason:
            return self._overview("bulk.no_reason", reason, act)
        read = read_numbers(contents[:_MAX_FILE_BYTES])
        if read.is_unreadable:
            return self._overview("bulk.unreadable", reason, act)
        if len(contents) > _MAX_FILE_BYTES or len(read.numbers) > MAX_NUMBERS:
            return self._overview("bulk.too_many", reason, act)
        if read.wrong or not read.numbers:
            return self._overview("bulk.wrong_lines", reason, act, read)
        made = self.batches.propose(BatchAct(act), read.numbers, signed_in(), reason, nonce)
        return self._see(made.id, "proposed")

    def batch(self, batch_id: str) -> Response:
        """One batch, with what may be done about it. Raises NotFound."""
        done = request.args.get("done", "")
        return self._batch(batch_id, done=done if done in _DONE else "")

    def decide(self, batch_id: str) -> Response | AnyResponse:
        """Approve and carry out, carry on, or reject. Raises BadRequest."""
        _nonce()
        by, decision = signed_in(), request.form.get("decision", "")
        try:
            if decision == "approve":
                self.batches.approve(batch_id, by)
                return self._see(batch_id, "approved")
            if decision == "reject":
                if not (reason := _reason()):
                    return self._batch(batch_id, wrong="bulk.no_reason", status=400)
                self.batches.reject(batch_id, by, reason)
                return self._see(batch_id, "rejected")
        except BatchRefusedError as refused:
            return self._refused(batch_id, refused)
        raise BadRequest("decision")

    def withdraw(self, batch_id: str) -> Response | AnyResponse:
        """Take the own batch back."""
        _nonce()
        try:
            self.batches.withdraw(batch_id, signed_in())
        except BatchRefusedError as refused:
            return self._refused(batch_id, refused)
        return self._see(batch_id, "withdrawn")

    def _refused(self, batch_id: str, refused: BatchRefusedError) -> Response:
        if refused.reason == "unknown":
            raise NotFound(batch_id)
        return self._batch(batch_id, wrong=f"bulk.refused_{refused.reason}", status=409)

    def _overview(
        self, wrong: str = "", reason: str = "", act: str = "", read: NumberList | None = None
    ) -> Response:
        rows = [self._row(each) for each in self.batches.latest(signed_in(), _LISTED)]
        status = HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK
        return self.site.page(
            "counter/bulk.html", status, rows=rows, acts=list(BatchAct), act=act, reason=reason,
            wrong=wrong and self.site.text(wrong, most=MAX_NUMBERS),
            wrong_lines=read.wrong if read else (), most=MAX_NUMBERS,
        )  # fmt: skip

    def _batch(
        self, batch_id: str, *, done: str = "", wrong: str = "", status: int = 200
    ) -> Response:
        member = signed_in()
        try:
            batch = self.batches.show(batch_id, member)
        except BatchRefusedError as refused:
            raise NotFound(batch_id) from refused
        is_own, is_waiting = batch.by == member.name, batch.state is ApprovalState.WAITING
        may_decide = has_right(member.role, Right.SUPERVISE_COUNTER)
        return self.site.page(
            "counter/bulk_batch.html", status, batch=batch, row=self._row(batch),
            numbers=[each.masked for each in self.batches.batches.numbers(batch_id) or ()],
            may_decide=may_decide and is_waiting and not is_own,
            may_withdraw=is_own and is_waiting,
            may_go_on=may_decide and batch.is_running,
            needs_other=is_own and is_waiting,
            done=done and self.site.text(f"bulk.done_{done}"),
            wrong=wrong and self.site.text(wrong),
        )  # fmt: skip

    def _row(self, batch: Batch) -> dict[str, object]:
        times = (batch.at, batch.decided_at)
        at, decided_at = (
            f"{each.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if each else "" for each in times
        )
        return {
            "batch": batch,
            "at": at,
            "decided_at": decided_at,
            "badge": _BADGES.get(batch.state, ""),
        }

    def _see(self, batch_id: str, done: str) -> AnyResponse:
        return self.site.see_other("bulk_batch", batch_id=batch_id, done=done)


def _nonce() -> str:
    """The form's idempotency key. Raises BadRequest."""
    if (nonce := sent_nonce()) is None:
        raise BadRequest("once")
    return nonce


def _reason() -> str:
    return " ".join(request.form.get("reason", "").split())[:_LONGEST_REASON]
