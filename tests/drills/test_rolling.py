"""The rolling drill in short form: `python -m tests.drills.rolling` runs ten minutes of it."""

from pathlib import Path

import pytest

from tests.drills.rolling.drill import run

pytestmark = pytest.mark.faults


def test_no_request_fails_while_all_is_replaced_and_changed(tmp_path: Path) -> None:
    result = run(tmp_path, 20, 0.7, lambda _: None, ramp=3)
    assert result.failure == ""
    assert result.load.failures == []
    assert result.passed, result.counts.problems
    assert result.counts.due > 100
    assert len({name for name, _ in result.events}) == 10
