"""The command line: tables on a terminal, JSON in pipes, complete help."""

import json
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from app.bootstrap import Container
from app.settings import Settings
from commands.main import main
from commands.tables import Column, print_records
from receipts.bulk_import.rows import CUSTOMERS
from receipts.model.calendar import month_of
from receipts.rulebook.loader import SHIPPED
from tests.conftest import GUANGDONG, ZHEJIANG, Network
from tests.support import first_moment
from tests.support.fixtures import a_receipt
from tests.support.product import COMMAND, command, surroundings

#: Runs a command on a terminal, or with its output in pipes: output, error output, exit status.
Typed = Callable[..., tuple[str, str, int]]

LOOKING = (
    "show", "receipts", "charges", "consent", "trail", "reconcile", "unsure", "doctor", "bill",
    "rehearse",
)  # fmt: skip


@pytest.fixture
def environ(settings: Settings, network: Network) -> dict[str, str]:
    """The environment of commands on a store with one customer and one receipt."""
    network.open(GUANGDONG)
    network.status("SM1", "delivered")
    first_moment.set_clock(settings.data_dir)
    return surroundings(
        CLOCK="movable",
        REDIS_URL=settings.redis_url,
        DATA_DIR=str(settings.data_dir),
        TWILIO_API_URL="http://127.0.0.1:9",
        TERM="xterm",
        LANG="C.UTF-8",
    )


@pytest.fixture
def piped(environ: dict[str, str]) -> Typed:
    """Commands with output in pipes, run in this process."""

    def run(*words: str) -> tuple[str, str, int]:
        done = CliRunner().invoke(main, words, env=environ)
        return done.stdout, done.stderr, done.exit_code

    return run


