"""Drills in short form: few faults, few reports. `make drill` runs all of them."""

from pathlib import Path

import pytest

from tests.drills.drill import run
from tests.drills.faults import FAULTS
from tests.drills.plan import Plan

pytestmark = pytest.mark.faults

SHORT = ("workers-killed", "bearerbox-killed", "everything-killed")


@pytest.mark.parametrize("name", SHORT)
def test_no_receipt_is_lost_doubled_or_charged_wrong(name: str, tmp_path: Path):
    (fault,) = [fault for fault in FAULTS if fault.name == name]
    result = run(fault, Plan(11, 300), 4, tmp_path, lambda _: None)
    assert result.passed, result
    assert result.taken + result.unsure >= result.due
