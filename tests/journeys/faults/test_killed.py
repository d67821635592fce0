"""SIGKILL: acknowledged requests survive, and no receipt is sent twice."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import pytest

from statemachines.receipt import ReceiptState
from tests.journeys.faults.conftest import Serve
from tests.journeys.faults.load import Load, WebhookClient, fresh, store_reader
from tests.support.phones import Phones
from tests.support.product import Service, answers, kill, until

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def one(serve: Serve) -> Service:
    """One service for all tests here; its provider has a look-up."""
    return serve(FLASH_PROVIDER="twilio")


@pytest.fixture
def service(one: Service) -> Service:
    """The running service, started again on the same data after a kill."""
    if not one.runs:
        one.start("network", "doors", "worker")
    return one


@pytest.fixture
def phones(service: Service) -> Iterator[Phones]:
    with Phones(service.network) as opened:
        yield opened


def each_delivered_once(service: Service, phones: Phones, numbers: Iterable[str]) -> None:
    """Assert one delivered receipt for each customer, taken once by the provider."""
    delivered = [ReceiptState.DELIVERED]
    with store_reader(service) as store:
        until(
            lambda: all([r.state for r in store.receipts(n)] == delivered for n in numbers),
            why="every receipt to be delivered",
        )  # fmt: skip
    counted = Counter(message["to"] for message in phones.get("messages")["messages"])
    assert {number: counted[number] for number in numbers} == dict.fromkeys(numbers, 1)


@contextmanager
def load_without_loss(service: Service, phones: Phones) -> Iterator[Callable[[int], None]]:
    """Run customers while the block runs; yield a wait for so many of them.

    Assert afterwards that each acknowledged request is on disk once, and its receipt arrives once.
    """
    load = Load(service)
    with load.running():
        yield lambda count: until(lambda: len(load.opened) > count, why=f"{count} customers")
    with store_reader(service) as store:
        assert store.states(load.opened) == {"active"}
        for number, message in load.reported.items():
            assert [r.message_id for r in store.receipts(number)] == [message], number
    each_delivered_once(service, phones, load.reported)


def test_killed_worker_loses_and_doubles_no_receipt(service: Service, phones: Phones):
    numbers = [fresh() for _ in range(36)]
    with WebhookClient(service) as client:
        for number in numbers:
            client.open(number)
        phones.trouble("twilio", "slow", seconds=60)
        for number in numbers:
            client.report(number)
    # The provider takes a message at once and answers late: the worker holds these and more.
    taken = until(lambda: phones.get("messages")["counts"]["total"], why="the first receipts")
    assert taken < len(numbers)
    service.kill("worker")
    phones.trouble("twilio", "none")
    service.start("worker")
    each_delivered_once(service, phones, numbers)


def test_door_process_killed_under_load_is_replaced_without_loss(service: Service, phones: Phones):
    with load_without_loss(service, phones) as await_customers:
        await_customers(10)
        doors = service.door_processes()
        kill(min(doors))
        await_customers(40)
        until(lambda: service.door_processes() - doors, why="another door process in its place")


def test_stopped_door_process_is_replaced(service: Service):
    doors = service.door_processes()
    kill(min(doors), signal.SIGSTOP)
    until(lambda: service.door_processes() - doors, why="another door process in its place")
    until(lambda: min(doors) not in service.door_processes(), why="an end of the stopped process")
    until(lambda: answers(f"{service.doors}/readyz"), why="the doors to answer")


def test_server_killed_under_load_loses_no_acknowledged_request(service: Service, phones: Phones):
    with load_without_loss(service, phones) as await_customers:
        await_customers(10)
        service.kill("doors")
        until(lambda: not service.find("serv"), why="doors and store to end with their parent")
        service.start("doors")
        await_customers(40)


def test_store_killed_under_load_loses_no_acknowledged_request(service: Service, phones: Phones):
    with load_without_loss(service, phones) as await_customers:
        for count in (10, 40):
            await_customers(count)
            (server,) = service.find("valkey.sock")
            kill(server)
        await_customers(70)


def test_doors_survive_sighup(service: Service):
    kill(service.pid("doors"), signal.SIGHUP)
    time.sleep(1)
    until(lambda: answers(f"{service.doors}/readyz"), why="the doors to answer after a hangup")
    assert service.find("sms-receipt serve") == [service.pid("doors")]


def test_product_killed_at_once_loses_no_acknowledged_request(service: Service, phones: Phones):
    with load_without_loss(service, phones) as await_customers:
        await_customers(40)
        # The providers live on: they keep the messages that they accepted.
        service.kill_everything(spared="network")
        service.start("doors", "worker")


def test_doors_worker_and_network_end_within_ten_seconds_of_sigterm(service: Service):
    assert service.stop(signal.SIGTERM) < 10
    # The rest of the log says where it was raised.
    assert service.said().partition("Traceback")[2] == ""


def test_new_door_process_ends_with_its_killed_parent(serve: Serve):
    service = serve()
    for _ in range(3):
        service.start("doors")
        doors = service.door_processes()
        kill(min(doors))
        until(lambda known=doors: service.door_processes() - known, why="another in its place")
        service.kill("doors")
        service.gone()


def test_doors_end_by_sigterm_during_start(serve: Serve):
    service = serve()
    service.start("doors", wait=False)
    until(lambda: len(service.door_processes()) == 2, why="the door processes to begin")
    assert service.stop(signal.SIGTERM) < 10
