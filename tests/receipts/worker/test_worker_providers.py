"""Worker with the real Twilio and Kannel adapters: requests, charges and stored results."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses

from app.bootstrap import Container
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import DisplayMode, Msisdn
from tests.conftest import ACCOUNT, Network, TestClock
from tests.receipts.conftest import AtWork, Until
from tests.support.fixtures import SHANXI, stand
from tests.support.kannel_double import Smsbox, smsbox

pytestmark = pytest.mark.usefixtures("short_intervals")
MESSAGES = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
SUBSCRIBER = Msisdn(SHANXI)  # ten fen per delivered receipt, no monthly fee


@dataclass
class Live:
    """The product's worker, both providers' HTTP ends, and one subscriber."""

    built: Container
    network: Network
    clock: TestClock
    at_work: AtWork
    until: Until
    twilio: responses.RequestsMock
    kannel: Smsbox

    def due(self, mode: DisplayMode = DisplayMode.TEXT) -> Receipt:
        """A receipt of a delivered text, in the outbox."""
        stand(self.built, SHANXI, "active", mode)
        self.network.status("SM1", "delivered", SHANXI)
        return self.built.store.receipts_of(SUBSCRIBER, 1, MessageKind.RECEIPT)[0]

    def now(self, receipt: Receipt) -> Receipt:
        (found,) = self.built.store.receipts([receipt.id])
        assert found is not None
        return found

    def fen(self) -> list[int]:
        return [charge.fen for charge in self.built.account.charges(SUBSCRIBER)]

    def run(self, *steps: Callable[[], object]) -> None:
        """Run a worker through these steps: waits for conditions, moves of the clock."""
        settings = replace(self.built.settings, kannel_url=self.kannel.url)
        with self.at_work(replace(self.built, settings=settings).worker()):
            for step in steps:
                step()

    def wait_for(self, condition: Callable[[], object]) -> Callable[[], None]:
        return lambda: self.until(condition)

    def wait_for_state(self, receipt: Receipt, state: str) -> Callable[[], None]:
        return self.wait_for(lambda: self.now(receipt).state == state)

    def wait_for_lookups(self, count: int) -> Callable[[], None]:
        """Wait for so many look-ups, and for the commit of the last: it sets the next timer."""
        due = self.built.clients.outbox.due_timers
        return self.wait_for(
            lambda: self.requests().count("GET") >= count and not due(self.clock.now(), 50)
        )

    def pass_time(self, **duration: float) -> Callable[[], None]:
        return lambda: self.clock.move(**duration)

    def requests(self) -> list[str]:
        return [call.request.method for call in self.twilio.calls]

    def report(self, receipt: Receipt, kind: int) -> None:
        self.network.client.get(
            f"/kannel/report?secret=kannel-secret-of-the-tests&id={receipt.id}&type={kind}"
        )


@pytest.fixture
def live(
    built: Container, network: Network, clock: TestClock, at_work: AtWork, until: Until
) -> Iterator[Live]:
    mock = responses.RequestsMock(assert_all_requests_are_fired=False)
    with mock, smsbox() as kannel:
        yield Live(built, network, clock, at_work, until, mock, kannel)


def created(sid: str) -> dict[str, object]:
    return {"status": 201, "json": {"sid": sid, "status": "queued"}}


def listed(receipt: Receipt, *sids: str) -> dict[str, object]:
    """Twilio's list of messages with this receipt's text, made now."""
    made = format_datetime(dt.datetime.now(dt.UTC))
    messages = [{"sid": sid, "body": receipt.text, "date_created": made} for sid in sids]
    return {"messages": messages, "page": 0, "page_size": 50, "next_page_uri": None}


def test_ordinary_receipt_is_sent_by_twilio_and_charged(live: Live):
    live.twilio.post(MESSAGES, **created("SM77"))
    receipt = live.due()
    live.run(live.wait_for_state(receipt, "sent"))
    sent = live.now(receipt)
    assert (sent.provider, sent.provider_id, sent.sent_as) == ("twilio", "SM77", "text")
    assert (sent.attempts, sent.charge_fen, live.fen()) == (1, 10, [10])
    (call,) = live.twilio.calls
    assert parse_qs(str(call.request.body))["Body"] == [receipt.text]


def test_flash_receipt_is_sent_by_kannel_and_its_report_ends_it(live: Live):
    live.kannel.answers()
    receipt = live.due(DisplayMode.FLASH)
    live.run(live.wait_for_state(receipt, "sent"))
    (call,) = live.kannel.calls
    assert (call.query["mclass"], call.query["text"]) == ("0", receipt.text)
    report = urlsplit(call.query["dlr-url"].replace("%d", "1"))
    for _ in range(3):
        assert live.network.client.get(f"{report.path}?{report.query}").status_code == 204
    ended = live.now(receipt)
    assert (ended.state, ended.sent_as, len(ended.history)) == ("delivered", "flash", 1)
    assert live.fen() == [10]


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [(400, 21610, "failed"), (429, 20429, "due"), (401, 20003, "due"), (500, 20500, "unsure")],
)
def test_refusal_sets_its_state_and_is_free(live: Live, status: int, code: int, state: str):
    live.twilio.post(MESSAGES, status=status, json={"code": code, "message": "", "status": status})
    live.twilio.get(MESSAGES, json={"messages": [], "next_page_uri": None})
    receipt = live.due()
    live.run(live.wait_for(lambda: live.now(receipt).note is not None))
    judged = live.now(receipt)
    assert (judged.state, judged.attempts, live.fen()) == (state, 1, [])
    assert len(live.twilio.calls) == 1


def test_temporary_error_is_retried_after_its_delay(live: Live):
    live.twilio.post(MESSAGES, status=429, json={"code": 20429})
    live.twilio.post(MESSAGES, **created("SM2"))
    receipt = live.due()
    live.run(
        live.wait_for(lambda: live.now(receipt).note),
        live.pass_time(seconds=5),
        live.wait_for_state(receipt, "sent"),
    )
    now = live.now(receipt)
    assert (now.attempts, now.note, live.fen()) == (2, None, [10])


def test_in_doubt_receipt_found_at_twilio_is_not_sent_again(live: Live):
    receipt = live.due()
    live.twilio.post(MESSAGES, body=requests.ReadTimeout())
    live.twilio.get(MESSAGES, json=listed(receipt, "SM5"))
    live.run(
        live.wait_for_state(receipt, "unsure"),
        live.pass_time(seconds=1),
        live.wait_for_state(receipt, "sent"),
    )
    now = live.now(receipt)
    assert (now.provider_id, now.attempts, live.fen()) == ("SM5", 1, [10])
    assert live.requests() == ["POST", "GET"]


def test_in_doubt_receipt_missed_by_all_look_ups_is_sent_again_once(live: Live):
    receipt = live.due()
    live.twilio.post(MESSAGES, body=requests.ConnectionError("cut"))
    live.twilio.post(MESSAGES, **created("SM6"))
    live.twilio.get(MESSAGES, json=listed(receipt))
    lookups = [
        step
        for count in (1, 2, 3)
        for step in (live.pass_time(seconds=15), live.wait_for_lookups(count))
    ]
    doubt, sent = (live.wait_for_state(receipt, state) for state in ("unsure", "sent"))
    live.run(doubt, *lookups, sent)
    now = live.now(receipt)
    assert (now.provider_id, now.attempts, live.fen()) == ("SM6", 2, [10])
    assert live.requests() == ["POST", "GET", "GET", "GET", "POST"]


def test_in_doubt_receipt_at_kannel_waits_for_its_report(live: Live):
    live.kannel.hangs_up()
    receipt = live.due(DisplayMode.FLASH)
    live.run(
        live.wait_for_state(receipt, "unsure"),
        live.pass_time(hours=30),
        lambda: time.sleep(0.7),  # longer than a round of the worker
    )
    assert (live.now(receipt).state, len(live.kannel.calls), live.fen()) == ("unsure", 1, [])
    live.report(receipt, 8)
    assert (live.now(receipt).state, live.fen()) == ("sent", [10])
    live.report(receipt, 2)
    assert (live.now(receipt).state, sorted(live.fen())) == ("undelivered", [-10, 10])


def test_status_callbacks_before_the_response_charge_once(live: Live):
    receipt = live.due()

    def answer(_: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        for status in ("sent", "delivered", "delivered"):
            path = f"/receipts/{receipt.id}/status"
            answered = live.network.post(path, MessageSid="SM8", MessageStatus=status)
            assert answered.status_code == 204
        return 201, {}, '{"sid": "SM8", "status": "queued"}'

    live.twilio.add_callback("POST", MESSAGES, callback=answer)
    reclaim = live.built.clients.outbox.reclaim
    live.run(live.wait_for(lambda: not reclaim("look", 0, 1600) and live.now(receipt).sent_at))
    now = live.now(receipt)
    assert (now.state, now.provider_id, live.fen()) == ("delivered", "SM8", [10])


def test_notification_is_sent_as_ordinary_text_free_of_charge(live: Live):
    live.twilio.post(MESSAGES, **created("SM1"))
    live.network.text(SHANXI, "开通短信回执")
    live.clock.move(hours=49)
    sent = live.built.store.receipts_of
    live.run(live.wait_for(lambda: [r.state for r in sent(SUBSCRIBER, 5, None)] == ["sent"]))
    (notice,) = sent(SUBSCRIBER, 5, MessageKind.NOTICE)
    assert (notice.sent_as, notice.charge_fen, live.fen()) == ("text", 0, [])
