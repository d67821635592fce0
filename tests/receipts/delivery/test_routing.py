"""Who carries a receipt: ability first, then health, then the order of price."""

import datetime as dt

from msgspec.structs import replace

from receipts.delivery.routing import Router
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import DisplayMode, Language
from tests.support.sending import ANNA, Courier

CHEAP = Courier("cheap", flash=True, lookup=False)
DEAR = Courier("dear", flash=False, lookup=True)
OTHER = Courier("other", flash=True, lookup=True)
ROUTES = Router([CHEAP, DEAR], [CHEAP, OTHER])


def receipt(mode: DisplayMode = DisplayMode.TEXT, **given: object) -> Receipt:
    made = dt.datetime(2026, 11, 22, 4, 0, tzinfo=dt.UTC)
    return replace(Receipt("5-1", ANNA, "t", mode, Language.ZH, made), **given)


def chosen(mode: DisplayMode, *closed: str, **given: object) -> tuple[str, DisplayMode] | None:
    choice = ROUTES.choose(receipt(mode, **given), closed)
    return (choice.provider.name, choice.sent_as) if choice else None


def test_the_first_of_the_order_that_is_in_use_carries_it():
    assert chosen(DisplayMode.TEXT) == ("cheap", DisplayMode.TEXT)
    assert chosen(DisplayMode.TEXT, "cheap") == ("dear", DisplayMode.TEXT)
    assert chosen(DisplayMode.TEXT, "cheap", "dear") is None


def test_a_flash_goes_by_another_who_can_flash_before_it_goes_as_ordinary():
    assert chosen(DisplayMode.FLASH) == ("cheap", DisplayMode.FLASH)
    assert chosen(DisplayMode.FLASH, "cheap") == ("other", DisplayMode.FLASH)
    assert chosen(DisplayMode.FLASH, "cheap", "other") == ("dear", DisplayMode.TEXT)


def test_a_flash_that_goes_as_ordinary_says_why():
    choice = ROUTES.choose(receipt(DisplayMode.FLASH), {"cheap", "other"})
    assert choice is not None
    said = "no flash by cheap and other just now: sent as ordinary by dear"
    assert choice.fallback_reason == said
    alone = Router(DEAR, DEAR).choose(receipt(DisplayMode.FLASH))
    assert alone is not None
    assert (alone.sent_as, alone.fallback_reason) == (
        DisplayMode.TEXT, "no provider for flash: sent as ordinary",
    )  # fmt: skip
    plain = ROUTES.choose(receipt())
    assert plain is not None
    assert plain.fallback_reason is None


def test_who_has_refused_it_for_good_is_not_asked_again():
    assert chosen(DisplayMode.TEXT, refused_by=("cheap",)) == ("dear", DisplayMode.TEXT)
    assert chosen(DisplayMode.TEXT, refused_by=("cheap", "dear")) is None
    assert ROUTES.has_alternative(receipt(refused_by=("cheap",)))
    assert not ROUTES.has_alternative(receipt(refused_by=("cheap", "dear")))
    assert ROUTES.queue_for(receipt(refused_by=("cheap", "dear"))) == "cheap"


def test_a_demoted_one_is_tried_if_it_may_be_also_while_another_does_the_work():
    tried: list[str] = []

    def try_it(name: str) -> bool:
        tried.append(name)
        return name == "dear"

    choice = ROUTES.choose(receipt(), {"cheap", "dear"}, try_it)
    assert choice is not None
    assert (choice.provider.name, choice.trial, tried) == ("dear", True, ["cheap", "dear"])
    behind = ROUTES.choose(receipt(), {"dear"}, try_it)
    assert behind is not None
    assert (behind.provider.name, behind.trial) == ("dear", True)
    # Not at the price of a flash that somebody can show.
    flash = ROUTES.choose(receipt(DisplayMode.FLASH), {"dear"}, try_it)
    assert flash is not None
    assert (flash.provider.name, flash.trial) == ("cheap", False)


def test_there_is_a_spare_where_somebody_takes_everything():
    assert ROUTES.has_fallback({"cheap"})
    assert not ROUTES.has_fallback({"cheap", "dear"})
    assert ROUTES.names == ("cheap", "other", "dear")
