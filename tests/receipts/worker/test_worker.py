# ruff: noqa: PLR0913, PLR0917 - a whole journey meets many people
"""A real worker on the real store: what leaves, how often, and what is written back."""

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
import redis
import requests
import responses

from app import bootstrap
from app.bootstrap import Container
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.ports.changes import ChangeSet, Timer
from receipts.ports.provider import TemporaryError, UnknownOutcomeError
from receipts.ports.store import StoreUnavailableError
from receipts.store.redis_store import RedisStore
from receipts.worker import result_writer
from receipts.worker import worker as workroom
from receipts.worker.dispatcher import SendTask
from receipts.worker.timers import TimerService
from receipts.worker.worker import Worker
from statemachines.receipt import ReceiptState
from tests.conftest import ACCOUNT, Network, TestClock
from tests.receipts.conftest import AtWork, Until
from tests.support.fixtures import SHANXI, stand
from tests.support.kannel_double import Smsbox, smsbox
from tests.support.sending import ANNA, Courier, Desk

MESSAGES = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
SUBSCRIBER = Msisdn(SHANXI)  # ten fen a delivered receipt, nothing a month
Shown = Callable[[str], list[Receipt]]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that thinks in tenths of a second."""
    monkeypatch.setattr(workroom, "LEASE_SECONDS", 0.6)
    monkeypatch.setattr(workroom, "HEARTBEAT_INTERVAL_SECONDS", 0.1)
    monkeypatch.setattr(workroom, "TIMER_INTERVAL_SECONDS", 0.1)
    monkeypatch.setattr(workroom, "POLL_TIMEOUT_SECONDS", 0.05)


@pytest.fixture
def outside() -> Iterator[responses.RequestsMock]:
    """The providers' doors."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def box() -> Iterator[Smsbox]:
    """A Kannel that listens."""
    with smsbox() as listening:
        yield listening


@pytest.fixture
def hired(built: Container, box: Smsbox) -> Worker:
    """A worker as the product makes it, with both real adapters."""
    return bootstrap.worker(replace(built, settings=replace(built.settings, kannel_url=box.url)))


@pytest.fixture
def due(network: Network, built: Container, shown: Shown) -> Callable[..., Receipt]:
    """A receipt of a delivered text, due to be sent, as ordinary text or as flash."""

    def make(mode: DisplayMode = DisplayMode.TEXT, message: str = "SM1") -> Receipt:
        stand(built, SHANXI, "active", mode)
        network.status(message, "delivered", SHANXI)
        return shown(SHANXI)[0]

    return make


@pytest.fixture
def now(built: Container) -> Callable[[Receipt], Receipt]:
    def look(receipt: Receipt) -> Receipt:
        (found,) = built.store.receipts([receipt.id])
        assert found is not None
        return found

    return look


def fen(built: Container) -> list[int]:
    return [charge.fen for charge in built.account.charges(SUBSCRIBER)]


def taken(sid: str) -> dict[str, object]:
    return {"sid": sid, "status": "queued"}


def listed(receipt: Receipt, *sids: str) -> dict[str, object]:
    """What Twilio lists: texts of these words to this customer, just made."""
    made = format_datetime(dt.datetime.now(dt.UTC))
    messages = [{"sid": sid, "body": receipt.text, "date_created": made} for sid in sids]
    return {"messages": messages, "page": 0, "page_size": 50, "next_page_uri": None}


# -- the real adapters -------------------------------------------------------------------------


def test_an_ordinary_receipt_goes_out_by_twilio_and_is_charged(
    hired: Worker, at_work: AtWork, until: Until, outside: responses.RequestsMock,
    due: Callable[..., Receipt], now: Callable[[Receipt], Receipt], built: Container,
):  # fmt: skip
    outside.post(MESSAGES, status=201, json=taken("SM77"))
    receipt = due()
    with at_work(hired):
        until(lambda: now(receipt).state == "sent")
    sent = now(receipt)
    assert (sent.provider, sent.provider_id, sent.sent_as) == ("twilio", "SM77", "text")
    assert (sent.attempts, sent.charge_fen, fen(built)) == (1, 10, [10])
    (call,) = outside.calls
    assert parse_qs(str(call.request.body))["Body"] == [receipt.text]


