"""Which text a report is about: one id and many friends, one text long after."""

import pytest
import redis

from app.bootstrap import Container
from receipts.model.message import MessageStatus
from receipts.reports.message_trace import normalise_message_id
from receipts.reports.reconciliation import Reconciliation
from receipts.store.commit_script import RetentionSeconds
from tests.conftest import BEIJING, ZHEJIANG
from tests.support.reports import FRIEND, Tell, outcomes, stand, told, trail


@pytest.fixture
def tell(built: Container) -> Tell:
    return Tell(built)


@pytest.mark.parametrize(
    "alike",
    [
        ("31", "031", " 31 ", "0000000000000000000000031", "1f", "1F", "0x1f", "0X001F"),
        ("0", "000", "0x0"),
        ("18446744073709551615", "ffffffffffffffff", "0xFFFFFFFFFFFFFFFF"),
        ("SM0a1B", "sm0a1b"),
        ("0ab-7", "0AB-7"),
    ],
)
def test_spellings_of_one_id_are_one_text(alike: tuple[str, ...]):
    assert len({normalise_message_id(spelt) for spelt in alike}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("10", "16"),
        ("10", "0x10"),
        ("010", "a1"),
        ("0ab-7", "ab-7"),
        ("18446744073709551616", "10000000000000000"),
        ("1" * 40, "0" + "1" * 40),
        ("9" * 5000, "8" * 5000),
        ("１０", "10"),
        ("0x", "0"),
    ],
)
def test_other_ids_are_other_texts(one: str, other: str):
    assert normalise_message_id(one) != normalise_message_id(other)


def test_one_id_to_two_friends_is_two_texts(built: Container, tell: Tell):
    stand(built)
    tell("DELIVRD", MessageStatus.DELIVERED, message="1f", friend=FRIEND)
    tell("EXPIRED", MessageStatus.EXPIRED, message="31", friend=BEIJING)
    assert sorted((str(r.recipient), str(r.outcome)) for r in told(built)) == [
        (BEIJING, "failed"),
        (ZHEJIANG, "delivered"),
    ]


@pytest.mark.parametrize(
    ("again", "fate", "why"),
    [
        ("DELIVRD", MessageStatus.DELIVERED, "repeated"),
        ("EXPIRED", MessageStatus.EXPIRED, "contradicted"),
    ],
)
def test_a_report_long_after_its_trail_is_forgotten_gives_no_second_receipt(
    built: Container, tell: Tell, raw: "redis.Redis", again: str, fate: MessageStatus, why: str
):
    assert RetentionSeconds().trails < RetentionSeconds().receipts
    stand(built)
    tell("DELIVRD", MessageStatus.DELIVERED)
    raw.delete(*raw.keys("*:trail:*"))
    tell(again, fate)
    tell(again, fate)
    assert outcomes(built) == ["delivered"]
    assert [str(heard.no_receipt_reason) for heard in trail(built).history] == [why]
    now = Reconciliation.from_counts(built.clients.bulk_reader.counts())
    assert (now.reports, now.receipts, now.reasons, now.missing) == (2, 1, {why: 1}, 0)


def test_a_word_that_forgets_the_parts_does_not_make_a_text_shorter(built: Container, tell: Tell):
    stand(built)
    tell("DELIVRD", MessageStatus.DELIVERED, part=1, parts=3)
    tell("ENROUTE", MessageStatus.UNDERWAY)
    tell("DELIVRD 2", MessageStatus.DELIVERED, part=1, parts=2)
    tell("DELIVRD", MessageStatus.DELIVERED, part=2, parts=3)
    assert (outcomes(built), trail(built).parts) == ([], 3)
    tell("DELIVRD", MessageStatus.DELIVERED, part=3, parts=3)
    tell("DELIVRD", MessageStatus.DELIVERED, part=4, parts=4)
    assert (outcomes(built), trail(built).parts) == (["delivered"], 3)
