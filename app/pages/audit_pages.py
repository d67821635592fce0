"""Puts the console's pages of the audit log together."""

from collections.abc import Iterable, Sequence
from io import StringIO

from app.bootstrap import Container
from app.exports.monthly import ExportFormat, write_rows
from app.exports.serializers import column_names, serialize_fields
from receipts.model.charge import AuditEntry, StaffLookup
from receipts.model.staff import StaffAct
from receipts.ports.audit_log import LogKind, LogRecord
from web.console.audit import AuditPages
from web.console.audit_export import AuditExportPages
from web.staff.access import StaffPages
from web.staff.rendering import StaffSite

_COLUMNS = {
    LogKind.ACTS: column_names(StaffAct),
    LogKind.LOOKUPS: column_names(StaffLookup),
    LogKind.AUDIT: column_names(AuditEntry),
}


def audit_pages(container: Container, site: StaffSite) -> Iterable[StaffPages]:
    """All pages of the audit log."""
    clients = container.clients
    store, clock = container.store, container.clock
    yield AuditPages(site, clients.audit_log, clients.bulk_reader, store, clock)
    yield AuditExportPages(site, clients.audit_log, clients.staff, clock, as_text)


def as_text(kind: LogKind, file_format: str, records: Sequence[LogRecord]) -> str:
    """Records in a format, as the command ``export`` writes them."""
    out, columns = StringIO(newline=""), _COLUMNS[kind]
    rows = (serialize_fields(record, columns) for record in records)
    write_rows(out, columns, rows, ExportFormat(file_format))
    return out.getvalue()