def test_a_flash_goes_out_by_kannel_and_its_report_ends_it(
    hired: Worker, at_work: AtWork, until: Until, box: Smsbox,
    due: Callable[..., Receipt], now: Callable[[Receipt], Receipt], built: Container,
    network: Network,
):  # fmt: skip
    box.answers()
    receipt = due(DisplayMode.FLASH)
    with at_work(hired):
        until(lambda: now(receipt).state == "sent")
    (call,) = box.calls
    assert (call.query["mclass"], call.query["text"]) == ("0", receipt.text)
    report = urlsplit(call.query["dlr-url"].replace("%d", "1"))
    for _ in range(3):
        assert network.client.get(f"{report.path}?{report.query}").status_code == 204
    ended = now(receipt)
    assert (ended.state, ended.sent_as, len(ended.history)) == ("delivered", "flash", 1)
    assert fen(built) == [10]


@pytest.mark.parametrize(
    ("status", "json", "state"),
    [
        (400, {"code": 21610, "message": "opted out", "status": 400}, "failed"),
        (429, {"code": 20429, "message": "busy", "status": 429}, "due"),
        (401, {"code": 20003, "message": "credentials", "status": 401}, "due"),
        (500, {"code": 20500, "message": "server", "status": 500}, "unsure"),
    ],
)
def test_a_refusal_is_judged_and_costs_nothing(
    hired: Worker, at_work: AtWork, until: Until, outside: responses.RequestsMock,
    due: Callable[..., Receipt], now: Callable[[Receipt], Receipt], built: Container,
    status: int, json: object, state: str,
):  # fmt: skip
    outside.post(MESSAGES, status=status, json=json)
    outside.get(MESSAGES, json={"messages": [], "next_page_uri": None})
    receipt = due()
    with at_work(hired):
        until(lambda: now(receipt).note is not None)
    judged = now(receipt)
    assert (judged.state, judged.attempts, fen(built)) == (state, 1, [])
    assert len(outside.calls) == 1


def test_later_goes_out_when_the_wait_is_over(
    hired: Worker, at_work: AtWork, until: Until, outside: responses.RequestsMock,
    due: Callable[..., Receipt], now: Callable[[Receipt], Receipt], built: Container,
    clock: TestClock,
):  # fmt: skip
    outside.post(MESSAGES, status=429, json={"code": 20429})
    outside.post(MESSAGES, status=201, json=taken("SM2"))
    receipt = due()
    with at_work(hired):
        until(lambda: now(receipt).note)
        clock.move(seconds=5)
        until(lambda: now(receipt).state == "sent")
    assert (now(receipt).attempts, now(receipt).note, fen(built)) == (2, None, [10])


def test_unsure_and_found_at_the_provider_is_not_sent_again(
    hired: Worker, at_work: AtWork, until: Until, outside: responses.RequestsMock,
    due: Callable[..., Receipt], now: Callable[[Receipt], Receipt], built: Container,
    clock: TestClock,
):  # fmt: skip
    receipt = due()
    outside.post(MESSAGES, body=requests.ReadTimeout())
    outside.get(MESSAGES, json=listed(receipt, "SM5"))
    with at_work(hired):
        until(lambda: now(receipt).state == "unsure")
        clock.move(seconds=1)
        until(lambda: now(receipt).state == "sent")
    assert (now(receipt).provider_id, now(receipt).attempts, fen(built)) == ("SM5", 1, [10])
    assert [call.request.method for call in outside.calls] == ["POST", "GET"]


