from collections.abc import Callable
from functools import partial

import pytest

from app.bootstrap import Container
from receipts.model.counter import CounterVisit
from tests.support.counter import Counter


@pytest.fixture
def counter(built: Container) -> Counter:
    made = Counter(built)
    made.knows()
    return made


@pytest.fixture
def keys(counter: Counter) -> Callable[..., list[str]]:
    """Keys of the messages that an act is answered with."""
    return partial(_keys, counter)


def _keys(counter: Counter, visit: CounterVisit, act: str, argument: str = "") -> list[str]:
    return [key for key, _ in counter.act(visit, act, argument).messages]
