"""`sms-receipt provinces check`, with the rule book in use and with another file."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.settings import Settings
from commands.diagnostics.checks import run_checks
from receipts.numbering.plan import NumberingPlan
from receipts.rulebook.loader import SHIPPED
from tests.support.months import Run


def test_named_book_is_checked(run: Run, tmp_path: Path):
    mine = tmp_path / "next.toml"
    mine.write_text(SHIPPED.read_text())
    done = run("provinces", "check", mine)
    assert done.exit_code == 0
    assert "CN-GD" in done.output


def test_invalid_book_is_reported_with_line_and_fix(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    mine = tmp_path / "next.toml"
    mine.write_text(SHIPPED.read_text().replace("monthly_fen = 100", "monthly_fen = 301", 1))
    done = run("provinces", "check", mine)
    assert done.exit_code == 2
    assert "next.toml:" in done.output
    assert "Fix: " in done.output
    # Without a file, the rule book in use is checked.
    monkeypatch.setenv("RULE_BOOK", str(mine))
    assert run("provinces", "check", SHIPPED).exit_code == 0
    assert run("provinces", "check").exit_code == 2


def test_doctor_shows_the_version_of_the_prefix_table(settings: Settings):
    told = next(each for each in run_checks(settings) if each.subject.startswith("prefix table"))
    assert told.ok
    assert told.subject == f"prefix table of {NumberingPlan().data_version}"


def test_doctor_shows_whether_the_portal_is_open(settings: Settings):
    for key, well in (("", False), ("a-key-of-enough-characters", True)):
        looked = run_checks(replace(settings, secret_key=key))
        told = next(each for each in looked if each.subject.startswith("online service hall"))
        assert (told.ok, bool(told.fix)) == (well, not well)
