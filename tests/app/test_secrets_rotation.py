"""Secrets that change while processes run: no good request is refused, bad files change nothing."""

import itertools
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import requests
import responses
from requests.auth import _basic_auth_str
from structlog.testing import capture_logs

from app.bootstrap import Container
from app.protection.secrets_reload import SecretsWatcher
from app.settings import Settings, SettingsError
from tests.app.test_rulebook_processes import running
from tests.conftest import ACCOUNT, GUANGDONG, PUBLIC_URL
from tests.contracts.provider_ends import parcel
from tests.support.product import free_port, until
from tests.support.signing import feed_headers, twilio_headers

OLD, NEW = "an-old-secret-of-all-doors", "the-new-secret-of-all-doors"


def write(file: Path, *secrets: str) -> None:
    """Write the file as an operator does: whole, under another name, then in its place."""
    names = ("TWILIO_AUTH_TOKEN", "KANNEL_SECRET", "FEED_SECRET", "SECRET_KEY")
    fresh = file.with_suffix(".new")
    fresh.write_text("".join(f"{name}={','.join(secrets)}\n" for name in names))
    fresh.chmod(0o600)
    fresh.replace(file)


@dataclass
class Senders:
    """A provider, a gateway and a message centre, each with one secret at a time."""

    port: int
    secret: str = OLD
    sent: int = 0
    refused: list[tuple[str, int]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    _ids: Iterator[int] = field(default_factory=itertools.count)

    def statuses(self, secret: str) -> dict[str, int]:
        """The answer of each door to a request under a secret."""
        number, base = next(self._ids), f"http://127.0.0.1:{self.port}"
        fields = {"MessageSid": f"SM{number:032x}", "From": GUANGDONG, "Body": "BZ",
                  "AccountSid": ACCOUNT}  # fmt: skip
        signed = twilio_headers(secret, f"{PUBLIC_URL}/sms", fields)
        text = {"id": str(number), "from": GUANGDONG, "text": "BZ", "secret": secret}
        return {
            "sms": requests.post(f"{base}/sms", fields, headers=signed).status_code,
            "kannel": requests.get(f"{base}/kannel/sms", text).status_code,
            "feed": requests.post(
                f"{base}/feed/reports", b"", headers=feed_headers(secret, b"")
            ).status_code,
        }

    def send(self) -> None:
        while not self.over.is_set():
            self.refused += [each for each in self.statuses(self.secret).items() if each[1] != 200]
            self.sent += 1

    def all_answer(self, secret: str, status: int) -> bool:
        """Whether every door process answers so: twelve requests in a row find each of them."""
        return all(set(self.statuses(secret).values()) == {status} for _ in range(12))


@pytest.mark.faults
def test_no_good_request_is_refused_while_all_secrets_rotate(settings: Settings, book: Path):
    file, port = settings.data_dir / "secrets.env", free_port()
    write(file, OLD)
    senders = Senders(port)
    more = {"PORT": str(port), "SECRETS_FILE": str(file)}
    with running(settings, book, "serve", "--workers", "2", **more) as log:
        until(lambda: _answers(port), why="the doors")
        sending = threading.Thread(target=senders.send)
        sending.start()
        try:
            time.sleep(0.5)
            write(file, NEW, OLD)
            until(lambda: senders.all_answer(NEW, 200), why="the new secrets")
            senders.secret = NEW
            time.sleep(0.5)
            write(file, NEW)
            until(lambda: 403 in senders.statuses(OLD).values(), why="an end of the old secrets")
            time.sleep(1)
        finally:
            senders.over.set()
            sending.join()
        said = log.read_text()
    assert senders.refused == []
    assert senders.sent > 20
    assert "new secrets in force" in said
    assert OLD not in said
    assert NEW not in said


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).ok
    except requests.RequestException:
        return False


@pytest.mark.faults
def test_worker_takes_new_secrets(settings: Settings, book: Path):
    file = settings.data_dir / "secrets.env"
    write(file, OLD)
    with running(settings, book, "work", SECRETS_FILE=str(file)) as log:
        until((settings.data_dir / "rulebook.good.toml").exists, why="the worker")
        time.sleep(1.5)
        write(file, NEW, OLD)
        until(lambda: "new secrets in force" in log.read_text(), why="the new secrets")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "secrets.env"
    write(file, OLD)
    return file


