"""Piped output of the read commands stays byte for byte: programs read it."""

import json
import os
from pathlib import Path

import pytest

from receipts.rulebook.loader import SHIPPED
from tests.conftest import Network
from tests.support.months import Months, Run

pytestmark = pytest.mark.fixed_day

GUANGDONG, JILIN, SHANXI = "13802880000", "13844012345", "13903512345"
FRIEND = "13800138000"

#: A command, its exit status, its output, and of an export its totals on standard error, a line.
#: `RECORD_PIPED_OUTPUT=1` writes the file anew.
RECORDED = Path(__file__).with_name("piped_output.jsonl")


def test_piped_output_is_byte_for_byte_as_recorded(network: Network, months: Months, run: Run):
    for number in (GUANGDONG, JILIN, SHANXI):
        network.open(f"+86{number}")
    for index in range(3):
        network.status(f"SM{index}", "delivered", f"+86{SHANXI}", f"+86{FRIEND}")
    network.status("SM8", "delivered", f"+86{GUANGDONG}", "+8613001012345")
    network.status("SM8", "delivered", f"+86{GUANGDONG}", f"+86{FRIEND}")
    network.status("SM9", "undelivered", f"+86{SHANXI}", f"+86{FRIEND}")
    months.send(f"+86{SHANXI}")
    recorded = [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]
    output = []
    for command, *_ in recorded:
        done = run(*command.format(book=SHIPPED).split())
        totals = done.stderr if command.startswith("export") else ""
        output.append([command, done.exit_code, done.stdout, totals])
    if os.environ.get("RECORD_PIPED_OUTPUT"):
        lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in output)
        RECORDED.write_text(lines, encoding="utf-8")
    assert output == recorded
