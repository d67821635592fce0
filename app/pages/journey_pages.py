"""The console's pages of one text's journey and of receipts that are stuck."""

from collections import Counter
from collections.abc import Iterable

from app.bootstrap import Container
from receipts.delivery.settlement import Settlement
from receipts.worker.hand_switch import BreakerSwitch
from web.console.journey import JourneyPages
from web.console.stuck.breakers import BreakerPages
from web.console.stuck.desk import StuckDesk
from web.console.stuck.lists import StuckPages
from web.console.stuck.settling import SettlingPages
from web.staff.access import StaffPages
from web.staff.rendering import StaffSite


def journey_pages(container: Container, site: StaffSite) -> Iterable[StaffPages]:
    """All these pages."""
    store, clock, retention = container.store, container.clock, container.book.retention
    desk = _desk(container, site)
    lists = StuckPages(desk)
    journeys = JourneyPages(site, container.journeys, store, clock, retention)
    return journeys, lists, SettlingPages(desk), BreakerPages(desk, lists)


def _desk(container: Container, site: StaffSite) -> StuckDesk:
    clients, store, clock = container.clients, container.store, container.clock

    def names() -> tuple[str, ...]:
        return container.lifecycle.router.names

    def waiting() -> Counter[str]:
        found: Counter[str] = Counter()
        for each in clients.outbox.backlog(names()):
            found[each.queue] += each.count
        return found

    settlement = Settlement(store, container.lifecycle, clock)
    breakers = BreakerSwitch(clients.rate_limiter, names, clock)
    counts = clients.bulk_reader.counts
    return StuckDesk(site, store, clients.stuck, counts, waiting, settlement, breakers, clock)
