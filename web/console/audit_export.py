"""Downloads of a log, in parts of a bounded size."""

import re
from collections.abc import Callable, Iterable, Sequence

from flask import Response, request
from werkzeug.exceptions import BadRequest

from receipts.model.calendar import MonthError, month_of, month_start
from receipts.model.staff import Right, StaffAct
from receipts.ports.audit_log import AuditLog, LogKind, LogRecord
from receipts.ports.clock import Clock
from receipts.ports.staff_store import StaffStore
from web.staff.access import StaffRoute, signed_in
from web.staff.rendering import StaffSite

#: Lines of one part: a response is held in memory whole.
_LINES = 5_000
_LONGEST_INPUT = 60
_BEGIN = re.compile(r"[0-9_-]*", re.ASCII)

_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}

#: Writes records in a format.
AsText = Callable[[LogKind, str, Sequence[LogRecord]], str]


class AuditExportPages:
    """Parts of a log, and each of them as a file."""

    def __init__(
        self, site: StaffSite, log: AuditLog, staff: StaffStore, clock: Clock, as_text: AsText
    ) -> None:
        self._site, self._log, self._staff = site, log, staff
        self._clock, self._as_text = clock, as_text

    def routes(self) -> Iterable[StaffRoute]:
        """The routes of these pages."""
        right = Right.READ_AUDIT
        yield StaffRoute("/audit/parts", "audit_parts", right, self.parts)
        yield StaffRoute("/audit/file", "audit_file", right, self.file)

    def parts(self) -> Response:
        """One part with its links, and the link to the next one. Raises BadRequest."""
        kind, month, begin = _asked()
        records, following = self._log.part(kind, month, begin, _LINES)
        return self._site.page(
            "console/audit_parts.html",
            kind=kind,
            month=month,
            begin=begin,
            following=following,
            count=len(records),
            total=self._log.count(kind, month),
            formats=list(_TYPES),
        )

    def file(self) -> Response:
        """A part as a file; the download is on record before it is sent. Raises BadRequest."""
        kind, month, begin = _asked()
        file_format = request.args.get("format", "")
        if file_format not in _TYPES:
            raise BadRequest("format")
        member = signed_in()
        subject = f"{kind} {month}"
        act = StaffAct(self._clock.now(), member.name, "log_exported", subject, begin, member.shop)
        self._staff.record([act])
        records, _ = self._log.part(kind, month, begin, _LINES)
        name = "-".join(filter(None, (kind, month, begin.replace("_", "-"))))
        return Response(
            self._as_text(kind, file_format, records),
            content_type=_TYPES[file_format],
            headers={"Content-Disposition": f'attachment; filename="{name}.{file_format}"'},
        )


def _asked() -> tuple[LogKind, str, str]:
    """Kind, month and begin of a part. Raises BadRequest."""
    kind, month, begin = (
        request.args.get(name, "")[:_LONGEST_INPUT] for name in ("kind", "month", "begin")
    )
    if kind not in set(LogKind) or (
        not begin.replace("_", "").replace("-", "").isalnum() and begin
    ):
        raise BadRequest("kind")
    try:
        return LogKind(kind), month_of(month_start(month)), begin
    except MonthError as error:
        raise BadRequest("month") from error
