"""Services and pages of the counter."""

from collections.abc import Callable, Iterable
from functools import cache, partial
from importlib.resources import files
from pathlib import Path

from app.bootstrap import Container
from app.metrics.counters import count_refusal
from receipts.delivery.receipt_search import ReceiptSearch
from receipts.delivery.service_passwords import ServicePasswords
from receipts.model.vocabulary import Channel
from receipts.staff.counter.acts import CounterActs
from receipts.staff.counter.batches import Batches
from receipts.staff.counter.identity import ResidentId, parse_resident_id, today_in_china
from receipts.staff.counter.listed_acts import ListedActs
from receipts.staff.counter.owner_texts import OwnerTexts
from receipts.staff.counter.passwords import CounterPasswords
from receipts.staff.counter.supervision import Supervision
from receipts.staff.counter.visits import CounterVisits
from receipts.wording.catalogue import Catalogue
from web.counter.act_forms import ActFormPages
from web.counter.batch_pages import BatchPages
from web.counter.customer_pages import CustomerPages
from web.counter.passwords import PasswordPages
from web.counter.services import CounterServices
from web.counter.supervise import SupervisePages
from web.counter.texts import CounterTexts
from web.counter.visit_pages import VisitPages
from web.portal.view_models import AccountPresenter
from web.staff.access import StaffPages
from web.staff.rendering import StaffSite


@cache
def counter_texts() -> CounterTexts:
    """Texts of the counter, and those that it shares with the portal."""
    own = Path(str(files("web.counter").joinpath("texts", "counter.toml")))
    portal = Path(str(files("web.portal").joinpath("texts.toml")))
    return CounterTexts(Catalogue(own), Catalogue(portal))


def counter_visits(container: Container) -> CounterVisits:
    """Visits of customers."""
    store, clock = container.store, container.clock
    channels = partial(container.policy.channel_params, used=Channel.COUNTER)
    passwords = ServicePasswords(store, container.lifecycle, clock, channels)
    secret, staff = container.settings.hash_secret, container.clients.staff
    return CounterVisits(store, passwords, clock, secret, staff)


def counter_passwords(container: Container) -> CounterPasswords:
    """Service passwords that owners set in a visit."""
    return CounterPasswords(counter_visits(container).passwords)


def id_reader(container: Container) -> Callable[[str], ResidentId]:
    """Reads identity numbers; a trial service also takes those that no person has."""
    clock, is_trial = container.clock, container.settings.movable_clock

    def read(typed: str) -> ResidentId:
        return parse_resident_id(typed, today_in_china(clock.now()), test_ids=is_trial)

    return read


def supporting_pages(container: Container, site: StaffSite) -> Iterable[StaffPages]:
    """Pages beside a visit: service password, printable form, supervision."""
    clients, book = container.clients, container.book
    reader, index = clients.bulk_reader, clients.counter_index
    visits, passwords = counter_visits(container), counter_passwords(container)
    yield PasswordPages(site, visits, passwords, id_reader(container), count_refusal)
    yield ActFormPages(site, index, reader, container.policy.access_numbers, count_refusal)
    supervision = Supervision(index, reader, container.store, container.clock, book.counter)
    yield SupervisePages(site, supervision)
    texts = OwnerTexts(container.store, container.policy, container.lifecycle)
    listed = ListedActs(texts, container.clock)
    yield BatchPages(site, Batches(clients.batches, listed, container.clock))


def counter_acts(container: Container) -> CounterActs:
    """Acts for identified customers."""
    return CounterActs(
        container.store,
        container.policy,
        container.lifecycle,
        container.clock,
        counter_texts().said,
    )


def counter_services(container: Container, site: StaffSite) -> CounterServices:
    """Dependencies of the pages."""
    store, policy, clock = container.store, container.policy, container.clock
    settings, texts, acts = container.settings, counter_texts(), counter_acts(container)
    return CounterServices(
        site,
        counter_visits(container),
        acts,
        AccountPresenter(store, policy, acts, clock, container.account, texts, Channel.COUNTER),
        ReceiptSearch(container.history, container.book.sending),
        texts,
        clock,
        {"hotline": settings.hotline, "short_code": settings.short_code},
        count_refusal,
        id_reader(container),
    )


def visit_pages(container: Container, site: StaffSite) -> Iterable[StaffPages]:
    """The pages on which a clerk serves customers."""
    services = counter_services(container, site)
    return (VisitPages(services), CustomerPages(services))
