"""`staff add`, `list`, `disable` and the other commands for accounts of staff."""

import json
import os
import pty
import subprocess
import time
from contextlib import suppress

import pytest
import redis
from click.testing import CliRunner, Result

from app.bootstrap import Container
from app.settings import Settings
from commands.main import main
from receipts.model.calendar import month_of
from receipts.staff.accounts import StaffAccounts
from tests.conftest import GUANGDONG
from tests.support.product import COMMAND, surroundings

PASSWORD = "a-long-enough-phrase"


@pytest.fixture
def environ(settings: Settings) -> dict[str, str]:
    return surroundings(
        REDIS_URL=settings.redis_url, DATA_DIR=str(settings.data_dir), LANG="C.UTF-8", TERM="xterm"
    )


class Staff:
    """The commands ``staff``, with a password on standard input."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ

    def __call__(self, *words: str, typed: str = PASSWORD + "\n") -> Result:
        return CliRunner().invoke(main, ["staff", *words], env=self.environ, input=typed)

    def add(self, name: str, role: str = "operator", *more: str) -> dict[str, object]:
        done = self("add", name, "--role", role, *more, "--password-stdin")
        assert done.exit_code == 0, done.output
        found: dict[str, object] = json.loads(done.stdout)
        return found


@pytest.fixture
def staff(environ: dict[str, str]) -> Staff:
    return Staff(environ)


def test_added_account_signs_in_and_is_listed(staff: Staff, built: Container):
    shown = staff.add("bo.wu", "clerk", "--shop", "Tianhe 12", "--phone", "13802880000")
    assert (shown["name"], shown["role"], shown["shop"]) == ("bo.wu", "clerk", "Tianhe 12")
    assert (shown["state"], shown["disabled_at"]) == ("active", None)
    assert "13802880000" not in str(shown)
    accounts = StaffAccounts(built.clients.staff, built.clock)
    account = accounts.verified("bo.wu", PASSWORD)
    assert account is not None
    assert (account.phone, account.must_change) == (GUANGDONG, False)
    listed = staff("list")
    assert json.loads(listed.stdout) == shown
    assert PASSWORD not in listed.output + str(shown)
    assert "argon2" not in listed.output


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (("add", "an", "--role", "operator"), "short\n", "at least 12 characters"),
        (("add", "an", "--role", "operator"), "", "at least 12 characters"),
        (("add", "an", "--role", "operator"), "111111111111\n", "too simple"),
        (("add", "bo", "--role", "clerk"), PASSWORD, "name of a shop"),
        (("add", "a b", "--role", "auditor"), PASSWORD, "cannot be used"),
        (("add", "an", "--role", "operator", "--phone", "10086"), PASSWORD, "10086"),
        (("add", "an", "--role", "operator", "--phone", "+442079460000"), PASSWORD, "mobile"),
        (("add", "an", "--role", "manager"), PASSWORD, "manager"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(
    staff: Staff, raw: "redis.Redis", words: tuple[str, ...], typed: str, said: str
):
    done = staff(*words, "--password-stdin", typed=typed)
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.output
    assert raw.keys("{staff}*") == []


def test_there_is_no_default_password(staff: Staff, raw: "redis.Redis"):
    done = staff("add", "an", "--role", "operator")
    assert (done.exit_code, "--password-stdin" in done.stderr) == (2, True)
    assert raw.keys("{staff}*") == []


def test_last_operator_stays_and_another_one_is_disabled(staff: Staff):
    staff.add("an")
    refused = staff("disable", "an")
    assert (refused.exit_code, "last active operator" in refused.stderr) == (2, True)
    staff.add("bo")
    assert json.loads(staff("disable", "an").stdout)["state"] == "disabled"
    assert json.loads(staff("enable", "an").stdout)["state"] == "active"


def test_unknown_name_exits_with_1(staff: Staff):
    for words in (
        ("disable", "xx"), ("enable", "xx"), ("sign-out", "xx"), ("phone", "xx"),
        ("password", "xx", "--password-stdin"),
    ):  # fmt: skip
        done = staff(*words)
        assert (done.exit_code, "no account “xx”" in done.stderr) == (1, True), words


def test_new_password_and_sign_out_end_sessions(staff: Staff, built: Container):
    staff.add("an")
    accounts = StaffAccounts(built.clients.staff, built.clock)
    before = accounts.found("an").generation
    assert staff("password", "an", "--password-stdin", typed="another-phrase-x\n").exit_code == 0
    assert accounts.verified("an", PASSWORD) is None
    assert accounts.verified("an", "another-phrase-x") is not None
    assert staff("sign-out", "an").exit_code == 0
    assert accounts.found("an").generation == before + 2


def test_phone_is_set_and_removed(staff: Staff, built: Container):
    staff.add("an")
    accounts = StaffAccounts(built.clients.staff, built.clock)
    assert staff("phone", "an", "13802880000").exit_code == 0
    assert accounts.found("an").phone == GUANGDONG
    assert staff("phone", "an").exit_code == 0
    assert accounts.found("an").phone is None


def test_commands_are_logged_with_the_machine_account(staff: Staff, built: Container):
    staff.add("an")
    staff("sign-out", "an")
    month = month_of(built.clock.wall_clock())
    acts = [act for batch in built.clients.staff.acts(month) for act in batch]
    assert [act.act for act in acts] == ["sessions_revoked", "staff_added"]
    assert all(act.clerk.startswith("command:") for act in acts)


def test_password_is_typed_twice_on_a_terminal_and_not_shown(environ: dict[str, str]):
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [COMMAND, "staff", "add", "an", "--role", "operator"],
        env=environ, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    for _ in range(2):
        until = time.monotonic() + 30
        count = shown.count(b":")
        while shown.count(b":") == count and time.monotonic() < until:
            shown += os.read(ours, 1024)
        time.sleep(0.2)
        os.write(ours, PASSWORD.encode() + b"\n")
    with suppress(OSError):
        while data := os.read(ours, 1024):
            shown += data
    os.close(ours)
    assert child.wait(30) == 0, shown.decode()
    assert PASSWORD.encode() not in shown
    assert b'"name": "an"' in shown