def test_unsure_and_not_found_is_sent_again_once(
    hired: Worker, at_work: AtWork, until: Until, outside: responses.RequestsMock,
    due: Callable[..., Receipt], now: Callable[[Receipt], Receipt], built: Container,
    clock: TestClock,
):  # fmt: skip
    receipt = due()
    outside.post(MESSAGES, body=requests.ConnectionError("cut"))
    outside.post(MESSAGES, status=201, json=taken("SM6"))
    outside.get(MESSAGES, json=listed(receipt))
    with at_work(hired):
        until(lambda: now(receipt).state == "unsure")
        for looks in (1, 2, 3):
            clock.move(seconds=15)
            until(lambda n=looks: sum(c.request.method == "GET" for c in outside.calls) >= n)
        until(lambda: now(receipt).state == "sent")
    assert (now(receipt).provider_id, now(receipt).attempts, fen(built)) == ("SM6", 2, [10])
    methods = [call.request.method for call in outside.calls]
    assert methods == ["POST", "GET", "GET", "GET", "POST"]


def test_unsure_at_kannel_stays_unsure_until_its_report(
    hired: Worker, at_work: AtWork, until: Until, box: Smsbox,
    due: Callable[..., Receipt], now: Callable[[Receipt], Receipt], built: Container,
    clock: TestClock, network: Network,
):  # fmt: skip
    box.hangs_up()
    receipt = due(DisplayMode.FLASH)
    with at_work(hired):
        until(lambda: now(receipt).state == "unsure")
        clock.move(hours=30)
        time.sleep(0.7)  # longer than a round of the worker
        assert now(receipt).state == "unsure"
    assert (len(box.calls), fen(built)) == (1, [])
    network.client.get(f"/kannel/report?secret=kannel-secret&id={receipt.id}&type=8")
    assert (now(receipt).state, fen(built)) == ("sent", [10])
    network.client.get(f"/kannel/report?secret=kannel-secret&id={receipt.id}&type=2")
    assert (now(receipt).state, fen(built)) == ("undelivered", [10])


