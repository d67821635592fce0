"""Who carries a receipt: ability first, then health, then the order of price."""

import datetime as dt

from msgspec.structs import replace

from receipts.delivery.routing import Routes
from receipts.model.receipt import Receipt
from receipts.model.vocabulary import Language, Mode
from tests.support.sending import ANNA, Courier

CHEAP = Courier("cheap", flash=True, lookup=False)
DEAR = Courier("dear", flash=False, lookup=True)
OTHER = Courier("other", flash=True, lookup=True)
ROUTES = Routes([CHEAP, DEAR], [CHEAP, OTHER])


def receipt(mode: Mode = Mode.TEXT, **given: object) -> Receipt:
    made = dt.datetime(2026, 11, 22, 4, 0, tzinfo=dt.UTC)
    return replace(Receipt("5-1", ANNA, "t", mode, Language.ZH, made), **given)


def chosen(mode: Mode, *closed: str, **given: object) -> tuple[str, Mode] | None:
    choice = ROUTES.choose(receipt(mode, **given), closed)
    return (choice.provider.name, choice.sent_as) if choice else None


def test_the_first_of_the_order_that_is_in_use_carries_it():
    assert chosen(Mode.TEXT) == ("cheap", Mode.TEXT)
    assert chosen(Mode.TEXT, "cheap") == ("dear", Mode.TEXT)
    assert chosen(Mode.TEXT, "cheap", "dear") is None


def test_a_flash_goes_by_another_who_can_flash_before_it_goes_as_ordinary():
    assert chosen(Mode.FLASH) == ("cheap", Mode.FLASH)
    assert chosen(Mode.FLASH, "cheap") == ("other", Mode.FLASH)
    assert chosen(Mode.FLASH, "cheap", "other") == ("dear", Mode.TEXT)


def test_a_flash_that_goes_as_ordinary_says_why():
    choice = ROUTES.choose(receipt(Mode.FLASH), {"cheap", "other"})
    assert choice is not None
    said = "no flash by cheap and other just now: sent as ordinary by dear"
    assert choice.fell_back == said
    alone = Routes(DEAR, DEAR).choose(receipt(Mode.FLASH))
    assert alone is not None
    assert (alone.sent_as, alone.fell_back) == (
        Mode.TEXT, "no provider for flash: sent as ordinary",
    )  # fmt: skip
    plain = ROUTES.choose(receipt())
    assert plain is not None
    assert plain.fell_back is None


def test_who_has_refused_it_for_good_is_not_asked_again():
    assert chosen(Mode.TEXT, refused_by=("cheap",)) == ("dear", Mode.TEXT)
    assert chosen(Mode.TEXT, refused_by=("cheap", "dear")) is None
    assert ROUTES.others(receipt(refused_by=("cheap",)))
    assert not ROUTES.others(receipt(refused_by=("cheap", "dear")))
    assert ROUTES.lane(receipt(refused_by=("cheap", "dear"))) == "cheap"


def test_a_demoted_one_is_tried_if_it_may_be_also_while_another_does_the_work():
    tried: list[str] = []

    def try_it(name: str) -> bool:
        tried.append(name)
        return name == "dear"

    choice = ROUTES.choose(receipt(), {"cheap", "dear"}, try_it)
    assert choice is not None
    assert (choice.provider.name, choice.probe, tried) == ("dear", True, ["cheap", "dear"])
    behind = ROUTES.choose(receipt(), {"dear"}, try_it)
    assert behind is not None
    assert (behind.provider.name, behind.probe) == ("dear", True)
    # Not at the price of a flash that somebody can show.
    flash = ROUTES.choose(receipt(Mode.FLASH), {"dear"}, try_it)
    assert flash is not None
    assert (flash.provider.name, flash.probe) == ("cheap", False)


def test_there_is_a_spare_where_somebody_takes_everything():
    assert ROUTES.spare({"cheap"})
    assert not ROUTES.spare({"cheap", "dear"})
    assert ROUTES.names == ("cheap", "other", "dear")
