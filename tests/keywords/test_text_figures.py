"""Figures of texts to the short code: meaning and result, and texts that were not understood."""

from collections.abc import Callable

import pytest

from app.bootstrap import Container
from receipts.model.figure import day_of, unknown_of
from receipts.staff.figures.sums import Sums
from tests.conftest import GUANGDONG, ZHEJIANG, Network

Counted = Callable[[], dict[tuple[str, str], int]]


@pytest.fixture
def counted(built: Container) -> Counted:
    """Today's texts by meaning and result."""

    def count() -> dict[tuple[str, str], int]:
        return Sums(built.clients.bulk_reader.figures([day_of(built.clock.now())])[0]).texts()

    return count


def unknown(built: Container) -> dict[str, int]:
    return built.clients.bulk_reader.figures([unknown_of(built.clock.now())])[0]


def test_order_and_confirmation_are_counted_by_result(network: Network, counted: Counted):
    network.open(GUANGDONG)
    network.text(GUANGDONG, "CXDXHZ")
    assert counted() == {("open", "asked"): 1, ("yes", "changed"): 1, ("ask", "answered"): 1}


def test_repeated_text_counts_once(network: Network, counted: Counted, built: Container):
    for _ in range(3):
        network.text(GUANGDONG, "天气预报", sid="SM" + "7" * 32)
    assert sum(counted().values()) == 1
    assert unknown(built) == {"天气预报": 1}


def test_stop_answered_by_the_carrier_is_a_cancel(network: Network, counted: Counted):
    network.open(GUANGDONG)
    network.text(GUANGDONG, "STOP", OptOutType="STOP")
    assert counted()["cancel", "changed"] == 1


def test_text_beyond_the_limits_is_counted_and_not_kept(
    network: Network, counted: Counted, built: Container
):
    for number in range(45):
        network.text(ZHEJIANG, f"天气预报{number}号")
    assert counted()["limited", "limited"] == 5
    assert unknown(built) == {"天气预报#号": 40}


def test_unknown_text_is_kept_without_digits_and_cut(network: Network, built: Container):
    network.text(GUANGDONG, "请打13812345678找我" + "说" * 60)
    (kept,) = unknown(built)
    assert kept.startswith("请打#找我")
    assert len(kept) == 40


def test_text_that_was_understood_is_not_kept(network: Network, built: Container):
    for body in ("开通短信回执", "是", "我不想要这个业务了", "QXDXHZ"):
        network.text(GUANGDONG, body)
    assert unknown(built) == {}
