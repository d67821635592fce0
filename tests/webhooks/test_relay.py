"""Masked relay: a text to a friend goes on from our number, and its receipt comes by itself."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import redis
from flask.testing import FlaskClient

from app.bootstrap import Container
from app.settings import Settings
from keywords.relay import RELAYS_AN_HOUR
from keywords.reply_limits import HINTS_AN_HOUR
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet, CommitResult, CommitStatus
from receipts.ports.store import StoreUnavailableError
from receipts.wording.segments import segments
from tests.conftest import Network, TestClock
from tests.support.fixtures import charges, contents, posted
from tests.support.texter import Texter
from tests.webhooks.conftest import MESSAGES_URL, TwilioApi, Work, status_path

ANN, BOB, LI = "+14155550100", "+14155550101", "+8613802880000"
FIRST, SECOND = "SM00000000000000000000000000000001", "SM00000000000000000000000000000002"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    listed = {Msisdn(number): "CN-GD" for number in (ANN, BOB, LI)}
    return replace(settings, trial_people=listed, twilio_sender="+14155550111")


@pytest.fixture
def ann(network: Network) -> Texter:
    return Texter(network, ANN)


@pytest.fixture
def subscriber(ann: Texter) -> Texter:
    ann.says("SUBSCRIBE")
    ann.says("Y")
    return ann


def sent(built: Container, kind: MessageKind) -> list[Receipt]:
    return built.store.receipts_of(Msisdn(ANN), 99, kind)


def unavailable(_: ChangeSet) -> CommitResult:
    raise StoreUnavailableError("no store")


def test_words_go_on_from_our_number_and_the_receipt_comes_by_itself(
    subscriber: Texter, network: Network, built: Container, twilio: TwilioApi, work: Work
):
    twilio.accepts(FIRST)
    assert subscriber.says(f"{BOB} See you at 7 😀\nbring milk ") == ""
    work()
    (text,) = twilio.texts
    assert (text["To"], text["From"]) == (BOB, "+14155550111")
    assert text["Body"] == "From ...0100: See you at 7 😀\nbring milk "
    assert sent(built, MessageKind.RECEIPT) == []

    twilio.accepts(SECOND)
    status = {"MessageSid": FIRST, "MessageStatus": "delivered"}
    for _ in range(2):  # From is our number: only our own record names the sender
        network.post(status_path(text), From="+14155550111", To=BOB, **status)
    work()
    (receipt,) = sent(built, MessageKind.RECEIPT)
    assert receipt.text.startswith("Your text to +14155550101 (")
    assert (receipt.number, receipt.recipient) == (ANN, BOB)
    assert [each["To"] for each in twilio.texts] == [BOB, ANN]
    assert charges(built, ANN) == []
    (relay,) = sent(built, MessageKind.RELAY)
    assert relay.text == ""


def test_words_are_sealed_in_the_store_until_they_are_sent(
    ann: Texter, raw: redis.Redis, twilio: TwilioApi, work: Work
):
    ann.says(f"{BOB} a secret word")
    twilio.accepts()
    assert not any(b"secret word" in value for value in contents(raw).values())
    work()
    assert twilio.texts[0]["Body"].endswith("a secret word")


def test_friend_who_opted_out_gives_a_failure_receipt_with_its_reason(
    subscriber: Texter, built: Container, twilio: TwilioApi, work: Work
):
    subscriber.says("4155550101 hi")
    twilio.mock.post(MESSAGES_URL, status=400, json={"code": 21610, "message": "opted out"})
    twilio.accepts()
    work()
    (receipt,) = sent(built, MessageKind.RECEIPT)
    assert "the recipient's number does not accept it" in receipt.text
    assert receipt.outcome == "rejected"


@pytest.mark.parametrize("gone", [ANN, BOB])
def test_text_of_a_person_who_has_left_the_trial_is_not_sent(
    subscriber: Texter,
    built: Container,
    twilio: TwilioApi,
    work: Work,
    gone: str,
    monkeypatch: pytest.MonkeyPatch,
):
    subscriber.says("4155550101 hi")
    twilio.accepts()
    left = {number: code for number, code in built.settings.trial_people.items() if number != gone}
    monkeypatch.setattr(built.lifecycle, "trial_people", left)
    work()
    (relay,) = sent(built, MessageKind.RELAY)
    assert (relay.state, relay.note) == ("failed", "its sender or its recipient has left the trial")
    assert BOB not in [text["To"] for text in twilio.texts]


def test_no_report_gives_the_receipt_without_a_result(
    subscriber: Texter, built: Container, clock: TestClock, twilio: TwilioApi, work: Work
):
    subscriber.says("4155550101 hi")
    twilio.accepts(FIRST)
    work()
    clock.move(hours=51)
    twilio.accepts(SECOND)
    work()
    (receipt,) = sent(built, MessageKind.RECEIPT)
    assert receipt.outcome == "no_answer"


def test_unknown_outcome_is_looked_up_before_it_is_sent_again(
    subscriber: Texter, built: Container, clock: TestClock, twilio: TwilioApi, work: Work
):
    subscriber.says("4155550101 hi")
    twilio.fails(500)
    work()
    (relay,) = sent(built, MessageKind.RELAY)
    assert relay.state == "unsure"
    found = {"sid": FIRST, "body": "From ...0100: hi", "status": "delivered", "date_created": None}
    twilio.lists(found)
    twilio.accepts(SECOND)
    clock.move(seconds=30)
    work()
    (relay,) = sent(built, MessageKind.RELAY)
    assert relay.state == "delivered"
    assert [each["To"] for each in twilio.texts] == [BOB, ANN]
    (receipt,) = sent(built, MessageKind.RECEIPT)
    assert receipt.outcome == "delivered"


def test_sender_without_the_service_gets_no_receipt_and_is_told_once_a_day(
    ann: Texter, built: Container, network: Network, twilio: TwilioApi, work: Work
):
    assert "text SUBSCRIBE to subscribe" in ann.says("4155550101 hi")
    assert ann.says("4155550101 again") == ""
    twilio.accepts(FIRST)
    twilio.accepts(SECOND)
    work()
    network.post(status_path(twilio.texts[0]), MessageSid=FIRST, MessageStatus="delivered")
    work()
    assert len(sent(built, MessageKind.RELAY)) == 2
    assert sent(built, MessageKind.RECEIPT) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOB, "no words after the number"),
        (f"{ANN} hi", "your own number"),
        ("+14155550111 hi", "a number of this service"),
        ("7500 hi", "a number of this service"),
        ("+14155550199 hi", "not in the trial"),
        (f"{BOB} {'x' * 1600}", "too long"),
    ],
)
def test_refusals_name_the_reason_and_send_no_text(
    ann: Texter, raw: redis.Redis, text: str, words: str
):
    reply = ann.says(text)
    assert words in reply
    assert reply.endswith("Trial, free of charge.")
    assert segments(reply) == 1
    assert posted(raw) == 0


@pytest.mark.parametrize(
    "text", [BOB, f"{LI} 好", "7500 好", "+14155550199 好", "哈哈哈", f"{BOB} {'好' * 1000}"]
)
def test_chinese_refusals_fit_one_segment(network: Network, text: str):
    li = Texter(network, LI)
    li.says("中文")
    reply = li.says(text)
    assert reply.endswith("试用，不收费。")
    assert segments(reply) == 1


@pytest.mark.parametrize("text", ["+14155550199 hi", "driving right now zzz"])
def test_machine_that_answers_hints_gets_silence(ann: Texter, text: str):
    assert all(ann.says(text) for _ in range(HINTS_AN_HOUR))
    assert ann.says(text) == ""
    assert "free" in ann.says("STATUS")


def test_relays_of_an_hour_are_bounded(ann: Texter, built: Container, clock: TestClock):
    for number in range(RELAYS_AN_HOUR):
        ann.says(f"4155550101 {number}")
    assert f"{RELAYS_AN_HOUR} texts" in ann.says("4155550101 more")
    for _ in range(HINTS_AN_HOUR):
        ann.says("4155550101 more")
    assert ann.says("4155550101 more") == ""
    assert len(sent(built, MessageKind.RELAY)) == RELAYS_AN_HOUR
    clock.move(hours=1)
    ann.says("4155550101 later")
    assert len(sent(built, MessageKind.RELAY)) == RELAYS_AN_HOUR + 1


def test_friend_answers_by_the_digits_that_the_text_showed(
    ann: Texter, network: Network, twilio: TwilioApi, work: Work
):
    ann.says("4155550101 hi")
    bob = Texter(network, BOB)
    assert "begin with their number" in bob.says("Thanks! zzz")
    bob.says("0100: Thanks!")
    twilio.accepts(FIRST)
    twilio.accepts(SECOND)
    work()
    assert {each["To"]: each["Body"] for each in twilio.texts} == {
        BOB: "From ...0100: hi",
        ANN: "From ...0101: Thanks!",
    }


def test_stranger_relays_nothing(network: Network, raw: redis.Redis):
    Texter(network, "+8613902880001").says(f"{BOB} hi")
    Texter(network, "+14155550199").says(f"{BOB} hi")
    assert posted(raw) == 0


def test_repeated_webhook_sends_once(network: Network, built: Container, raw: redis.Redis):
    for _ in range(3):
        network.text(ANN, f"{BOB} hi", sid=FIRST)
    assert len(sent(built, MessageKind.RELAY)) == 1
    assert posted(raw) == 1


def test_text_that_the_store_did_not_take_is_sent_by_its_repetition(
    network: Network, built: Container, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as lost:
        lost.setattr(built.store, "commit", unavailable)
        assert network.text(ANN, f"{BOB} hi", sid=FIRST).status_code == 503
    assert posted(raw) == 0
    assert network.text(ANN, f"{BOB} hi", sid=FIRST).status_code == 200
    assert posted(raw) == 1
    assert len(sent(built, MessageKind.RELAY)) == 1


def test_kannel_takes_the_same_relay(client: FlaskClient, built: Container):
    query = {"secret": "kannel-secret-of-the-tests", "id": "1", "from": ANN, "to": "7500"}
    query |= {"text": f"{BOB} hi", "charset": "UTF-8"}
    assert client.get("/kannel/sms", query_string=query).status_code == 200
    (relay,) = sent(built, MessageKind.RELAY)
    assert (relay.recipient, relay.text) == (BOB, "From ...0100: hi")


@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
def test_worker_that_dies_at_the_report_gives_one_receipt(
    subscriber: Texter,
    network: Network,
    built: Container,
    twilio: TwilioApi,
    work: Work,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
):
    subscriber.says("4155550101 hi")
    twilio.accepts(FIRST)
    work()
    commit: Callable[[ChangeSet], CommitResult] = built.store.commit
    died: list[str] = []

    def failing(change: ChangeSet) -> CommitResult:
        timer = change.fired_timer
        if timer is None or timer.kind != "relayed" or died:
            return commit(change)
        died.append(timer.subject)
        if moment == "after the commit":
            commit(change)
        return CommitResult(CommitStatus.CONFLICT)

    monkeypatch.setattr(built.store, "commit", failing)
    network.post(status_path(twilio.texts[0]), MessageSid=FIRST, MessageStatus="delivered")
    twilio.accepts(SECOND)
    work()
    assert died
    assert len(sent(built, MessageKind.RECEIPT)) == 1