def test_news_that_overtakes_the_answer_charges_once(
    hired: Worker, at_work: AtWork, until: Until, outside: responses.RequestsMock,
    due: Callable[..., Receipt], now: Callable[[Receipt], Receipt], built: Container,
    network: Network,
):  # fmt: skip
    receipt = due()

    def answer(_: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        for status in ("sent", "delivered", "delivered"):
            path = f"/receipts/{receipt.id}/status"
            assert network.post(path, MessageSid="SM8", MessageStatus=status).status_code == 204
        return 201, {}, '{"sid": "SM8", "status": "queued"}'

    outside.add_callback("POST", MESSAGES, callback=answer)
    with at_work(hired):
        until(lambda: not built.memory.outbox.reclaim("look", 0, 1600) and now(receipt).sent_at)
    assert (now(receipt).state, now(receipt).provider_id, fen(built)) == ("delivered", "SM8", [10])


def test_a_notice_goes_as_ordinary_text_and_is_not_charged(
    hired: Worker, at_work: AtWork, until: Until, outside: responses.RequestsMock,
    built: Container, network: Network, clock: TestClock,
):  # fmt: skip
    outside.post(MESSAGES, status=201, json=taken("SM1"))
    network.text(SHANXI, "开通短信回执")
    clock.move(hours=49)
    with at_work(hired):
        until(lambda: [r.state for r in built.store.receipts_of(SUBSCRIBER, 5, None)] == ["sent"])
    (notice,) = built.store.receipts_of(SUBSCRIBER, 5, MessageKind.NOTICE)
    assert (notice.sent_as, notice.charge_fen, fen(built)) == ("text", 0, [])


# -- lives and deaths --------------------------------------------------------------------------


def test_what_a_dead_worker_was_sending_is_looked_up_and_not_doubled(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, desk: Desk, courier: Courier
):
    receipt = desk.post()
    desk.begin(receipt)  # and here the desk dies, with the receipt in its hands
    courier.finds.append("found-1")
    with at_work(hire()):
        until(lambda: desk.now(receipt).state == "unsure")
        desk.clock.move(seconds=1)
        until(lambda: desk.now(receipt).state == "sent")
    assert (courier.sent, len(courier.sought)) == ([], 1)
    assert (desk.now(receipt).provider_id, len(desk.charges())) == ("found-1", 1)


def test_what_a_dead_worker_had_only_taken_is_sent(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, desk: Desk, courier: Courier
):
    receipt = desk.post()
    desk.take()
    with at_work(hire()):
        until(lambda: desk.now(receipt).state == "sent")
    assert [parcel.id for parcel in courier.sent] == [receipt.id]


def test_a_slow_provider_keeps_its_receipts_in_the_same_hands(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, desk: Desk, courier: Courier,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    slow = threading.Event()

    def send(parcel: object) -> str:
        courier.sent.append(parcel)  # type: ignore[arg-type]
        slow.wait(1.5)  # far longer than a silent worker is left alone
        return f"slow-{len(courier.sent)}"

    monkeypatch.setattr(courier, "send", send)
    posted = [desk.post() for _ in range(3)]
    with at_work(hire("one")), at_work(hire("two")):
        until(lambda: all(desk.now(receipt).state == "sent" for receipt in posted))
    assert sorted(parcel.id for parcel in courier.sent) == sorted(r.id for r in posted)
    assert all(desk.now(receipt).attempts == 1 for receipt in posted)


def test_who_is_told_to_stop_finishes_what_is_in_hand(
    hire: Callable[..., Worker], at_work: AtWork, desk: Desk, courier: Courier,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    began = threading.Event()

    def send(parcel: object) -> str:
        began.set()
        time.sleep(1.2)
        courier.sent.append(parcel)  # type: ignore[arg-type]
        return "late"

    monkeypatch.setattr(courier, "send", send)
    receipt = desk.post()
    with at_work(hire("two")), at_work(hire("one")) as one:
        began.wait(5)
        one.stop()
    assert (desk.now(receipt).state, desk.now(receipt).attempts) == ("sent", 1)
    assert len(courier.sent) == 1


def test_many_receipts_over_many_shards_go_out_once_each(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, built: Container, courier: Courier,
    desk: Desk,
):  # fmt: skip
    ids = []
    for tail in range(80):
        number = Msisdn(f"+86138028801{tail:02}")
        receipt = desk.delivery.build_notification(
            built.store.receipt_id(number, str(tail)),
            number,
            f"第{tail}条",
            DisplayMode.TEXT,
            Language.ZH,
        )
        built.store.commit(ChangeSet(number, records=(receipt,), outbox=(receipt.id,)))
        ids.append(receipt.id)
    with at_work(hire("one")), at_work(hire("two")):
        until(lambda: all(r and r.state == "sent" for r in built.store.receipts(ids)))
    assert sorted(parcel.text for parcel in courier.sent) == sorted(f"第{n}条" for n in range(80))


def test_entries_that_look_alike_in_two_shards_are_both_kept(
    hire: Callable[..., Worker], desk: Desk, courier: Courier,
    monkeypatch: pytest.MonkeyPatch, raw: "redis.Redis", built: Container,
):  # fmt: skip
    """The server numbers the entries of each stream by themselves."""
    letting_go = threading.Event()
    monkeypatch.setattr(courier, "send", lambda _: (letting_go.wait(5), "x")[1])
    for tail in range(2):
        number = Msisdn(f"+861380288000{tail}")
        receipt = desk.delivery.build_notification(
            built.store.receipt_id(number, "a"), number, "t", DisplayMode.TEXT, Language.ZH
        )
        built.store.commit(ChangeSet(number, records=(receipt,)))
        raw.xadd(f"{{s{int(receipt.id[0], 16)}}}:outbox", {"id": receipt.id}, id="7-7")
    worker = hire()
    worker._fetch()  # noqa: SLF001 - one round, seen from inside
    worker._fetch()  # noqa: SLF001
    try:
        assert len(worker._renew_leases()) == 2  # noqa: SLF001
    finally:
        letting_go.set()
        worker.stop()
        worker.run()


def test_a_receipt_whose_record_is_gone_is_dropped(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, desk: Desk, courier: Courier,
    raw: "redis.Redis",
):  # fmt: skip
    gone = desk.store.receipt_id(ANNA, "ff")
    desk.settle(ChangeSet(ANNA, outbox=(gone, "not-ours", "")))
    key = f"{{s{int(gone[0], 16)}}}:outbox"
    with at_work(hire()):
        until(lambda: raw.xlen(key) == 0)
    assert courier.sent == []


def test_a_receipt_that_is_old_news_is_let_go(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, desk: Desk, courier: Courier
):
    receipt = desk.post()
    desk.clock.move(hours=25)
    with at_work(hire()):
        until(lambda: desk.now(receipt).state == "expired")
    assert (courier.sent, desk.in_outbox()) == ([], [])


def once(monkeypatch: pytest.MonkeyPatch, before: Callable[[Callable[[], object]], object]) -> None:
    """Have something happen just before the first commit."""
    real = RedisStore.commit_all

    def first(self: RedisStore, changes: list[ChangeSet]) -> object:
        monkeypatch.setattr(RedisStore, "commit_all", real)
        before(lambda: real(self, changes))
        return real(self, changes)

    monkeypatch.setattr(RedisStore, "commit_all", first)


def test_a_commit_repeated_over_a_cut_line_is_not_taken_for_a_lost_race(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, desk: Desk, flasher: Courier,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    receipt = desk.post(mode=DisplayMode.FLASH)
    once(monkeypatch, lambda begin: begin())
    with at_work(hire()):
        until(lambda: flasher.sent)
    assert (len(flasher.sent), desk.now(receipt).attempts) == (1, 1)


def test_what_was_marked_unconfirmed_and_never_sent_is_due_again_and_not_unsure(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, desk: Desk, flasher: Courier,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    receipt = desk.post(mode=DisplayMode.FLASH)

    def unheard(begin: Callable[[], object]) -> None:
        begin()
        raise StoreUnavailableError("no replica took the change in time")

    once(monkeypatch, unheard)
    with at_work(hire()):
        until(lambda: desk.now(receipt).note == "the store did not confirm in time")
        assert (desk.now(receipt).state, flasher.sent) == ("due", [])
        desk.clock.move(minutes=1)
        until(lambda: flasher.sent)
    assert (len(flasher.sent), desk.now(receipt).attempts) == (1, 1)


def test_what_another_worker_marked_meanwhile_is_not_taken_back_from_it(
    hire: Callable[..., Worker], desk: Desk, flasher: Courier, monkeypatch: pytest.MonkeyPatch
):
    receipt = desk.post(mode=DisplayMode.FLASH)
    anothers = msgspec.structs.replace(
        receipt, version=2, state=ReceiptState.SENDING, provider="kannel", attempts=1
    )

    def lost(_: object) -> None:
        raise StoreUnavailableError("cut off before a word of it left")

    once(monkeypatch, lost)
    worker = hire()
    with pytest.raises(StoreUnavailableError):
        worker._fetch()  # noqa: SLF001 - one round, seen from inside
    desk.settle(ChangeSet(ANNA, records=(anothers,)))
    worker._fetch()  # noqa: SLF001
    worker.stop()
    worker.run()
    assert (desk.now(receipt), flasher.sent) == (anothers, [])


def test_a_lost_race_for_a_receipt_is_left_to_who_won_it(
    hire: Callable[..., Worker], desk: Desk, courier: Courier, monkeypatch: pytest.MonkeyPatch
):
    receipt = desk.post()
    another = ChangeSet(
        ANNA, records=(msgspec.structs.replace(receipt, version=2, note="another's"),)
    )
    once(monkeypatch, lambda _: desk.settle(another))
    worker = hire()
    worker._fetch()  # noqa: SLF001 - one round, seen from inside
    worker.stop()
    worker.run()
    assert (courier.sent, desk.now(receipt).note) == ([], "another's")
    assert len(desk.in_outbox()) == 1


def test_who_gave_no_sign_of_life_for_too_long_does_not_send(
    hire: Callable[..., Worker], desk: Desk, courier: Courier
):
    """By then the receipt may be in other hands, being looked up; a late sign changes nothing."""
    receipt = desk.post()
    posted = desk.begin(receipt)
    worker = hire()
    choice = desk.delivery.router.choose(receipt)
    load = SendTask(desk.now(receipt), posted, choice, None)
    taken = time.monotonic() - 1
    worker._send(load, taken)  # noqa: SLF001
    assert (courier.sent, desk.now(receipt).state) == ([], "sending")
    worker._renew_leases()  # noqa: SLF001
    worker._send(load, taken)  # noqa: SLF001
    assert (courier.sent, desk.now(receipt).state) == ([], "sending")
    worker._send(load, time.monotonic())  # noqa: SLF001
    assert (len(courier.sent), desk.now(receipt).state) == (1, "sent")
    worker.stop()
    worker.run()


def test_signs_of_life_in_time_keep_what_was_taken_long_ago(
    hire: Callable[..., Worker], desk: Desk, courier: Courier
):
    receipt = desk.post()
    posted = desk.begin(receipt)
    worker = hire()
    choice = desk.delivery.router.choose(receipt)
    load = SendTask(desk.now(receipt), posted, choice, None)
    worker._renew_leases()  # noqa: SLF001
    taken = time.monotonic()
    for _ in range(3):
        time.sleep(0.3)
        worker._renew_leases()  # noqa: SLF001
    worker._send(load, taken)  # noqa: SLF001
    assert (len(courier.sent), desk.now(receipt).state) == (1, "sent")
    worker.stop()
    worker.run()


def test_an_outcome_is_written_back_though_the_store_was_gone_for_a_while(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, desk: Desk, courier: Courier,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    receipt = desk.post()
    troubles = [StoreUnavailableError("gone"), StoreUnavailableError("gone")]
    real = RedisStore.commit_all

    def commit_all(self: RedisStore, changes: list[ChangeSet]) -> object:
        if courier.sent and troubles:
            raise troubles.pop()
        return real(self, changes)

    monkeypatch.setattr(RedisStore, "commit_all", commit_all)
    with at_work(hire()):
        until(lambda: desk.now(receipt).state == "sent")
    assert (len(courier.sent), troubles, len(desk.charges())) == (1, [], 1)


def test_a_store_out_of_reach_is_waited_for(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    receipt = desk.post()
    troubles = [StoreUnavailableError("gone")]
    real = RedisStore.receipts

    def receipts(self: RedisStore, ids: object) -> object:
        if troubles:
            raise troubles.pop()
        return real(self, ids)  # type: ignore[arg-type]

    monkeypatch.setattr(RedisStore, "receipts", receipts)
    with at_work(hire()):
        until(lambda: not troubles and desk.now(receipt).state == "sent")


def test_an_adapter_that_breaks_leaves_its_receipt_to_a_look_up(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, desk: Desk, courier: Courier
):
    receipt = desk.post()
    courier.ends.append(ZeroDivisionError())
    with at_work(hire()):
        until(lambda: desk.now(receipt).state == "unsure")
    assert len(courier.sent) == 1


def test_an_outcome_that_cannot_be_written_for_long_is_left_to_a_look_up(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, desk: Desk, courier: Courier,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    receipt = desk.post()
    monkeypatch.setattr(result_writer, "WRITE_RETRY_SECONDS", 0.1)
    real = RedisStore.commit_all
    gone = [True]

    def commit_all(self: RedisStore, changes: list[ChangeSet]) -> object:
        if courier.sent and gone[0]:
            raise StoreUnavailableError("gone")
        return real(self, changes)

    monkeypatch.setattr(RedisStore, "commit_all", commit_all)
    with at_work(hire()) as worker:
        until(lambda: courier.sent and not worker._in_progress)  # noqa: SLF001 - seen from inside
        gone[0] = False
        until(lambda: desk.now(receipt).state == "unsure")
    assert len(courier.sent) == 1


def test_a_timer_during_a_store_outage_is_rung_later(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    desk.settle(ChangeSet(ANNA, timers=(Timer("lapse", ANNA, "", desk.clock.now()),)))
    troubles = [StoreUnavailableError("gone")]
    real = RedisStore.load

    def read(self: RedisStore, *asked: object, **more: object) -> object:
        if troubles:
            raise troubles.pop()
        return real(self, *asked, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(RedisStore, "load", read)
    with at_work(hire()):
        until(lambda: desk.timers() == [])
    assert troubles == []


def test_a_timer_that_breaks_stops_nobody_elses(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    timer = Timer("lapse", ANNA, "", desk.clock.now())
    desk.settle(ChangeSet(ANNA, timers=(timer,)))
    monkeypatch.setattr(TimerService, "fire", broken)
    receipt = desk.post()
    with at_work(hire()):
        until(lambda: desk.now(receipt).state == "sent")
        time.sleep(0.7)  # longer than a round of the worker
    assert desk.timers() == [timer]


# -- looking up --------------------------------------------------------------------------------


def look_due(desk: Desk, **given: object) -> Receipt:
    """A receipt that may have gone out, and whose look-up is due."""
    receipt = desk.post()
    posted = desk.begin(receipt)
    desk.settle(desk.delivery.failed(desk.now(receipt), UnknownOutcomeError("lost"), posted))
    if given:
        was = desk.now(receipt)
        desk.settle(
            ChangeSet(
                ANNA, records=(msgspec.structs.replace(was, version=was.version + 1, **given),)
            )
        )
    return receipt


def test_a_look_up_that_cannot_be_made_now_is_made_again(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, desk: Desk, courier: Courier
):
    receipt = look_due(desk)
    courier.finds.extend([TemporaryError("busy"), ZeroDivisionError(), "found-1"])
    desk.clock.move(seconds=1)
    with at_work(hire()):
        until(lambda: len(courier.sought) == 1)
        desk.clock.move(seconds=15)
        until(lambda: desk.now(receipt).state == "sent")
    assert len(courier.sought) == 3


def test_a_look_up_knows_which_texts_are_other_receipts(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, desk: Desk, courier: Courier
):
    """Two receipts of the same words: each finds its own, one after the other."""
    other = desk.post(provider_id="SM-other", state="sent")
    desk.begin(other)
    first, second = look_due(desk), look_due(desk)
    courier.finds.extend(["SM-1", "SM-2"])
    desk.clock.move(seconds=1)
    with at_work(hire()):
        until(lambda: {desk.now(first).state, desk.now(second).state} == {"sent"})
    assert {desk.now(first).provider_id, desk.now(second).provider_id} == {"SM-1", "SM-2"}
    assert courier.sought[0] == {"SM-other"}
    assert courier.sought[1] == {"SM-other", "SM-1"}


@pytest.mark.parametrize("given", [{"provider": "gone-since"}, {"requested_at": None}], ids=str)
def test_what_cannot_be_looked_up_any_more_is_left_to_staff(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, desk: Desk, courier: Courier,
    given: dict[str, object],
):  # fmt: skip
    receipt = look_due(desk, **given)
    desk.clock.move(seconds=1)
    with at_work(hire()):
        until(lambda: desk.timers() == [])
    assert (desk.now(receipt).state, courier.sought) == ("unsure", [])


def test_a_look_up_for_a_record_that_is_gone_is_put_away(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, desk: Desk, courier: Courier
):
    gone = desk.store.receipt_id(ANNA, "ff")
    desk.settle(ChangeSet(ANNA, timers=(Timer("look", ANNA, f"{gone}/0", desk.clock.now()),)))
    with at_work(hire()):
        until(lambda: desk.timers() == [])
    assert courier.sought == []


def test_a_look_up_during_a_store_outage_is_made_again(
    hire: Callable[..., Worker], at_work: AtWork, until: Until, desk: Desk, courier: Courier,
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    receipt = look_due(desk)
    courier.finds.extend(["found-1", "found-1"])
    troubles = [StoreUnavailableError("gone")]
    real = RedisStore.commit

    def commit(self: RedisStore, change: ChangeSet) -> object:
        if courier.sought and troubles:
            raise troubles.pop()
        return real(self, change)

    monkeypatch.setattr(RedisStore, "commit", commit)
    desk.clock.move(seconds=1)
    with at_work(hire()):
        until(lambda: desk.now(receipt).state == "sent")
    assert len(courier.sought) == 2
