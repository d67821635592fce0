"""Console pages of the audit log: acts of staff, looks at customers, acts for customers."""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from receipts.model.calendar import SHANGHAI, MonthError, month_of, month_start
from receipts.model.charge import AuditEntry, StaffLookup
from receipts.model.staff import Right, StaffAct
from receipts.model.vocabulary import Language
from receipts.numbering.msisdn import parse_msisdn
from receipts.ports.audit_log import AuditLog, LogKind, LogRecord
from receipts.ports.clock import Clock
from receipts.ports.store import BulkReader, Store
from receipts.staff.looks import record_looks
from receipts.subscriptions.consent_chain import ChainCheck, check_chain
from web.staff.access import StaffRoute, signed_in
from web.staff.rendering import StaffSite, page_language

_ROWS = 50
_MONTHS = 12
_LONGEST_INPUT = 100
_BEFORE = re.compile(r"[0-9]{1,15}", re.ASCII)
_RIGHT = Right.READ_AUDIT
_COMMAND = "console audit"


@dataclass(frozen=True, slots=True)
class LogRow:
    """A line of a log as the page shows it."""

    at: str
    clerk: str
    shop: str
    act: str
    about: str
    detail: str


@dataclass(frozen=True, slots=True)
class LogFilter:
    """The typed filter; empty fields fit all records."""

    kind: LogKind
    month: str
    clerk: str
    act: str

    def fits(self, record: LogRecord, act: str) -> bool:
        """Whether a record fits; ``act`` is its name as the page shows it."""
        is_of_staff = bool(record.clerk) or isinstance(record, StaffAct)
        has_clerk = not self.clerk or record.clerk.lower() == self.clerk
        return is_of_staff and has_clerk and self.act in act.lower()


class AuditPages:
    """Read logs by month, and check the chain of consent of one customer."""

    def __init__(
        self, site: StaffSite, log: AuditLog, reader: BulkReader, store: Store, clock: Clock
    ) -> None:
        self._site, self._log = site, log
        self._reader, self._store, self._clock = reader, store, clock

    def routes(self) -> Iterable[StaffRoute]:
        """The routes of these pages."""
        yield StaffRoute("/audit", "audit", _RIGHT, self.listing, in_navigation=True)
        yield StaffRoute("/audit/chain", "audit_chain", _RIGHT, self.chain)
        # A number is never in an address, which logs and histories keep.
        yield StaffRoute("/audit/chain", "audit_check", _RIGHT, self.check, ("POST",))

    def listing(self) -> Response:
        """A page of a log, newest first."""
        asked, language = self._filter(), page_language()
        before = request.args.get("before", "")
        page = self._log.newest(
            asked.kind,
            asked.month,
            lambda record: asked.fits(record, self._act(record, language)),
            _ROWS,
            int(before) if _BEFORE.fullmatch(before) else None,
        )
        return self._site.page(
            "console/audit.html",
            rows=[self._row(record, language) for record in page.records],
            older=page.older,
            asked=asked,
            months=self.months,
            kinds=list(LogKind),
            count=self._log.count(asked.kind, asked.month),
        )

    def chain(self) -> Response:
        """Ask for the number whose chain is to be checked."""
        return self._chain_page()

    def check(self) -> Response | AnyResponse:
        """Check a customer's chain of consent; the look is on record before it is shown."""
        typed = {name: request.form.get(name, "")[:_LONGEST_INPUT] for name in ("number", "why")}
        number = parse_msisdn(typed["number"])
        if number is None:
            return self._chain_page(typed, status=400, wrong=self._site.text("audit.no_number"))
        clerk = signed_in().name
        record_looks(self._store, self._clock, [number], _COMMAND, clerk, typed["why"])
        return self._chain_page(typed, check_chain(self._store, self._reader, number))

    def _chain_page(
        self,
        typed: dict[str, str] | None = None,
        result: ChainCheck | None = None,
        status: int = 200,
        wrong: str = "",
    ) -> Response:
        return self._site.page(
            "console/audit_chain.html",
            status,
            wrong=wrong,
            typed=typed or {},
            result=result,
            moment=_moment,
        )

    @property
    def months(self) -> list[str]:
        """The last months, newest first."""
        month, found = month_of(self._clock.now()), []
        for _ in range(_MONTHS):
            found.append(month)
            month = month_of(month_start(month) - dt.timedelta(days=1))
        return found

    def _filter(self) -> LogFilter:
        names = ("kind", "month", "clerk", "act")
        given = {name: request.args.get(name, "").strip()[:_LONGEST_INPUT] for name in names}
        kind = given["kind"] if given["kind"] in set(LogKind) else LogKind.ACTS
        try:
            month = month_of(month_start(given["month"]))
        except MonthError:
            month = self.months[0]
        return LogFilter(LogKind(kind), month, given["clerk"].lower(), given["act"].lower())

    def _act(self, record: LogRecord, language: Language) -> str:
        """The name of an act in words, or as it is stored."""
        if isinstance(record, StaffAct):
            key = f"audit.act.{record.act}"
            is_known = key in self._site.catalogue
            return self._site.catalogue.render(key, language) if is_known else record.act
        return record.command if isinstance(record, StaffLookup) else record.event

    def _row(self, record: LogRecord, language: Language) -> LogRow:
        act, at = self._act(record, language), _moment(record.at)
        if isinstance(record, StaffAct):
            clerk = record.clerk or "–"
            return LogRow(at, clerk, record.shop, act, record.subject, record.reason)
        number = record.number.masked
        if isinstance(record, AuditEntry):
            states = f"{record.state_before} → {record.state_after}"
            detail = " · ".join(filter(None, (states, record.identity, record.serial)))
            return LogRow(at, record.clerk, record.shop, act, number, detail)
        return LogRow(at, record.clerk, "", act, number, record.reason)


def _moment(at: dt.datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
