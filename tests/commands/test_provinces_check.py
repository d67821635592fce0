"""`sms-receipt provinces check`, with the rule book in use and with another file."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.settings import Settings
from commands.diagnostics import run_checks
from commands.main import main
from receipts.numbering.plan import NumberingPlan
from receipts.rulebook.loader import SHIPPED


def test_named_book_is_checked(tmp_path: Path):
    mine = tmp_path / "next.toml"
    mine.write_text(SHIPPED.read_text())
    done = CliRunner().invoke(main, ["provinces", "check", str(mine)])
    assert done.exit_code == 0
    assert "CN-GD" in done.output


def test_invalid_book_is_reported_with_line_and_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    mine = tmp_path / "next.toml"
    mine.write_text(SHIPPED.read_text().replace("monthly_fen = 100", "monthly_fen = 301", 1))
    done = CliRunner().invoke(main, ["provinces", "check", str(mine)])
    assert done.exit_code == 2
    assert "next.toml:" in done.output
    assert "Fix: " in done.output
    # Without a file, the rule book in use is checked.
    monkeypatch.setenv("RULE_BOOK", str(mine))
    assert CliRunner().invoke(main, ["provinces", "check", str(SHIPPED)]).exit_code == 0
    assert CliRunner().invoke(main, ["provinces", "check"]).exit_code == 2


def test_doctor_shows_the_version_of_the_prefix_table(settings: Settings):
    told = next(each for each in run_checks(settings) if each.subject.startswith("prefix table"))
    assert told.ok
    assert told.subject == f"prefix table of {NumberingPlan().data_version}"


def test_doctor_shows_whether_the_portal_is_open(settings: Settings):
    for key, well in (("", False), ("a-key-of-enough-characters", True)):
        looked = run_checks(replace(settings, secret_key=key))
        told = next(each for each in looked if each.subject.startswith("online service hall"))
        assert (told.ok, bool(told.fix)) == (well, not well)
