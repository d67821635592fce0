"""The drills in short form: few faults, few reports. `make drill` runs all of them."""

from pathlib import Path

import pytest

from tests.drills.drill import run
from tests.drills.faults import FAULTS
from tests.drills.plan import Plan

pytestmark = pytest.mark.faults

SHORT = ("workers-killed", "bearerbox-killed", "everything-killed")


@pytest.mark.parametrize("name", SHORT)
def test_nothing_is_lost_doubled_or_charged_wrong(name: str, tmp_path: Path) -> None:
    (fault,) = [fault for fault in FAULTS if fault.name == name]
    row = run(fault, Plan(11, 300), 4, tmp_path, lambda _: None)
    assert row.held, row
    assert row.took + row.unsure >= row.due
