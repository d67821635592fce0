"""The console's page of one customer."""

from collections.abc import Iterable
from typing import Any

from app.bootstrap import Container
from app.exports.personal_data import exported
from app.exports.personal_page import printable_page
from app.pages.counter_services import counter_texts
from receipts.model.calendar import SHANGHAI
from receipts.model.vocabulary import Msisdn
from web.console.customers.pages import CustomerLifePages
from web.console.customers.sections import LifeReader
from web.staff.access import StaffPages
from web.staff.rendering import StaffSite


def customer_pages(container: Container, site: StaffSite) -> Iterable[StaffPages]:
    """All these pages."""
    clients, policy, clock = container.clients, container.policy, container.clock
    reader, index = clients.bulk_reader, clients.text_index
    life = LifeReader(
        container.store, container.history, reader, index, lambda: container.book, clock.now
    )

    def export(number: Msisdn) -> tuple[dict[str, Any], str]:
        data = exported(container, container.personal_data.collect(number))
        at = f"{clock.now().astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
        return data, printable_page(data, at, container.book.retention)

    acts = counter_texts().portal
    yield CustomerLifePages(site, container.store, policy, clock, life, export, acts)
