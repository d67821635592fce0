"""Friends of other networks: one word a month why no receipt comes, and the reason on record."""

import pytest

from app.bootstrap import Services
from receipts.model.message import Fate
from receipts.model.receipt import Kind
from receipts.model.vocabulary import Language, Mode, Network
from tests.conftest import UNICOM, TestClock
from tests.support.reports import ANNA, Tell, stand, told, trail


@pytest.fixture
def tell(built: Services) -> Tell:
    return Tell(built)


def test_other_networks_are_explained_once_a_month_and_never_charged(
    built: Services, clock: TestClock, tell: Tell
):
    stand(built)
    for n in range(3):
        tell("DELIVRD", Fate.DELIVERED, message=f"SM{n}", friend=UNICOM)
    (notice,) = told(built, Kind.NOTICE)
    assert ("网外" in notice.text, notice.mode, notice.price_fen) == (True, Mode.TEXT, 0)
    assert told(built) == []
    clock.move(days=9)  # the first of December in China
    tell("EXPIRED", Fate.EXPIRED, message="SM3", friend=UNICOM)
    tell("EXPIRED", Fate.EXPIRED, message="SM4", friend="+447700900123")
    assert len(told(built, Kind.NOTICE)) == 2
    assert built.account.charges(ANNA) == []


def test_the_explanation_is_in_the_customers_language(built: Services, tell: Tell):
    stand(built, language=Language.EN)
    tell("DELIVRD", Fate.DELIVERED, friend=UNICOM)
    (notice,) = told(built, Kind.NOTICE)
    assert (notice.language, "other networks" in notice.text) == (Language.EN, True)


def test_cancelling_and_opening_again_brings_no_second_explanation(built: Services, tell: Tell):
    stand(built)
    tell("DELIVRD", Fate.DELIVERED, message="SM1", friend=UNICOM)
    stand(built, "none")
    stand(built)
    tell("DELIVRD", Fate.DELIVERED, message="SM2", friend=UNICOM)
    assert len(told(built, Kind.NOTICE)) == 1


def test_only_a_last_word_is_explained(built: Services, tell: Tell):
    stand(built)
    tell("ACCEPTD", Fate.UNDERWAY, friend=UNICOM)
    assert told(built, Kind.NOTICE) == []


@pytest.mark.parametrize("state", ["none", "pending", "suspended"])
def test_who_has_no_service_needs_no_explanation(built: Services, tell: Tell, state: str):
    stand(built, state)
    tell("DELIVRD", Fate.DELIVERED, friend=UNICOM)
    assert told(built, Kind.NOTICE) == []


def test_a_customer_who_left_our_network_has_the_reason_on_record(built: Services, tell: Tell):
    stand(built, network=Network.CHINA_TELECOM)
    tell("DELIVRD", Fate.DELIVERED)
    assert (told(built), str(trail(built).why_not)) == ([], "sender_off_net")
