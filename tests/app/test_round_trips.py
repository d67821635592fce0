"""An event costs at most two round trips, counted by the store: one read and one commit."""

from collections.abc import Callable

import pytest
import redis

from tests.conftest import GUANGDONG, JILIN, ZHEJIANG, Network

KEY = "/voice/key?at=menu&lang=zh&as=active&mode=flash&in=CN-GD&tried=0&step=2&silent=0&wrong=0"


def a_key(key: str) -> Callable[[Network], object]:
    return lambda network: network.post(KEY, CallSid=f"CA{key}", From=GUANGDONG, Digits=key)


EVENTS: dict[str, tuple[int, Callable[[Network], object]]] = {
    "a text that asks": (2, lambda network: network.text(GUANGDONG, "CXDXHZ")),
    "a text that asks what was charged": (2, lambda network: network.text(GUANGDONG, "话费")),
    "a text that changes state": (2, lambda network: network.text(ZHEJIANG, "KTDXHZ")),
    "a text that switches": (2, lambda network: network.text(GUANGDONG, "PT")),
    "a text not understood": (2, lambda network: network.text(GUANGDONG, "你好吗")),
    "a menu key without effect": (0, a_key("#")),
    "a wrong key": (0, a_key("8")),
    "a key that asks": (2, a_key("3")),
    "a key that switches": (2, a_key("6")),
    "a status without a receipt": (2, lambda network: network.status("SM8", "delivered", JILIN)),
    "a status with a receipt": (2, lambda network: network.status("SM9", "delivered")),
}


@pytest.fixture
def opened(network: Network) -> Network:
    """One customer; scripts and pages are loaded."""
    network.open()
    network.status("SM1", "delivered", ZHEJIANG, GUANGDONG)
    return network


@pytest.mark.parametrize("event", EVENTS)
def test_event_costs_at_most_two_round_trips(event: str, opened: Network, raw: "redis.Redis"):
    most, happen = EVENTS[event]
    asked = reads(raw)
    answer = happen(opened)
    assert answer.status_code in {200, 204}  # type: ignore[attr-defined]
    assert reads(raw) - asked - 1 <= most, "one is the count itself"


def reads(raw: "redis.Redis") -> int:
    return int(raw.info("stats")["total_reads_processed"])
