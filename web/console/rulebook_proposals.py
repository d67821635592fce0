"""Pages to propose a rule book, compare and rehearse it, and decide on it."""

from collections.abc import Iterable, Sequence

from flask import Response, request
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response as AnyResponse

from receipts.model.calendar import month_before, month_of
from receipts.model.rule_books import ProposalKind, Rehearsal
from receipts.model.staff import Right
from receipts.rulebook.diff import BookIssue
from receipts.rulebook.errors import RuleBookError, Violation
from receipts.rulebook.loader import MAX_BOOK_BYTES
from receipts.staff.books.proposals import ProposalError
from receipts.staff.books.rehearsal_chart import chart
from receipts.staff.books.rehearsals import comparisons
from receipts.staff.books.reviews import ProposedBook
from statemachines.approval import ApprovalState
from web.console.books.bill_table import bill_rows
from web.console.books.desk import RuleBookDesk
from web.console.books.differences import ChangeTable, change_tables
from web.forms import sent_nonce
from web.staff.access import StaffRoute, signed_in

_LONGEST_REASON = 200
_VIEW, _PROPOSE, _APPROVE = (
    Right.VIEW_RULE_BOOK, Right.PROPOSE_RULE_BOOK, Right.APPROVE_RULE_BOOK,
)  # fmt: skip
#: Results of acts that a page shows after its redirect.
_DONE = frozenset({"proposed", "approved", "rejected", "withdrawn", "rehearsing"})


