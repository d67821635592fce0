"""What silence brings: "no answer yet", once and free, and the last word all the same."""

import pytest
import redis

from app.bootstrap import Container
from receipts.model.message import DeliveryReport, MessageStatus
from receipts.model.vocabulary import DisplayMode, Network
from tests.conftest import BEIJING, GUANGDONG, UNICOM, TestClock
from tests.support.reports import (
    ANNA,
    FRIEND,
    PATIENCE,
    Tell,
    outcomes,
    stand,
    sweeper,
    swept,
    told,
    trail,
)


@pytest.fixture
def tell(built: Container) -> Tell:
    return Tell(built)


@pytest.mark.parametrize(
    ("word", "fate"),
    [
        ("ACCEPTD", MessageStatus.UNDERWAY),
        ("DELETED", MessageStatus.UNKNOWN),
        ("WEIRD", MessageStatus.UNKNOWN),
    ],
)
def test_after_validity_and_margin_silence_is_told_once_and_free(
    built: Container, clock: TestClock, tell: Tell, word: str, fate: MessageStatus
):
    stand(built)
    tell(word, fate)
    clock.move(hours=PATIENCE, seconds=-1)
    assert swept(built) == 0
    clock.move(seconds=2)
    assert swept(built) == 1
    (receipt,) = told(built)
    assert (receipt.outcome, receipt.price_fen, receipt.message_id) == ("no_answer", 0, "1")
    assert (receipt.recipient, receipt.mode, receipt.state) == (FRIEND, DisplayMode.FLASH, "due")
    assert "尚未收到送达结果" in receipt.text
    clock.move(hours=PATIENCE)
    assert swept(built) == 0
    tell("ENROUTE", MessageStatus.UNDERWAY)
    clock.move(hours=PATIENCE)
    assert swept(built) == 0
    assert outcomes(built) == ["no_answer"]


@pytest.mark.parametrize("message", ["a|b|+8613800138000", "0x1F", "007", "SM" + "0" * 32])
def test_a_chase_finds_its_text_whatever_its_id(
    built: Container, clock: TestClock, tell: Tell, message: str
):
    stand(built)
    tell("ACCEPTD", MessageStatus.UNDERWAY, message=message)
    clock.move(hours=PATIENCE + 1)
    swept(built)
    assert [receipt.message_id for receipt in told(built)] == [message]


def test_two_sweepers_tell_it_once(built: Container, clock: TestClock, tell: Tell):
    stand(built)
    tell("ACCEPTD", MessageStatus.UNDERWAY)
    clock.move(hours=PATIENCE + 1)
    one, other = sweeper(built), sweeper(built)
    rings = [(sweep, timer) for sweep in (one, other) for timer in sweep.due_timers(100)]
    assert len(rings) == 2
    for sweep, timer in rings:
        sweep.fire(timer)
    assert outcomes(built) == ["no_answer"]
    assert len(built.clients.outbox.fetch("test", 100, 0.001)) == 1


@pytest.mark.parametrize(
    ("word", "fate", "outcome"),
    [
        ("DELIVRD", MessageStatus.DELIVERED, "delivered"),
        ("EXPIRED", MessageStatus.EXPIRED, "failed"),
        ("REJECTD", MessageStatus.REJECTED, "rejected"),
    ],
)
def test_a_late_last_word_still_gives_its_receipt(
    built: Container, clock: TestClock, tell: Tell, word: str, fate: MessageStatus, outcome: str
):
    stand(built)
    tell("ACCEPTD", MessageStatus.UNDERWAY)
    clock.move(hours=PATIENCE + 1)
    swept(built)
    clock.move(days=3)
    tell(word, fate)
    tell(word, fate)
    assert outcomes(built) == ["no_answer", outcome]
    words = [heard.raw_status for heard in trail(built).history]
    assert (words[0], words[2]) == ("ACCEPTD", word)
    assert told(built)[0].id in words[1]


def test_a_last_word_in_time_leaves_nothing_to_wait_for(
    built: Container, clock: TestClock, tell: Tell, raw: "redis.Redis"
):
    stand(built)
    tell("ACCEPTD", MessageStatus.UNDERWAY)
    tell("DELIVRD", MessageStatus.DELIVERED, message="0000001")
    assert [raw.zcard(key) for key in raw.scan_iter("*:timers")] == []
    clock.move(hours=PATIENCE + 1)
    assert swept(built) == 0
    assert outcomes(built) == ["delivered"]


def test_a_long_text_of_which_a_part_stays_silent_is_chased_once(
    built: Container, clock: TestClock, tell: Tell
):
    stand(built)
    tell("DELIVRD", MessageStatus.DELIVERED, part=2, parts=3)
    clock.move(hours=1)
    tell("DELIVRD", MessageStatus.DELIVERED, part=1, parts=3)
    clock.move(hours=PATIENCE)
    assert swept(built) == 1
    assert outcomes(built) == ["no_answer"]
    tell("EXPIRED", MessageStatus.EXPIRED, part=3, parts=3)
    assert outcomes(built) == ["no_answer", "failed"]


def test_first_word_and_last_in_one_batch_are_not_chased(
    built: Container, clock: TestClock, raw: "redis.Redis"
):
    stand(built)
    built.report_service.ingest_batch(
        [
            DeliveryReport("1", ANNA, FRIEND, MessageStatus.UNDERWAY, "ACCEPTD", clock.now()),
            DeliveryReport("1", ANNA, FRIEND, MessageStatus.DELIVERED, "DELIVRD", clock.now()),
        ]
    )
    assert [*raw.scan_iter("*:timers")] == []
    assert outcomes(built) == ["delivered"]


@pytest.mark.parametrize("state", ["none", "pending", "suspended"])
def test_who_has_no_service_is_not_waited_for(
    built: Container, tell: Tell, raw: "redis.Redis", state: str
):
    stand(built, state)
    tell("ACCEPTD", MessageStatus.UNDERWAY)
    assert [*raw.scan_iter("*:timers")] == []


@pytest.mark.parametrize("who", [{"friend": UNICOM}, {"sender": UNICOM}, {"sender": BEIJING}])
def test_texts_that_give_no_receipt_are_not_waited_for(
    built: Container, tell: Tell, raw: "redis.Redis", who: dict[str, str]
):
    for number in (GUANGDONG, UNICOM, BEIJING):
        stand(built, number=number)
    tell("ACCEPTD", MessageStatus.UNDERWAY, **who)
    assert [*raw.scan_iter("*:timers")] == []


def test_who_cancelled_meanwhile_hears_nothing(built: Container, clock: TestClock, tell: Tell):
    stand(built)
    tell("ACCEPTD", MessageStatus.UNDERWAY)
    stand(built, "none")
    clock.move(hours=PATIENCE + 1)
    assert swept(built) == 1
    assert told(built) == []
    assert swept(built) == 0


def test_a_friend_who_left_our_network_meanwhile_is_not_chased(
    built: Container, clock: TestClock, tell: Tell
):
    stand(built)
    tell("ACCEPTD", MessageStatus.UNDERWAY)
    stand(built, "none", FRIEND, network=Network.CHINA_UNICOM)
    clock.move(hours=PATIENCE + 1)
    swept(built)
    assert told(built) == []


def test_a_chase_of_a_forgotten_text_is_over(
    built: Container, clock: TestClock, tell: Tell, raw: "redis.Redis"
):
    stand(built)
    tell("ACCEPTD", MessageStatus.UNDERWAY)
    raw.delete(*raw.keys("*:trail:*"))
    clock.move(hours=PATIENCE + 1)
    assert (swept(built), swept(built), told(built)) == (1, 0, [])
