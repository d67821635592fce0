"""`doctor` counts the trial people, masked, and warns of those that cannot take part."""

from dataclasses import replace

import pytest

from app.settings import Settings
from commands.diagnostics.trial_checks import check_trial_people
from receipts.model.vocabulary import Msisdn


@pytest.mark.parametrize(
    ("code", "changes", "fix"),
    [
        ("CN-GD", {}, ""),
        ("CN-BJ", {}, "they cannot subscribe in CN-BJ, which the rule book does not cover"),
        ("CN-XX", {}, "the rule book has no CN-XX; correct TRIAL_PEOPLE"),
        ("CN-GD", {"twilio_sender": "", "kannel_url": ""}, "no text can reach them"),
    ],
)
def test_trial_people_are_counted_and_problems_named(
    settings: Settings, code: str, changes: dict[str, str], fix: str
):
    people = {Msisdn("+14155550100"): code}
    (check,) = check_trial_people(replace(settings, trial_people=people, **changes))
    assert check.subject == f"trial people: 1, never charged (+14****0100 {code})"
    assert check.ok
    assert check.fix.startswith(fix)
    assert bool(check.fix) == bool(fix)


def test_no_check_without_trial_people(settings: Settings):
    assert list(check_trial_people(settings)) == []
