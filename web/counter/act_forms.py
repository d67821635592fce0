"""The printable form of an act: rendered from its audit entry, which is the evidence."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask import Response
from werkzeug.exceptions import Forbidden, NotFound

from receipts.model.calendar import SHANGHAI
from receipts.model.charge import AuditEntry
from receipts.model.counter import CounterActReference, IdentityMode
from receipts.model.staff import Right
from receipts.ports.counter_index import CounterIndex
from receipts.ports.store import BulkReader
from receipts.staff.counter.acts import OPEN_BY_FORM, SIGNED
from receipts.staff.rights import has_right
from web.staff.access import StaffRoute, signed_in
from web.staff.rendering import StaffSite

#: Acts of which the form has a line for the owner's signature.
_SIGNED = frozenset({OPEN_BY_FORM, SIGNED})


@dataclass(frozen=True, slots=True)
class ActFormPages:
    """Forms to print, by serial number, as long as the audit log keeps the act."""

    site: StaffSite
    index: CounterIndex
    reader: BulkReader
    #: Numbers as texts and pages name them: hotline and short code.
    access_numbers: dict[str, str]
    count_refusal: Callable[[str], None]

    def routes(self) -> Iterable[StaffRoute]:
        """The route of a form."""
        yield StaffRoute("/form/<serial>", "act_form", Right.SERVE_CUSTOMERS, self.form)

    def form(self, serial: str) -> Response:
        """One form. Raises NotFound, or Forbidden for an act of another shop."""
        act = self.index.act(serial)
        if act is None:
            raise NotFound(serial)
        self._require_shop(act)
        entries = [each for each in self.reader.consent(act.number) if each.serial == serial]
        if not entries:
            raise NotFound(serial)
        entry = entries[-1]
        return self.site.page(
            "counter/act_form.html",
            act=act,
            entry=entry,
            at=f"{entry.at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}",
            act_name=self._act_name(act),
            shown=_shown(entries),
            is_agent=entry.identity.startswith(f"{IdentityMode.AGENT}:"),
            identity=entry.identity.partition(":")[2],
            is_signed=act.act in _SIGNED,
            access_numbers=self.access_numbers,
        )

    def _act_name(self, act: CounterActReference) -> str:
        key = f"act.{act.act}"
        return self.site.text(key) if key in self.site.catalogue else act.act

    def _require_shop(self, act: CounterActReference) -> None:
        member = signed_in()
        if act.shop != member.shop and not has_right(member.role, Right.READ_AUDIT):
            self.count_refusal("form of another shop")
            raise Forbidden("this form belongs to another shop")


def _shown(entries: list[AuditEntry]) -> str:
    """The text that the customer was shown, of the last entry that has one."""
    return next((each.shown_text for each in reversed(entries) if each.shown_text), "")
