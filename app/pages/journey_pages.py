"""The console's pages of one text's journey and of receipts that are stuck."""

from collections.abc import Iterable

from app.bootstrap import Container
from web.console.journey import JourneyPages
from web.staff.access import StaffPages
from web.staff.rendering import StaffSite


def journey_pages(container: Container, site: StaffSite) -> Iterable[StaffPages]:
    """All these pages."""
    store, clock = container.store, container.clock
    yield JourneyPages(site, container.journeys, store, clock, container.book.retention)
