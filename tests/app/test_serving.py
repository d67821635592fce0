"""`serve` under a service manager: the sockets that it gets, the notices that it sends."""

import os
import socket
import time
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from app.serving import notify
from app.serving.sockets import Listeners, listen
from app.settings import Settings, SettingsError
from tests.support.manager import Manager
from tests.support.product import Service, free_port


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    service = Service(tmp_path)
    return replace(Settings.read(service.settings), inside_port=free_port())


def test_passed_sockets_are_known_by_their_ports(settings: Settings) -> None:
    inside = listen(settings.inside_host, settings.inside_port)
    with closing(Listeners(settings, [os.dup(inside.fileno())])) as listeners:
        inside.close()
        ports = [each.getsockname()[1] for each in listeners.sockets]
        assert ports == [settings.inside_port, settings.port]  # the missing one is opened
        listeners.refuse()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", settings.port))
        socket.create_connection(("127.0.0.1", settings.inside_port)).close()
        listeners.sockets[0].close()


@pytest.mark.parametrize("kind", ["another port", "a Unix socket", "a file"])
def test_unusable_passed_socket_is_refused(settings: Settings, kind: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        if kind == "a file":
            opened = (tmp_path / "file").open("wb")
        elif kind == "a Unix socket":
            opened = socket.socket(socket.AF_UNIX)
            opened.bind(str(tmp_path / "socket"))
        else:
            opened = listen("127.0.0.1", free_port())
        stack.enter_context(closing(opened))
        with pytest.raises(SettingsError, match=r"ListenStream=|is no socket"):
            Listeners(settings, [opened.fileno()])
        assert opened.fileno() > 0


def test_notices_need_a_manager(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    notify.notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "none"))
    notify.notify("READY=1")  # the manager is restarted at this moment


@pytest.mark.parametrize("address", ["", "@"])
def test_watchdog_is_told_at_most_four_times_within_its_limit(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    with closing(Manager(address)) as manager:
        for name, value in manager.environ(watchdog_seconds=0.4).items():
            monkeypatch.setenv(name, value)
        watchdog = notify.Watchdog()
        began = time.monotonic()
        while time.monotonic() < began + 0.35:
            watchdog.alive()
        # A busy machine may leave out a turn.
        manager.wait("WATCHDOG=1", times=2, seconds=5)
        assert manager.count("WATCHDOG=1") <= 4