def test_secrets_of_the_file_win_over_the_environment(file: Path):
    settings = Settings.read({"SECRETS_FILE": str(file), "KANNEL_SECRET": NEW, "PORT": "8001"})
    assert settings.kannel_secrets == (OLD,)
    assert settings.twilio_auth_tokens == (OLD,)
    assert settings.port == 8001


@pytest.mark.parametrize(
    ("content", "mode"),
    [
        ("PORT=8001\n", 0o600), ("KANNEL_SECRET\n", 0o600), ("\0\xff{}\n", 0o600),
        ("KANNEL_SECRET=short\n", 0o600), ("KANNEL_SECRET=changeme-changeme-now\n", 0o600),
        (f"KANNEL_SECRET={NEW}\n" + "#" * 65_536, 0o600),
        (f"KANNEL_SECRET={NEW}\n", 0o644), (f"KANNEL_SECRET={NEW}\n", 0o602),
    ],
)  # fmt: skip
def test_unusable_file_is_refused_at_the_start_and_kept_out_later(
    file: Path, content: str, mode: int
):
    environ = {"SECRETS_FILE": str(file)}
    watcher = SecretsWatcher(Settings.read(environ), lambda: Settings.read(environ))
    file.write_text(content)
    file.chmod(mode)
    with pytest.raises(SettingsError) as refused:
        Settings.read(environ)
    with capture_logs() as logs:
        for _ in range(3):
            time.sleep(0.3)
            watcher.soon()
            assert watcher.changed() is None
    assert {entry["log_level"] for entry in logs} == {"error"}
    for text in (str(refused.value), str(logs)):
        assert not any(value in text for value in (NEW, "8001", "short"))


def test_named_pipe_is_refused_without_a_wait_for_its_writer(file: Path):
    environ = {"SECRETS_FILE": str(file)}
    watcher = SecretsWatcher(Settings.read(environ), lambda: Settings.read(environ))
    file.unlink()
    os.mkfifo(file, 0o600)
    with pytest.raises(SettingsError, match="not a plain file"):
        Settings.read(environ)
    with capture_logs() as logs:
        time.sleep(0.3)
        watcher.soon()
        assert watcher.changed() is None
    assert ["not a plain file" in str(entry) for entry in logs] == [True]


def test_missing_file_is_refused_at_the_start(tmp_path: Path):
    with pytest.raises(SettingsError, match=r"SECRETS_FILE=.*No such file"):
        Settings.read({"SECRETS_FILE": str(tmp_path / "none")})


def test_lines_may_be_quoted_exported_and_commented(file: Path):
    file.write_text(f"# ours\n\nexport KANNEL_SECRET='{NEW}'\nFEED_SECRET=\"{OLD}\"\n")
    settings = Settings.read({"SECRETS_FILE": str(file)})
    assert (settings.kannel_secret, settings.feed_secret) == (NEW, OLD)


def test_unchanged_file_changes_nothing(file: Path):
    environ = {"SECRETS_FILE": str(file)}
    settings = Settings.read(environ)
    watcher = SecretsWatcher(settings, lambda: Settings.read(environ))
    time.sleep(0.3)
    assert watcher.changed() is None
    watcher = SecretsWatcher(replace(settings, secrets_file=None), lambda: settings)
    assert watcher.changed() is None


def test_texts_are_sent_with_the_new_token(built: Container, settings: Settings):
    fresh = built.with_changes(settings=replace(settings, twilio_auth_tokens=(NEW, OLD)))
    fresh = fresh.with_changes(book=built.book)  # a later change of the rule book keeps it
    twilio = fresh.lifecycle.router.by_name("twilio")
    with responses.RequestsMock() as twilio_api:
        url = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        twilio_api.post(url, json={"sid": "SM1", "status": "queued"}, status=201)
        assert twilio is not None
        twilio.send(parcel())
        (call,) = twilio_api.calls
    assert call.request.headers["Authorization"] == _basic_auth_str(ACCOUNT, NEW)
