from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import count

import pytest

from app import bootstrap
from app.bootstrap import Container
from app.factory import create_app
from receipts.model.vocabulary import DisplayMode, Language
from tests.conftest import GUANGDONG, Network
from tests.support.caller import Call, Line
from tests.support.fixtures import stand

Dial = Callable[..., Call]
NetworkWith = Callable[..., Network]


@pytest.fixture
def network_with(built: Container) -> Iterator[NetworkWith]:
    """Start the application with some settings changed: ``network_with(hotline="12580")``."""
    with ExitStack() as stack:

        def start(**settings: str) -> Network:
            ours = replace(built.settings, **settings)
            container = bootstrap.services(ours)
            stack.callback(container.clients.close)
            return Network(create_app(ours, container).test_client())

        yield start


@pytest.fixture
def line(network: Network) -> Line:
    """Factory of calls, each with its own sid: ``line(GUANGDONG).dials()``."""
    calls = count(1)
    return lambda number=GUANGDONG: Call(network, number, f"CA{next(calls):032x}")


@pytest.fixture
def call(line: Line) -> Call:
    """A call from Guangdong, not yet dialled."""
    return line()


@pytest.fixture
def dial(line: Line, built: Container) -> Dial:
    """Put the caller into a state, dial and press keys: ``dial("active", "1")``."""

    def dial(
        state: str = "", keys: str = "", number: str = GUANGDONG,
        language: Language | None = Language.ZH, mode: DisplayMode = DisplayMode.FLASH,
    ) -> Call:  # fmt: skip
        if state:
            stand(built, number, state, mode, language=language)
        call = line(number)
        call.dials()
        call.presses(keys)
        return call

    return dial
