"""Pages to edit the operator's messages in receipts, with a preview in both languages."""

from collections.abc import Iterable, Sequence

from flask import Response, request
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response as AnyResponse

from receipts.model.rule_books import BookProposal, ProposalKind
from receipts.model.staff import Right
from receipts.model.vocabulary import Language, PromotionCategory
from receipts.rulebook.errors import RuleBookError, Violation
from receipts.rulebook.schema import Promotion, RuleBook
from receipts.staff.books.previews import MessagePreview, preview
from receipts.staff.books.promotion_editor import (
    EditedBook,
    PromotionDraft,
    with_message,
    without_days_after,
)
from receipts.staff.books.proposals import CurrentBook, ProposalError
from web.console.books.desk import RuleBookDesk
from web.console.books.province_page import message_rows
from web.forms import sent_nonce
from web.staff.access import StaffRoute, signed_in

_KINDS = tuple(kind.value for kind in PromotionCategory if kind is not PromotionCategory.NONE)
_LONGEST_INPUT = 200
_VIEW, _PROPOSE = Right.VIEW_RULE_BOOK, Right.PROPOSE_RULE_BOOK


class MessagePages:
    """List messages; add, change or end one as a proposal of a new rule book."""

    def __init__(self, desk: RuleBookDesk) -> None:
        self._desk = desk

    def routes(self) -> Iterable[StaffRoute]:
        """The routes of these pages."""
        post, path = ("POST",), "/rulebook/messages"
        yield StaffRoute(path, "rulebook_messages", _VIEW, self.messages)
        yield StaffRoute(f"{path}/edit", "rulebook_message", _PROPOSE, self.form)
        yield StaffRoute(f"{path}/edit", "rulebook_message_send", _PROPOSE, self.send, post)
        yield StaffRoute(f"{path}/end", "rulebook_message_end", _PROPOSE, self.end, post)

    def messages(self) -> Response:
        """The messages of the book in force."""
        desk = self._desk
        _, book, _ = desk.shown()
        rows = message_rows(list(book.messages), desk.terms(book), desk.today)
        return desk.page("rulebook_messages.html", rows=rows)

    def form(self) -> Response:
        """The form of one message, empty for a new one. Raises NotFound."""
        _, book, _ = self._desk.shown()
        name = request.args.get("name")
        found = _found(book, name)
        if name and found is None:
            raise NotFound(name)
        draft = _draft_of(found) if found else PromotionDraft(since=str(self._desk.today))
        return self._form(draft, book, previewed=found)

    def send(self) -> Response | AnyResponse:
        """Preview the typed message, or propose the book with it."""
        nonce, draft, reason = sent_nonce(), _typed(), _field("reason")
        current = self._desk.current()
        if nonce is None:
            raise BadRequest("once")
        if current is None:
            return self._form(draft, self._desk.book, reason, error="book.unreadable")
        try:
            edited = with_message(current.text, draft, current.version.number + 1)
        except RuleBookError as wrong:
            return self._form(
                draft, current.book, reason, "message.refused", violations=wrong.violations
            )
        found = _found(edited.book, draft.name)
        if request.form.get("do") == "preview":
            return self._form(draft, current.book, reason, previewed=found)
        if not reason:
            return self._form(draft, current.book, reason, "upload.no_reason", previewed=found)
        try:
            made = self._propose(edited, reason, nonce)
        except ProposalError as refused:
            return self._form(draft, current.book, reason, _key(refused), previewed=found)
        return self._desk.site.see_other("rulebook_proposal", proposal=made.id, done="proposed")

    def end(self) -> Response | AnyResponse:
        """Propose the book in which a message ends today. Raises BadRequest."""
        nonce, name = sent_nonce(), _field("name")
        current = self._desk.current()
        found = _found(current.book, name) if current else None
        if nonce is None or current is None or found is None:
            raise BadRequest("name")
        reason = self._desk.text("message.end_reason", name=name)
        try:
            edited = self._ended(current, name)
            made = self._propose(edited, reason, nonce)
        except RuleBookError as wrong:
            return self._form(
                _draft_of(found), current.book, "", "message.refused", violations=wrong.violations
            )
        except ProposalError as refused:
            return self._form(_draft_of(found), current.book, "", _key(refused))
        return self._desk.site.see_other("rulebook_proposal", proposal=made.id, done="proposed")

    def _ended(self, current: CurrentBook, name: str) -> EditedBook:
        number = current.version.number + 1
        return without_days_after(current.text, name, self._desk.today, number)

    def _propose(self, edited: EditedBook, reason: str, nonce: str) -> BookProposal:
        kind, by = ProposalKind.MESSAGES, signed_in()
        return self._desk.proposals.propose(edited.text, "messages", kind, by, reason, nonce)

    def _form(
        self,
        draft: PromotionDraft,
        book: RuleBook,
        reason: str = "",
        error: str = "",
        violations: Sequence[Violation] = (),
        previewed: Promotion | None = None,
    ) -> Response:
        desk = self._desk
        terms, known = desk.terms(book), _found(book, draft.name)
        previews: list[MessagePreview] = []
        if previewed is not None:
            previews = [preview(book, previewed, language) for language in Language]
        return desk.page(
            "rulebook_message.html",
            400 if error else 200,
            draft=draft,
            reason=reason,
            error=error,
            violations=desk.violation_rows(violations),
            wrong_fields={str(step) for each in violations for step in each.where},
            previews=previews,
            kinds=_KINDS,
            provinces=[(code, book.name(code, terms.language)) for code in book.provinces],
            terms=terms,
            is_known=known is not None,
            may_end=known is not None and known.until > desk.today,
        )


def _found(book: RuleBook, name: str | None) -> Promotion | None:
    return next((each for each in book.messages if each.name == name), None)


def _draft_of(message: Promotion) -> PromotionDraft:
    days = str(message.since), str(message.until)
    texts = message.zh, message.en
    return PromotionDraft(message.name, message.kind, *days, *texts, message.provinces)


def _typed() -> PromotionDraft:
    names = ("name", "kind", "since", "until", "zh", "en")
    return PromotionDraft(
        **{name: _field(name) for name in names},
        provinces=tuple(request.form.getlist("provinces")),
    )


def _field(name: str) -> str:
    return request.form.get(name, "").strip()[:_LONGEST_INPUT]


def _key(refused: ProposalError) -> str:
    return "upload.same" if refused.reason == "same" else f"refused.{refused.reason}"