class ProposalPages:
    """Upload a rule book; compare, rehearse, approve, reject and withdraw a proposed one."""

    def __init__(self, desk: RuleBookDesk) -> None:
        self._desk = desk

    def routes(self) -> Iterable[StaffRoute]:
        """The routes of these pages."""
        post, one = ("POST",), "/rulebook/proposals/<proposal>"
        yield StaffRoute("/rulebook/upload", "rulebook_upload", _PROPOSE, self.upload_form)
        yield StaffRoute("/rulebook/upload", "rulebook_send", _PROPOSE, self.upload, post)
        yield StaffRoute(one, "rulebook_proposal", _VIEW, self.proposal)
        yield StaffRoute(f"{one}/chart.svg", "rulebook_chart", _VIEW, self.chart)
        yield StaffRoute(f"{one}/rehearsal", "rulebook_rehearse", _PROPOSE, self.rehearse, post)
        yield StaffRoute(f"{one}/decision", "rulebook_decide", _APPROVE, self.decide, post)
        yield StaffRoute(f"{one}/withdrawal", "rulebook_withdraw", _PROPOSE, self.withdraw, post)

    # -- proposing -------------------------------------------------------------------------------

    def upload_form(self) -> Response:
        """The form for a file."""
        return self._upload_page()

    def upload(self) -> Response | AnyResponse:
        """Check a file and propose its rule book; nothing of a bad one is kept."""
        nonce, reason = _nonce(), _reason()
        file = request.files.get("file")
        data = file.stream.read(MAX_BOOK_BYTES + 1) if file is not None else b""
        if file is None or not data:
            return self._upload_page("upload.none", reason)
        if len(data) > MAX_BOOK_BYTES:
            return self._upload_page("upload.too_large", reason)
        if not reason:
            return self._upload_page("upload.no_reason", reason)
        name = (file.filename or "")[-80:] or "rulebook.toml"
        try:
            made = self._desk.proposals.propose(
                data, name, ProposalKind.UPLOAD, signed_in(), reason, nonce
            )
        except RuleBookError as wrong:
            return self._upload_page("upload.refused", reason, violations=wrong.violations)
        except ProposalError as refused:
            key = "upload.same" if refused.reason == "same" else "upload.refused"
            return self._upload_page(key, reason, issues=refused.issues)
        return self._see(made.id, "proposed")

    def _upload_page(
        self,
        error: str = "",
        reason: str = "",
        violations: Sequence[Violation] = (),
        issues: Sequence[BookIssue] = (),
    ) -> Response:
        return self._desk.page(
            "rulebook_upload.html",
            400 if error else 200,
            error=error,
            reason=reason,
            violations=self._desk.violation_rows(violations),
            issues=issues,
        )

    # -- one proposal ----------------------------------------------------------------------------

    def proposal(self, proposal: str) -> Response:
        """A proposal with its difference, rehearsal and decision. Raises NotFound."""
        done = request.args.get("done", "")
        return self._proposal_page(proposal, done=done if done in _DONE else "")

    def chart(self, proposal: str) -> Response:
        """The rehearsed bills as a picture. Raises NotFound."""
        shown = self._shown(proposal)
        rehearsal = shown.rehearsal
        if rehearsal is None or not rehearsal.bills or shown.old is None:
            raise NotFound(proposal)
        title = f"{rehearsal.month}: {shown.proposal.base_version} → {shown.proposal.version}"
        picture = chart(comparisons(rehearsal), shown.old, title)
        return Response(picture, content_type="image/svg+xml")

    def rehearse(self, proposal: str) -> Response | AnyResponse:
        """Ask the workers for a rehearsal. Raises BadRequest."""
        _nonce()
        month = request.form.get("month", "")
        if month not in self._months():
            raise BadRequest("month")
        try:
            self._desk.proposals.rehearse(proposal, month, signed_in())
        except ProposalError as refused:
            raise NotFound(proposal) from refused
        return self._see(proposal, "rehearsing")

    def decide(self, proposal: str) -> Response | AnyResponse:
        """Approve or reject. Raises BadRequest."""
        nonce, by, decision = _nonce(), signed_in(), request.form.get("decision", "")
        proposals = self._desk.proposals
        try:
            if decision == "approve":
                proposals.approve(proposal, by, nonce)
                return self._see(proposal, "approved")
            if decision == "reject":
                if not (reason := _reason()):
                    return self._proposal_page(proposal, wrong="upload.no_reason", status=400)
                proposals.reject(proposal, by, reason, nonce)
                return self._see(proposal, "rejected")
        except (ProposalError, RuleBookError) as refused:
            return self._refused(proposal, refused)
        raise BadRequest("decision")

    def withdraw(self, proposal: str) -> Response | AnyResponse:
        """Take the own proposal back."""
        try:
            self._desk.proposals.withdraw(proposal, signed_in(), _nonce())
        except ProposalError as refused:
            return self._refused(proposal, refused)
        return self._see(proposal, "withdrawn")

    def _refused(self, proposal: str, refused: Exception) -> Response:
        reason = refused.reason if isinstance(refused, ProposalError) else "issues"
        if reason == "unknown":
            raise NotFound(proposal)
        return self._proposal_page(proposal, wrong=f"refused.{reason}", status=409)

    def _proposal_page(
        self, proposal: str, *, done: str = "", wrong: str = "", status: int = 200
    ) -> Response:
        desk, shown = self._desk, self._shown(proposal)
        rehearsal = shown.rehearsal
        refusing = [each for each in shown.issues if each.refused]
        return desk.page(
            "rulebook_proposal.html",
            status,
            proposal=shown.proposal,
            done=done and desk.text(f"done.{done}"),
            wrong=wrong and desk.text(wrong),
            refusing=refusing,
            warnings=[each for each in shown.issues if not each.refused],
            is_kept=shown.new is not None,
            tables=self._tables(shown),
            rehearsal=rehearsal,
            is_running=rehearsal is not None and not rehearsal.is_over,
            percent=int(rehearsal.passed * 100) if rehearsal else 0,
            bills=self._bills(shown, rehearsal),
            months=self._months(),
            is_waiting=shown.proposal.state is ApprovalState.WAITING,
            is_own=shown.proposal.by == signed_in().name,
        )

    def _shown(self, proposal: str) -> ProposedBook:
        """Raises NotFound."""
        shown = self._desk.proposals.show(proposal)
        if shown is None:
            raise NotFound(proposal)
        return shown

    def _tables(self, shown: ProposedBook) -> list[ChangeTable]:
        if shown.old is None or shown.new is None:
            return []
        return change_tables(shown.old, shown.new, self._desk.terms(shown.new))

    def _bills(self, shown: ProposedBook, rehearsal: Rehearsal | None) -> list[list[str]]:
        if rehearsal is None or not rehearsal.is_over or shown.old is None:
            return []
        terms, name_of_all = self._desk.terms(shown.old), self._desk.text("rehearsal.all")
        return bill_rows(comparisons(rehearsal), terms, name_of_all)

    def _months(self) -> list[str]:
        """The months that may be rehearsed: this one and the last one."""
        month = month_of(self._desk.clock.now())
        return [month, month_before(month)]

    def _see(self, proposal: str, done: str) -> AnyResponse:
        return self._desk.site.see_other("rulebook_proposal", proposal=proposal, done=done)


def _nonce() -> str:
    """The form's idempotency key. Raises BadRequest."""
    if (nonce := sent_nonce()) is None:
        raise BadRequest("once")
    return nonce


def _reason() -> str:
    return " ".join(request.form.get("reason", "").split())[:_LONGEST_REASON]
