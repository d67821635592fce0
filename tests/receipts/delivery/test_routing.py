"""Choice of a provider: capability first, then circuit breaker, then price order."""

import datetime as dt

import pytest
from msgspec.structs import replace

from receipts.delivery.routing import Route, Router
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode, Language
from tests.support.sending import ANNA, ProviderDouble

CHEAP = ProviderDouble("cheap", flash=True, lookup=False)
DEAR = ProviderDouble("dear", flash=False, lookup=True)
OTHER = ProviderDouble("other", flash=True, lookup=True)
ROUTER = Router([CHEAP, DEAR], [CHEAP, OTHER])
TEXT, FLASH = DisplayMode.TEXT, DisplayMode.FLASH


def receipt(mode: DisplayMode = TEXT, *refused_by: str) -> Receipt:
    made = dt.datetime(2026, 11, 22, 4, 0, tzinfo=dt.UTC)
    return replace(Receipt("5-1", ANNA, "t", mode, Language.ZH, made), refused_by=refused_by)


def chosen(route: Route | None) -> tuple[str, DisplayMode, bool] | None:
    return (route.provider.name, route.sent_as, route.trial) if route else None


@pytest.mark.parametrize(
    ("mode", "unavailable", "provider", "sent_as"),
    [
        (TEXT, (), "cheap", TEXT),
        (TEXT, ("cheap",), "dear", TEXT),
        (FLASH, (), "cheap", FLASH),
        (FLASH, ("cheap",), "other", FLASH),
        (FLASH, ("cheap", "other"), "dear", TEXT),
    ],
)
def test_first_available_provider_is_chosen_with_flash_before_ordinary(
    mode: DisplayMode, unavailable: tuple[str, ...], provider: str, sent_as: DisplayMode
):
    assert chosen(ROUTER.choose(receipt(mode), unavailable)) == (provider, sent_as, False)


def test_no_route_without_an_available_provider():
    assert ROUTER.choose(receipt(), ("cheap", "dear")) is None


def test_route_that_falls_back_to_ordinary_has_the_reason():
    def reason(router: Router, mode: DisplayMode, *unavailable: str) -> str | None:
        route = router.choose(receipt(mode), unavailable)
        assert route is not None
        assert route.sent_as is TEXT
        return route.fallback_reason

    flash = "no flash by cheap and other just now: sent as ordinary by dear"
    assert reason(ROUTER, FLASH, "cheap", "other") == flash
    assert reason(Router([DEAR], [DEAR]), FLASH) == "no provider for flash: sent as ordinary"
    assert reason(ROUTER, TEXT) is None


def test_provider_that_refused_permanently_is_not_chosen_again():
    once, twice = receipt(TEXT, "cheap"), receipt(TEXT, "cheap", "dear")
    assert chosen(ROUTER.choose(once)) == ("dear", TEXT, False)
    assert (ROUTER.choose(twice), ROUTER.queue_for(twice)) == (None, "cheap")
    assert (ROUTER.has_alternative(once), ROUTER.has_alternative(twice)) == (True, False)


def test_trial_is_chosen_also_with_another_provider_but_not_instead_of_flash():
    tried: list[str] = []

    def try_half_open(name: str) -> bool:
        tried.append(name)
        return name == "dear"

    both = ROUTER.choose(receipt(), {"cheap", "dear"}, try_half_open)
    assert (chosen(both), tried) == (("dear", TEXT, True), ["cheap", "dear"])
    spare = ROUTER.choose(receipt(), {"dear"}, try_half_open)
    assert chosen(spare) == ("dear", TEXT, True)
    flash = ROUTER.choose(receipt(FLASH), {"dear"}, try_half_open)
    assert chosen(flash) == ("cheap", FLASH, False)


def test_fallback_exists_while_a_provider_of_ordinary_text_is_available():
    assert ROUTER.has_fallback({"cheap"})
    assert not ROUTER.has_fallback({"cheap", "dear"})
    assert ROUTER.names == ("cheap", "other", "dear")


def test_provider_is_found_by_name_if_configured():
    assert (ROUTER.by_name("dear"), ROUTER.by_name("other")) == (DEAR, OTHER)
    assert (Router([DEAR]).by_name("other"), Router([DEAR]).by_name(None)) == (None, None)
