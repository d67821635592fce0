"""Processes with a rule book that is edited or invalid."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
import requests
from structlog.testing import capture_logs

from app import rulebook_reload
from app.protection import file_watch
from app.settings import Settings
from receipts.rulebook.errors import RuleBookError
from tests.app.conftest import AFTER, BEFORE, OPEN, dearer, write
from tests.conftest import ACCOUNT, GUANGDONG, PUBLIC_URL, TOKEN, Network
from tests.support.product import free_port, surroundings, until
from tests.support.signing import twilio_headers

ROOT = Path(__file__).parents[2]


def test_file_is_not_read_between_checks(doors: Network, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(file_watch, "_EVERY", 60.0)
    doors.client.get("/readyz")
    version = file_watch._version  # noqa: SLF001 - the one place that touches the file
    with patch.object(file_watch, "_version", side_effect=version) as looked:
        for _ in range(20):
            doors.client.get("/readyz")
    assert looked.call_count <= 1


def test_file_edited_after_reading_is_not_kept(
    with_book: Settings, book: Path, monkeypatch: pytest.MonkeyPatch
):
    def copy_edited(old: Path, new: Path) -> None:
        write(old, "nonsense")
        new.write_bytes(old.read_bytes())

    good = rulebook_reload.load_effective_rule_book(with_book)
    monkeypatch.setattr(rulebook_reload.shutil, "copyfile", copy_edited)
    write(book, dearer(book.read_text()))
    assert rulebook_reload.load_effective_rule_book(with_book).version == "second"
    monkeypatch.undo()
    assert rulebook_reload.load_effective_rule_book(with_book) == good


def test_start_with_an_invalid_file_uses_the_last_valid_book(with_book: Settings, book: Path):
    good = rulebook_reload.load_effective_rule_book(with_book)
    write(book, "nonsense")
    with capture_logs() as told:
        assert rulebook_reload.load_effective_rule_book(with_book) == good
    assert "rules.toml: is not TOML" in told[0]["why"]


def test_start_without_any_valid_book_fails(with_book: Settings, book: Path):
    write(book, "nonsense")
    with pytest.raises(RuleBookError, match=r"rules\.toml"):
        rulebook_reload.load_effective_rule_book(with_book)


@contextmanager
def running(settings: Settings, book: Path | None, *words: str, **more: str) -> Iterator[Path]:
    """Run a command as a process; yields its log."""
    log = settings.data_dir / "log"
    account = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM": "7500"}
    store = {"REDIS_URL": settings.redis_url, "DATA_DIR": str(settings.data_dir)}
    rules = {"RULE_BOOK": str(book)} if book else {}
    environ = surroundings(PUBLIC_URL=PUBLIC_URL, **rules, **account, **store, **more)
    command = [sys.executable, "-m", "commands.main", *words]
    with log.open("wb") as out:
        child = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=out, stderr=out)
        try:
            (settings.data_dir / "pid").write_text(str(child.pid))
            yield log
            assert child.poll() is None
        finally:
            child.terminate()
            child.wait(20)


@pytest.mark.faults
def test_running_worker_reloads_a_valid_book_only(settings: Settings, book: Path):
    with running(settings, book, "work") as log:
        until((settings.data_dir / "rulebook.good.toml").exists, why="the rule book")
        write(book, dearer(book.read_text()), old=0)
        until(lambda: "rule book in force" in log.read_text(), why="the rule book")
        write(book, book.read_text().replace("monthly_fen = 250", "monthly_fen = -1"), old=0)
        until(lambda: "the old one stays in force" in log.read_text(), why="the rule book")
        pid = int((settings.data_dir / "pid").read_text())
        os.kill(pid, signal.SIGHUP)
        until(lambda: log.read_text().count("stays in force") == 2, why="the rule book")


@pytest.mark.faults
def test_web_server_reloads_and_survives_sighup(settings: Settings, book: Path):
    port = free_port()
    count = iter(range(1000))

    def reply() -> str:
        fields = {
            "MessageSid": f"SM{next(count):032x}", "AccountSid": ACCOUNT,
            "From": GUANGDONG, "To": "7500", "Body": OPEN,
        }  # fmt: skip
        headers = twilio_headers(TOKEN, f"{PUBLIC_URL}/sms", fields)
        try:
            return requests.post(f"http://127.0.0.1:{port}/sms", fields, headers=headers).text
        except OSError:
            return ""

    with running(settings, book, "serve", "--workers", "1", PORT=str(port)):
        until(lambda: BEFORE in reply(), why="the rule book")
        write(book, dearer(book.read_text()), old=0)
        until(lambda: AFTER in reply(), why="the rule book")
        write(book, "nonsense", old=0)
        time.sleep(1)
        assert AFTER in reply()
        os.kill(int((settings.data_dir / "pid").read_text()), signal.SIGHUP)
        time.sleep(2)
        until(lambda: AFTER in reply(), why="the rule book")
