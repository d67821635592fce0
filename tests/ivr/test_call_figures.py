"""Figures of calls: each stage counts once a call, also when a request comes twice."""

from collections.abc import Callable

import pytest

from app.bootstrap import Container
from receipts.model.figure import day_of
from receipts.staff.figures.sums import Sums
from tests.conftest import UNICOM
from tests.ivr.conftest import Dial, NetworkWith
from tests.support.caller import Call, Line

Stages = Callable[[], dict[str, int]]


@pytest.fixture
def stages(built: Container) -> Stages:
    """Stages and ends of today's calls."""

    def count() -> dict[str, int]:
        (found,) = built.clients.bulk_reader.figures([day_of(built.clock.now())])
        return Sums(found).calls()

    return count


def test_new_caller_goes_through_all_stages(call: Call, stages: Stages):
    call.dials()
    assert stages() == {"begun": 1}
    call.presses("1")
    assert stages() == {"begun": 1, "menu": 1}
    call.presses("1")
    assert stages() == {"begun": 1, "menu": 1, "choice": 1}
    call.presses("1")
    assert stages() == {"begun": 1, "menu": 1, "choice": 1, "served": 1}


def test_further_choices_of_a_call_count_no_more(dial: Dial, stages: Stages):
    dial("active", "33421242")
    assert stages() == {"begun": 1, "menu": 1, "choice": 1, "served": 1}


def test_choice_before_an_answer_counts_once(dial: Dial, stages: Stages):
    dial("active", "2*3")
    assert stages() == {"begun": 1, "menu": 1, "choice": 1, "served": 1}


@pytest.mark.parametrize(("misses", "end"), [(["", "", ""], "silence"), (["8", "8", "8"], "wrong")])
def test_end_by_misses_is_counted(dial: Dial, stages: Stages, misses: list[str], end: str):
    call = dial(keys="1")
    for miss in misses:
        call.presses(miss) if miss else call.keeps_silent()
    assert stages() == {"begun": 1, "menu": 1, end: 1}


def test_refused_caller_reaches_no_menu(line: Line, stages: Stages):
    line(UNICOM).dials()
    assert stages() == {"begun": 1, "refused": 1}


def test_caller_of_a_withheld_number_is_counted(line: Line, stages: Stages):
    line("anonymous").dials()
    assert stages() == {"begun": 1}


def test_request_that_comes_twice_counts_once(call: Call, stages: Stages):
    call.dials()
    call.dials()
    assert stages() == {"begun": 1}


def test_agent_is_counted_once_a_call(network_with: NetworkWith, stages: Stages):
    call = Call(network_with(agent_number="+8610000"), "+8613802880000", "CA" + "7" * 32)
    call.dials()
    call.presses("100")
    assert stages() == {"begun": 1, "menu": 1, "agent": 1}
