"""A text reached a friend: the network's report in, the receipt out, its own status back in."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import redis

from app.bootstrap import Container
from app.settings import Settings
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import DisplayMode, Msisdn
from tests.conftest import PUBLIC_URL, ZHEJIANG, Network, TestClock
from tests.support.fixtures import SHANXI, charges, contents, stand
from tests.support.kannel_double import Smsbox, smsbox
from tests.webhooks.conftest import TwilioApi, Work, status_path

pytestmark = pytest.mark.fixed_day

#: A customer of Shanxi, who pays 0.10 yuan for each delivered text and no monthly fee.
ANNA, FRIEND = SHANXI, ZHEJIANG

DELIVERED = "您发给13957112345的短信已于12:00送达。"
NOT_DELIVERED = "您发给13957112345的短信未送达，原因不明（12:00）。"

Newest = Callable[[], Receipt]


@pytest.fixture(autouse=True)
def subscribed(built: Container) -> None:
    """Anna has subscribed, and gets her receipts as ordinary texts."""
    stand(built, ANNA, "active", DisplayMode.TEXT)


@pytest.fixture
def newest(built: Container) -> Newest:
    """Anna's newest receipt, as the store keeps it."""
    return lambda: built.store.receipts_of(Msisdn(ANNA), 10, MessageKind.RECEIPT)[0]


def test_delivered_text_gives_one_receipt_that_is_charged(
    network: Network, built: Container, twilio: TwilioApi, work: Work, newest: Newest
):
    twilio.accepts(sid="SM77")
    network.status("SM1", "delivered", ANNA, FRIEND)
    assert (newest().state, charges(built, ANNA)) == ("due", [])

    work()
    (text,) = twilio.texts
    assert text == {
        "From": "7500",
        "To": ANNA,
        "Body": DELIVERED,
        "StatusCallback": f"{PUBLIC_URL}/receipts/{newest().id}/status",
    }
    assert (newest().state, newest().provider_id) == ("sent", "SM77")
    assert charges(built, ANNA) == [("receipt", 10)]

    network.post(status_path(text), MessageSid="SM77", MessageStatus="delivered")
    assert newest().state == "delivered"
    assert charges(built, ANNA) == [("receipt", 10)]
    work()
    assert len(twilio.texts) == 1


def test_receipt_that_does_not_arrive_itself_is_not_sent_again(
    network: Network, twilio: TwilioApi, work: Work, newest: Newest
):
    twilio.accepts(sid="SM77")
    network.status("SM1", "delivered", ANNA, FRIEND)
    work()
    callback = {"MessageSid": "SM77", "MessageStatus": "undelivered", "ErrorCode": "30003"}
    network.post(status_path(twilio.texts[0]), **callback)
    work()
    assert newest().state == "undelivered"
    assert [status.raw_status for status in newest().history] == ["undelivered 30003"]
    assert len(twilio.texts) == 1


def test_failed_text_gives_a_receipt_that_is_not_charged(
    network: Network, built: Container, twilio: TwilioApi, work: Work, newest: Newest
):
    twilio.accepts()
    network.status("SM1", "failed", ANNA, FRIEND)
    work()
    assert [text["Body"] for text in twilio.texts] == [NOT_DELIVERED]
    assert newest().state == "sent"
    assert charges(built, ANNA) == []


@pytest.mark.parametrize("missing", ["From", "To"])
@pytest.mark.parametrize("status", ["accepted", "queued", "delivered"])
def test_status_without_a_number_is_taken_and_gives_no_receipt(
    network: Network, built: Container, status: str, missing: str
):
    form = {"MessageSid": "SM1", "MessageStatus": status, "From": ANNA, "To": FRIEND}
    for absent in ({}, {missing: ""}):
        told = {name: value for name, value in form.items() if name != missing} | absent
        assert network.post("/messages/status", **told).status_code == 204
    assert built.store.receipts_of(Msisdn(ANNA), 10, None) == []


def test_earlier_names_of_id_and_status_are_read(network: Network, newest: Newest):
    network.post("/messages/status", SmsSid="SM1", SmsStatus="delivered", From=ANNA, To=FRIEND)
    assert (newest().message_id, newest().outcome) == ("SM1", "delivered")