@pytest.fixture
def terminal(environ: dict[str, str]) -> Typed:
    """Commands on a terminal of 100 columns, which shows output and errors together."""

    def run(*words: str) -> tuple[str, str, int]:
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (40, 100))
        child = subprocess.Popen(
            [COMMAND, *words], env=environ, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        shown = b"".join(read_all(ours))
        os.close(ours)
        return shown.decode(), "", child.wait(10)

    return run


def read_all(descriptor: int) -> Iterator[bytes]:
    with suppress(OSError):  # Linux: EIO once the other side is closed
        while part := os.read(descriptor, 65_536):
            yield part


TABLES = (
    (("show", GUANGDONG), ("Number", "State", "active")),
    (("receipts", GUANGDONG), ("Outcome", "Text", "delivered")),
    (("charges", GUANGDONG), ("Kind", "Fen", "monthly")),
    (("reconcile",), ("Reports", "Balanced", "yes")),
    (("consent", GUANGDONG), ("Shown", "Answered", "Intact")),
    (("trail", GUANGDONG, ZHEJIANG, "SM1"), ("Message id", "No receipt because", "SM1")),
)


@pytest.mark.parametrize(("words", "shown"), TABLES, ids=lambda each: each[0])
def test_terminal_shows_a_table(terminal: Typed, words: tuple[str, ...], shown: tuple[str, ...]):
    output, _, status = terminal(*words)
    assert status == 0, output
    assert "{" not in output
    for text in shown:
        assert text in output


@pytest.mark.parametrize("words", [words for words, _ in TABLES], ids=lambda each: each[0])
def test_json_on_a_terminal_is_the_piped_output(
    terminal: Typed, piped: Typed, words: tuple[str, ...]
):
    output, errors, _ = piped(*words)
    assert errors == ""
    assert output.startswith("{")
    assert terminal(*words, "--json")[0].replace("\r\n", "\n") == output


def test_doctor_prints_table_lines_or_json(terminal: Typed, piped: Typed):
    output, _, status = terminal("doctor")
    assert status == 1
    for text in ("Check", "Fix", "rule book", "set SECRET_KEY"):
        assert text in output
    lines, _, status = piped("doctor")
    assert status == 1
    runbook = "docs/runbook.md#what-doctor-says"
    assert f"no  online service hall is closed: set SECRET_KEY ({runbook})\n" in lines
    records = [json.loads(line) for line in piped("doctor", "--json")[0].splitlines()]
    assert len(records) == len(lines.splitlines())
    shut = {"check": "online service hall is closed", "ok": False, "fix": "set SECRET_KEY"}
    assert shut | {"runbook": runbook} in records


def test_all_receipts_that_are_kept_are_listed(built: Container, piped: Typed):
    for index in range(105):
        a_receipt(built, GUANGDONG, seed=f"{index:04x}")
    for options in ((), ("--limit", "100000")):
        assert len(piped("receipts", GUANGDONG, *options)[0].splitlines()) == 106
    assert len(piped("receipts", GUANGDONG, "--limit", "3")[0].splitlines()) == 3


def test_empty_result_is_reported_on_a_terminal_only(terminal: Typed, piped: Typed):
    output, _, status = terminal("receipts", ZHEJIANG)
    assert (output.strip(), status) == ("No receipts of 13957112345 are on record.", 0)
    assert piped("receipts", ZHEJIANG) == ("", "", 0)


def test_control_characters_of_a_text_never_reach_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    record = {"text": "a\x1b[2J\u202e[red]b"}
    print_records([record], [Column("Text", "text")], as_json=False, empty="")
    assert "a\ufffd[2J\ufffd[red]b" in capsys.readouterr().out


MONTH = month_of(first_moment.now())
PROGRESS = (
    (("bill", "--month", MONTH), f"billing {MONTH}"),
    (("rehearse", "--book", str(SHIPPED), "--synthetic", "2000"), "2000/2000"),
    (("export", "charges", "--month", MONTH, "--out", "{folder}/out.csv"), "exporting charges"),
    (("customers", "import", "{folder}/list.csv", "--afresh"), "customers import"),
)


@pytest.mark.parametrize(("words", "label"), PROGRESS, ids=lambda each: each[0])
def test_progress_is_drawn_on_a_terminal_and_never_in_a_pipe(
    terminal: Typed, environ: dict[str, str], tmp_path: Path, words: tuple[str, ...], label: str
):
    rows = f"{','.join(CUSTOMERS.needed)}\n13802880000,china_mobile\n"
    (tmp_path / "list.csv").write_text(rows)
    words = tuple(word.format(folder=tmp_path) for word in words)
    done = command(*words, **environ)
    assert done.returncode == 0, done.stderr
    assert label not in done.stdout + done.stderr
    assert "[#" not in done.stdout + done.stderr
    shown, _, status = terminal(*words)
    assert status == 0, shown
    assert label in shown
    assert "####]" in shown


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, each in group.commands.items():
        if isinstance(each, click.Group):
            yield from commands(each, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("path", list(commands(main)), ids=" ".join)
def test_help_has_examples_and_no_summary_is_cut_off(path: tuple[str, ...]):
    done = CliRunner().invoke(main, [*path, "--help"], env={"COLUMNS": "80"}, terminal_width=80)
    assert done.exit_code == 0
    assert "..." not in done.stdout.replace("[ARGS]...", "")
    assert f"Examples:\n    sms-receipt {' '.join(path)}".rstrip() in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.parametrize("name", LOOKING)
def test_looking_commands_take_json(name: str):
    assert "--json" in CliRunner().invoke(main, [name, "--help"]).stdout


def test_version_names_the_program_and_its_version():
    done = CliRunner().invoke(main, ["--version"], prog_name="sms-receipt")
    name, version = done.stdout.split()
    assert name == "sms-receipt"
    assert version[0].isdigit()


def test_shell_completion_knows_the_commands():
    words = {"COMP_WORDS": "sms-receipt rec", "COMP_CWORD": "1"}
    environ = surroundings(_SMS_RECEIPT_COMPLETE="bash_complete", **words)
    output = subprocess.check_output([COMMAND], env=environ, text=True)
    assert output.splitlines() == ["plain,receipts", "plain,reconcile"]


def test_json_output_imports_no_chart_library(environ: dict[str, str]):
    program = (
        "import sys; from commands.main import main; "
        f"main(['show', '{GUANGDONG}'], standalone_mode=False); "
        "print(*sorted({'pygal'} & set(sys.modules)), 'loaded')"
    )
    output = subprocess.check_output([sys.executable, "-c", program], env=environ, text=True)
    assert output.splitlines()[-1].split() == ["loaded"]
