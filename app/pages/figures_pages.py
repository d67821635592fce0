"""Puts the console's pages of figures together."""

from collections.abc import Callable

from app.bootstrap import Container
from app.queue_status import read_status
from receipts.staff.figures.provinces import ProvinceFigures
from receipts.staff.figures.service import FiguresService
from receipts.staff.figures.status import ProviderOverview, ServiceStatus
from web.console.figures.months import ProvincesPage
from web.console.figures.today import TodayPage
from web.staff.access import StaffPages
from web.staff.rendering import StaffSite


def figures_pages(container: Container, site: StaffSite) -> tuple[StaffPages, StaffPages]:
    """The first page of the console, and that of the provinces."""
    figures = figures_service(container)
    return TodayPage(site, figures, service_status(container)), ProvincesPage(site, figures)


def figures_service(container: Container) -> FiguresService:
    """The figures under the rule book of a container."""
    book, reader = container.book, container.clients.bulk_reader
    nearest = container.keyword_parser.nearest
    return FiguresService(reader, container.clock, ProvinceFigures(book), nearest)


def service_status(container: Container) -> Callable[[], ServiceStatus]:
    """Reads the status of the service. The reader raises StoreUnavailableError."""
    names = container.lifecycle.router.names

    def read() -> ServiceStatus:
        clients = container.clients
        found = read_status(clients, names, container.clock)
        backlogs = (*found.queued, *found.waiting)
        states = {each.provider: each.state for each in found.healths}
        return ServiceStatus(
            waiting=sum(backlog.count for backlog, _ in backlogs),
            oldest_seconds=max((age for _, age in backlogs), default=0.0),
            unsure=found.unsure,
            idle_seconds=min(clients.outbox.workers_idle_seconds(), default=None),
            providers=tuple(
                ProviderOverview(
                    each.provider, states[each.provider], each.ended, each.failed, each.is_failing
                )
                for each in found.senders
            ),
        )

    return read