@pytest.mark.parametrize(
    ("status", "error", "cause"),
    [
        ("undelivered", "30003", "对方手机关机或不在服务区"),
        ("undelivered", "30005", "该号码是空号"),
        ("failed", "30004", "对方号码拒收"),
        ("undelivered", "30034", "原因不明"),
        ("undelivered", "", "原因不明"),
        ("canceled", "", "原因不明"),
    ],
)
def test_failure_receipt_names_the_cause_of_its_code_alone(
    network: Network, twilio: TwilioApi, work: Work, status: str, error: str, cause: str
):
    twilio.accepts()
    more = {"ErrorCode": error} if error else {}
    network.status("SM1", status, ANNA, FRIEND, **more)
    work()
    assert cause in twilio.texts[0]["Body"]


def test_text_under_way_gives_no_receipt_yet(
    network: Network, built: Container, twilio: TwilioApi, work: Work
):
    for status in ("queued", "sending", "sent"):
        network.status("SM1", status, ANNA, FRIEND)
    work()
    assert twilio.texts == []
    assert built.store.receipts_of(Msisdn(ANNA), 10, None) == []


def test_repeated_status_callbacks_send_and_charge_once(
    network: Network, built: Container, raw: redis.Redis, twilio: TwilioApi, work: Work
):
    twilio.accepts(sid="SM77")
    for _ in range(2):
        network.status("SM1", "delivered", ANNA, FRIEND)
    work()
    (text,) = twilio.texts
    network.post(status_path(text), MessageSid="SM77", MessageStatus="delivered")
    before = contents(raw)
    network.post(status_path(text), MessageSid="SM77", MessageStatus="delivered")
    network.status("SM1", "delivered", ANNA, FRIEND)
    assert contents(raw) == before
    assert charges(built, ANNA) == [("receipt", 10)]


def test_receipt_in_doubt_that_twilio_has_sent_is_not_sent_again(
    network: Network, built: Container, clock: TestClock, twilio: TwilioApi, work: Work,
    newest: Newest,
):  # fmt: skip
    twilio.fails(500)
    twilio.lists({"sid": "SM77", "body": DELIVERED, "date_created": None})
    network.status("SM1", "delivered", ANNA, FRIEND)
    work()
    clock.move(seconds=built.book.sending.look_after_seconds[0])
    work()
    assert (newest().state, newest().provider_id) == ("sent", "SM77")
    assert len(twilio.texts) == 1
    assert charges(built, ANNA) == [("receipt", 10)]


def test_flash_receipt_without_a_flash_provider_goes_out_as_ordinary_text(
    network: Network, built: Container, twilio: TwilioApi, work: Work, newest: Newest
):
    twilio.accepts()
    stand(built, ANNA, "active", DisplayMode.FLASH)
    network.status("SM1", "delivered", ANNA, FRIEND)
    work()
    assert [text["Body"] for text in twilio.texts] == [DELIVERED]
    assert (newest().mode, newest().sent_as) == ("flash", "text")
    assert newest().note == "no provider for flash: sent as ordinary"


class TestWithKannel:
    """The operator has a Kannel gateway, which can send flash messages."""

    @pytest.fixture
    def kannel(self) -> Iterator[Smsbox]:
        """Kannel's HTTP interface, as a small server on this machine."""
        with smsbox() as box:
            yield box

    @pytest.fixture
    def settings(self, settings: Settings, kannel: Smsbox) -> Settings:
        return replace(settings, kannel_url=kannel.url, flash_provider=("kannel",))

    def test_flash_receipt_is_sent_as_class_0_and_kannels_report_ends_it(
        self, network: Network, built: Container, kannel: Smsbox, work: Work, newest: Newest
    ):
        kannel.answers(202, "0: Accepted for delivery")
        stand(built, ANNA, "active", DisplayMode.FLASH)
        network.status("SM1", "delivered", ANNA, FRIEND)
        work()

        (request,) = kannel.calls
        assert request.method == "GET"
        assert request.target.startswith("/cgi-bin/sendsms?")
        query = request.query
        assert query["mclass"] == "0"  # message class 0: displayed at once, not stored
        assert (query["username"], query["password"]) == ("receipts", "kannel-password")
        assert (query["from"], query["to"], query["text"]) == ("7500", ANNA, DELIVERED)
        assert (query["charset"], query["coding"]) == ("UTF-8", "2")
        assert (newest().state, newest().sent_as) == ("sent", "flash")

        # Kannel fills in its own escapes: the kind of report (1: delivered) and the answer.
        report = query["dlr-url"].removeprefix(PUBLIC_URL)
        filled = report.replace("%d", "1").replace("%A", "stat:DELIVRD")
        assert network.client.get(filled).status_code == 204
        assert newest().state == "delivered"
        assert charges(built, ANNA) == [("receipt", 10)]
