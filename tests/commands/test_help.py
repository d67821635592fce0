"""Help texts: one imperative sentence for each command, and one for each option."""

import re
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from commands import params
from commands.main import main

#: Words that are no verb at the beginning of a summary, and words of private English.
_NO_VERB = frozenset({"A", "An", "The", "One", "How", "What", "Whose", "All", "So", "This"})
_PRIVATE = re.compile(
    r"\b(doors?|mend|nobody|whoever|goes on|stands|rings|hear|is no|such as it)\b"
)


def _commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    yield " ".join(path), command
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from _commands(each, (*path, name))


COMMANDS = dict(_commands(main, ()))
GROUPS = {name: each for name, each in COMMANDS.items() if isinstance(each, click.Group)}


def page(name: str) -> str:
    done = CliRunner().invoke(main, [*name.split(), "--help"], terminal_width=80)
    assert done.exit_code == 0
    return done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_plain_words(name: str):
    assert _PRIVATE.findall(page(name)) == []


@pytest.mark.parametrize("name", [name for name in COMMANDS if name])
def test_summary_is_one_short_imperative(name: str):
    summary = COMMANDS[name].get_short_help_str(limit=200)
    assert len(summary) < 60
    assert ";" not in summary
    assert summary.split()[0] not in _NO_VERB
    assert re.match(r"[A-Z][a-z]+ ", summary)
    assert summary.endswith(".")


@pytest.mark.parametrize("name", GROUPS)
def test_no_summary_is_cut(name: str):
    assert not re.search(r"\.\.\.$", page(name).partition("Commands:")[2], re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_has_a_sentence(name: str):
    options = [each for each in COMMANDS[name].params if isinstance(each, click.Option)]
    assert [each.name for each in options if not each.help] == []


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "tells customers whether their texts were delivered."),
        ("bill", "Charge the monthly fees of a month. Safe to repeat."),
        ("collections import", "an unpaid fee suspends the service, a payment resumes it."),
        ("customers import", "optional: province, id_digest, password_digest."),
        ("ported import", "A customer who has left is cancelled at once and told by text."),
        ("demo", "Port of the service; the phones page uses the next one."),
        ("serve", "Run the web service (webhooks and pages)."),
        ("work", "Run a worker (sends receipts, runs timers)."),
        ("reconcile", "Check that every report led to a receipt or a reason."),
        ("consent", "Exits with 1 if the record was altered or the charge has no consent."),
        ("rehearse", "Compares the month's tariffs with the latest ones in the new book."),
    ],
)
def test_help_says_what_the_command_does(name: str, sentence: str):
    assert sentence in " ".join(page(name).split())


def test_clock_shows_its_help_for_the_short_option_too():
    done = CliRunner().invoke(main, ["clock", "-h"])
    assert (done.exit_code, done.stdout) == (0, page("clock"))


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("serve --workers 0", "'--workers': '0' is not a whole number of 1 or more"),
        ("demo --port 70000", "'--port': '70000' is not a whole number from 1 to 65534"),
        ("unsure --limit many", "'--limit': 'many' is not a whole number of 1 or more"),
        ("charges abc", "'NUMBER': 'abc' is not a phone number. Example: 13802880000"),
        ("bill --month 2026-13", "'--month': '2026-13' is not a month. Example: 2026-11"),
    ],
)
def test_wrong_value_is_refused_with_what_is_allowed(words: str, error: str):
    done = CliRunner().invoke(main, words.split())
    assert done.exit_code == 2
    assert f"Error: Invalid value for {error}" in done.stderr


def test_examples_have_the_month_in_which_help_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    for month in ("2027-02", "2028-12"):
        monkeypatch.setattr(params, "month_of", lambda _, month=month: month)
        for name in ("bill", "charges", "export", "consent", "rehearse"):
            text = page(name)
            assert month in text
            assert params.THIS_MONTH not in text
