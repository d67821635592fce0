"""kill -9: what was acknowledged is there afterwards, and nothing is sent twice."""

import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

from receipts.model.receipt import Receipt
from statemachines.receipt import ReceiptState
from tests.journeys.faults.conftest import Serve
from tests.journeys.faults.load import PATIENCE, Carrier, Ledger, Load, fresh
from tests.support.phones import Phones
from tests.support.product import Running, answers, kill, until

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def one(serve: Serve) -> Running:
    """One service for all these tests; its receipts go by a provider that can be asked."""
    return serve(FLASH_PROVIDER="twilio")


@pytest.fixture
def service(one: Running) -> Running:
    """The service, running: started again on the same data if a test has ended it."""
    if not one.runs:
        one.start("network", "doors", "worker")
    return one


@pytest.fixture
def phones(service: Running) -> Iterator[Phones]:
    phones = Phones(service.network)
    yield phones
    phones.session.close()


def each_delivered_once(service: Running, phones: Phones, numbers: Iterable[str]) -> None:
    """Every customer's one receipt is delivered in the end, and the provider counted it once."""
    waiting: dict[str, list[Receipt]] = {}

    def over() -> bool:
        waiting.clear()
        for number in numbers:
            found = ledger.receipts(number)
            if [r.state for r in found] != [ReceiptState.DELIVERED]:
                waiting[number] = found
        return not waiting

    with Ledger(service) as ledger:
        until(over, PATIENCE, "every receipt to be delivered")
    counted = Counter(message["to"] for message in phones.get("messages")["messages"])
    assert {number: counted[number] for number in numbers} == dict.fromkeys(numbers, 1)


def nothing_is_lost(service: Running, phones: Phones, load: Load) -> None:
    """All that the doors acknowledged is on disk, once, and its receipts arrive, once."""
    with Ledger(service) as ledger:
        assert ledger.states(load.opened) == {"active"}
        for number, message in load.reported.items():
            assert [r.message_id for r in ledger.receipts(number)] == [message], number
    each_delivered_once(service, phones, load.reported)


def test_a_worker_killed_while_it_holds_receipts_loses_none_and_doubles_none(
    service: Running, phones: Phones
) -> None:
    carrier = Carrier(service)
    numbers = [fresh() for _ in range(36)]
    for number in numbers:
        carrier.open(number)
    phones.trouble("twilio", "slow", seconds=60)
    for number in numbers:
        carrier.report(number)
    carrier.close()
    # It takes a message at once and answers late: the worker holds what was taken, and more.
    taken = until(
        lambda: phones.get("messages")["counts"]["total"], 10, "the provider to take receipts"
    )
    assert taken < len(numbers)
    service.kill("worker")
    phones.trouble("twilio", "none")
    service.start("worker")
    each_delivered_once(service, phones, numbers)


def test_a_door_process_killed_under_load_is_replaced_and_nothing_acknowledged_is_lost(
    service: Running, phones: Phones
) -> None:
    load = Load(service)
    with load.running():
        until(lambda: len(load.opened) > 10, PATIENCE, "customers to open")
        doors = service.door_processes()
        kill(min(doors))
        until(lambda: len(load.opened) > 40, PATIENCE, "customers to open after the kill")
    until(lambda: service.door_processes() - doors, 10, "another door process in its place")
    nothing_is_lost(service, phones, load)


def test_the_whole_door_server_killed_under_load_loses_nothing_acknowledged(
    service: Running, phones: Phones
) -> None:
    load = Load(service)
    with load.running():
        until(lambda: len(load.opened) > 10, PATIENCE, "customers to open")
        service.kill("doors")
        until(lambda: not service.find("serv"), 2, "doors and store to follow their parent")
        service.start("doors")
        until(lambda: len(load.opened) > 40, PATIENCE, "customers to open after the restart")
    nothing_is_lost(service, phones, load)


def test_the_local_server_killed_under_load_comes_back_with_all_it_acknowledged(
    service: Running, phones: Phones
) -> None:
    load = Load(service)
    with load.running():
        for reached in (10, 40):
            until(lambda count=reached: len(load.opened) > count, PATIENCE, "customers to open")
            (server,) = service.find("valkey.sock")
            kill(server)
        until(lambda: len(load.opened) > 70, PATIENCE, "customers to open after the kills")
    nothing_is_lost(service, phones, load)


def test_doors_outlive_a_hangup(service: Running) -> None:
    kill(service.pid("doors"), signal.SIGHUP)
    time.sleep(1)
    until(lambda: answers(f"{service.doors}/readyz"), 10, "the doors to answer after a hangup")
    assert service.find("sms-receipt serve") == [service.pid("doors")]


def test_product_killed_at_once_comes_back_with_all_that_was_acknowledged(
    service: Running, phones: Phones
) -> None:
    load = Load(service)
    with load.running():
        until(lambda: len(load.opened) > 40, PATIENCE, "customers to open")
        # The providers live on: they keep what they accepted.
        service.kill_everything(spared="network")
        service.start("doors", "worker")
    nothing_is_lost(service, phones, load)


def test_doors_worker_and_network_end_within_seconds_when_each_is_told(service: Running) -> None:
    assert service.stop(signal.SIGTERM) < 10
    assert "Traceback" not in service.said()


def test_a_door_process_that_has_just_begun_ends_with_its_killed_parent_too(serve: Serve) -> None:
    service = serve()
    for _ in range(3):
        service.start("doors")
        doors = service.door_processes()
        kill(min(doors))
        until(lambda known=doors: service.door_processes() - known, 20, "another in its place")
        service.kill("doors")
        service.gone(2)


def test_doors_told_to_end_while_they_start_end_too(serve: Serve) -> None:
    service = serve()
    service.start("doors", wait=False)
    until(lambda: len(service.door_processes()) == 2, 60, "the door processes to begin")
    assert service.stop(signal.SIGTERM) < 10
