"""Commands while the console's rule book is in force."""

from dataclasses import replace
from pathlib import Path

import redis

from app.settings import Settings
from commands.diagnostics.checks import run_checks
from receipts.rulebook.loader import SHIPPED
from tests.app.conftest import dearer
from tests.support.months import Run
from tests.support.rule_books import put_in_force

TEXT = dearer(SHIPPED.read_text())


def test_commands_follow_the_book_in_force(run: Run, raw: "redis.Redis"):
    assert '"invented-1"' in run("provinces", "check", "--json").output
    put_in_force(raw, 1, TEXT)
    assert '"second"' in run("provinces", "check", "--json").output
    assert "GD-2" in run("provinces", "show", "CN-GD").output
    put_in_force(raw, 2, "nonsense")
    refused = run("show", "13802880000")
    assert (refused.exit_code, "console book 2" in refused.output) == (2, True)


def test_use_file_returns_to_the_file_even_from_a_book_that_cannot_be_read(
    run: Run, raw: "redis.Redis"
):
    assert run("provinces", "use-file").exit_code == 2
    assert "already: invented-1" in run("provinces", "use-file", "--why", "a test").output
    put_in_force(raw, 1, "nonsense")
    done = run("provinces", "use-file", "--why", "a test")
    assert (done.exit_code, "here invented-1" in done.output) == (0, True)
    assert run("provinces", "check").exit_code == 0
    (log,) = raw.scan_iter("{staff}:acts:*")
    assert b"rule_book_file_used" in raw.xrange(log)[0][1][b"act"]


def test_doctor_tells_of_the_console_and_of_a_file_not_in_force(
    settings: Settings, raw: "redis.Redis", tmp_path: Path
):
    put_in_force(raw, 1, TEXT)
    file = tmp_path / "rules.toml"
    file.write_text(SHIPPED.read_text())
    checks = list(run_checks(replace(settings, rule_book=file)))
    told = next(each for each in checks if each.subject.startswith("rule book second"))
    assert (told.ok, "in the console by an and bo" in told.subject) == (True, True)
    warned = next(each for each in checks if each.subject.startswith("RULE_BOOK="))
    assert (warned.mark, "use-file" in warned.fix) == ("warn", True)
