"""Pages of the rule book in force: overview, provinces, shared rules, file, earlier versions."""

import re
from collections.abc import Iterable

from flask import Response, request
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response as AnyResponse

from receipts.model.rule_books import ProposalKind
from receipts.model.staff import Right
from receipts.rulebook.diff import fingerprint
from receipts.rulebook.errors import RuleBookError
from receipts.staff.books.proposals import ProposalError
from web.console.books.desk import RuleBookDesk
from web.console.books.province_page import TARIFF_FIELDS, overview, province_page, shared_sections
from web.forms import sent_nonce
from web.staff.access import StaffRoute, signed_in

#: Rows of the overview.
_PROPOSALS, _VERSIONS = 20, 20

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9.+-]", re.ASCII)

_VIEW = Right.VIEW_RULE_BOOK


class RuleBookPages:
    """View by province, and earlier versions to be proposed again."""

    def __init__(self, desk: RuleBookDesk) -> None:
        self._desk = desk

    def routes(self) -> Iterable[StaffRoute]:
        """The routes of these pages."""
        yield StaffRoute("/rulebook", "rulebook", _VIEW, self.overview, in_navigation=True)
        yield StaffRoute("/rulebook/provinces/<code>", "rulebook_province", _VIEW, self.province)
        yield StaffRoute("/rulebook/shared", "rulebook_shared", _VIEW, self.shared)
        yield StaffRoute("/rulebook/file", "rulebook_file", _VIEW, self.file)
        propose = Right.PROPOSE_RULE_BOOK
        yield StaffRoute("/rulebook/again", "rulebook_again", propose, self.again, ("POST",))

    def overview(self, status: int = 200, wrong: str = "") -> Response:
        """The book in force, proposals, provinces and history."""
        desk = self._desk
        version, book, is_readable = desk.shown()
        return desk.page(
            "rulebook.html",
            status,
            wrong=wrong and desk.text(wrong),
            version=version,
            book=book,
            mark=fingerprint(book),
            unreadable=not is_readable,
            proposals=desk.proposals.latest(_PROPOSALS),
            provinces=overview(book, desk.terms(book), desk.today),
            history=desk.books.history(_VERSIONS),
        )

    def province(self, code: str) -> Response:
        """All rules of one province. Raises NotFound."""
        desk = self._desk
        _, book, _ = desk.shown()
        province, terms = book.province(code), desk.terms(book)
        if province is None:
            raise NotFound(code)
        page = province_page(province, terms, desk.today)
        heads = [terms.text(f"field.{name}") for name in TARIFF_FIELDS]
        return desk.page(
            "rulebook_province.html", page=page, version=book.version, tariff_heads=heads
        )

    def shared(self) -> Response:
        """The rules that all provinces share."""
        desk = self._desk
        _, book, _ = desk.shown()
        return desk.page("rulebook_shared.html", sections=shared_sections(book, desk.terms(book)))

    def file(self) -> Response:
        """The file of the book in force. Raises NotFound."""
        current = self._desk.current()
        if current is None:
            raise NotFound
        name = "".join(
            c for c in current.book.version if (c.isascii() and c.isalnum()) or c in "-+."
        )
        return Response(
            current.text,
            content_type="application/toml; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="rulebook-{name}.toml"'},
        )

    def again(self) -> Response | AnyResponse:
        """Propose an earlier version. Raises BadRequest."""
        desk, nonce = self._desk, sent_nonce()
        wanted = request.form.get("book", "")
        found = next(
            (v for v in desk.books.history(_VERSIONS) if v.book and v.book == wanted), None
        )
        if nonce is None or found is None:
            raise BadRequest("book")
        text = desk.books.text(found.book)
        if text is None:
            return self.overview(409, "book.text_gone")
        reason = desk.text("book.again_reason", version=found.version)
        try:
            made = desk.proposals.propose(
                text, found.version, ProposalKind.ROLLBACK, signed_in(), reason, nonce
            )
        except ProposalError as refused:
            key = "upload.same" if refused.reason == "same" else f"refused.{refused.reason}"
            return self.overview(409, key)
        except RuleBookError:
            return self.overview(409, "book.unreadable")
        return desk.site.see_other("rulebook_proposal", proposal=made.id, done="proposed")
