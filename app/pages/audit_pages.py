"""Puts the console's pages of the audit log together."""

from collections.abc import Iterable

from app.bootstrap import Container
from web.console.audit import AuditPages
from web.staff.access import StaffPages
from web.staff.rendering import StaffSite


def audit_pages(container: Container, site: StaffSite) -> Iterable[StaffPages]:
    """All pages of the audit log."""
    clients = container.clients
    store, clock = container.store, container.clock
    return (AuditPages(site, clients.audit_log, clients.bulk_reader, store, clock),)
