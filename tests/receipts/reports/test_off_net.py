"""Friends of other networks: one word a month why no receipt comes, and the reason on record."""

import pytest

from app.bootstrap import Container
from receipts.model.message import MessageStatus
from receipts.model.receipt import MessageKind
from receipts.model.vocabulary import DisplayMode, Language, Network
from tests.conftest import UNICOM, TestClock
from tests.support.reports import ANNA, Tell, stand, told, trail


@pytest.fixture
def tell(built: Container) -> Tell:
    return Tell(built)


def test_other_networks_are_explained_once_a_month_and_never_charged(
    built: Container, clock: TestClock, tell: Tell
):
    stand(built)
    for n in range(3):
        tell("DELIVRD", MessageStatus.DELIVERED, message=f"SM{n}", friend=UNICOM)
    (notice,) = told(built, MessageKind.NOTICE)
    assert ("网外" in notice.text, notice.mode, notice.price_fen) == (True, DisplayMode.TEXT, 0)
    assert told(built) == []
    clock.move(days=9)  # the first of December in China
    tell("EXPIRED", MessageStatus.EXPIRED, message="SM3", friend=UNICOM)
    tell("EXPIRED", MessageStatus.EXPIRED, message="SM4", friend="+447700900123")
    assert len(told(built, MessageKind.NOTICE)) == 2
    assert built.account.charges(ANNA) == []


def test_the_explanation_is_in_the_customers_language(built: Container, tell: Tell):
    stand(built, language=Language.EN)
    tell("DELIVRD", MessageStatus.DELIVERED, friend=UNICOM)
    (notice,) = told(built, MessageKind.NOTICE)
    assert (notice.language, "other networks" in notice.text) == (Language.EN, True)


def test_cancelling_and_opening_again_brings_no_second_explanation(built: Container, tell: Tell):
    stand(built)
    tell("DELIVRD", MessageStatus.DELIVERED, message="SM1", friend=UNICOM)
    stand(built, "none")
    stand(built)
    tell("DELIVRD", MessageStatus.DELIVERED, message="SM2", friend=UNICOM)
    assert len(told(built, MessageKind.NOTICE)) == 1


def test_only_a_last_word_is_explained(built: Container, tell: Tell):
    stand(built)
    tell("ACCEPTD", MessageStatus.UNDERWAY, friend=UNICOM)
    assert told(built, MessageKind.NOTICE) == []


@pytest.mark.parametrize("state", ["none", "pending", "suspended"])
def test_who_has_no_service_needs_no_explanation(built: Container, tell: Tell, state: str):
    stand(built, state)
    tell("DELIVRD", MessageStatus.DELIVERED, friend=UNICOM)
    assert told(built, MessageKind.NOTICE) == []


def test_a_customer_who_left_our_network_has_the_reason_on_record(built: Container, tell: Tell):
    stand(built, network=Network.CHINA_TELECOM)
    tell("DELIVRD", MessageStatus.DELIVERED)
    assert (told(built), str(trail(built).no_receipt_reason)) == ([], "sender_off_net")
