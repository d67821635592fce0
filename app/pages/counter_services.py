"""Services behind the pages of the counter."""

from functools import cache, partial
from importlib.resources import files
from pathlib import Path

from app.bootstrap import Container
from receipts.delivery.service_passwords import ServicePasswords
from receipts.model.vocabulary import Channel
from receipts.staff.counter.acts import CounterActs
from receipts.staff.counter.visits import CounterVisits
from receipts.wording.catalogue import Catalogue
from web.counter.texts import CounterTexts


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
    return CounterVisits(store, passwords, clock, container.settings.hash_secret)


def counter_acts(container: Container) -> CounterActs:
    """Acts for identified customers."""
    return CounterActs(
        container.store,
        container.policy,
        container.lifecycle,
        container.clock,
        counter_texts().said,
    )
