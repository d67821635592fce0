"""Piped output of the looking commands stays byte for byte: programs read it."""

import os
from collections.abc import Iterator
from pathlib import Path

from click.testing import Result

from receipts.rulebook.loader import SHIPPED
from tests.conftest import Network
from tests.support.months import Months, Run

GUANGDONG, JILIN, SHANXI = "13802880000", "13844012345", "13903512345"
FRIEND = "13800138000"

#: Recorded output of COMMANDS. `RECORD_PIPED_OUTPUT=1` writes it anew.
RECORDED = Path(__file__).with_name("piped_output.txt")

COMMANDS = (
    f"show {GUANGDONG}",
    f"show {SHANXI}",
    "show 13001012345",
    "show 13800138000",
    f"receipts {SHANXI}",
    f"receipts {SHANXI} --limit 1",
    f"charges {SHANXI}",
    f"charges {JILIN} --month 2026-11",
    f"charges {JILIN} --month 2001-01",
    f"trail {SHANXI} {FRIEND} SM9",
    f"trail {GUANGDONG} {FRIEND} SM8",
    f"trail {GUANGDONG} {FRIEND} SM404",
    "reconcile",
    "unsure",
    f"consent {JILIN}",
    f"consent {JILIN} --charge monthly-2026-11",
    "export charges --month 2026-11",
    "export charges --month 2026-11 --format jsonl",
    "export unpaid --month 2026-11",
    "export audit --month 2026-11 --format jsonl",
    "bill --month 2026-11",
    "rehearse --book {book} --month 2026-11",
    "rehearse --book {book} --month 2026-11 --synthetic 40",
    "provinces check",
    "provinces show CN-GX",
)


def printed(line: str, done: Result) -> Iterator[str]:
    """One command as the recording shows it; of an export, its totals on stderr too."""
    yield f"$ sms-receipt {line}"
    yield done.stdout.removesuffix("\n")
    if line.startswith("export"):
        yield f"stderr: {done.stderr.removesuffix(chr(10))}"
    yield f"exit status {done.exit_code}\n"


def test_piped_output_is_byte_for_byte_as_recorded(network: Network, months: Months, run: Run):
    for number in (GUANGDONG, JILIN, SHANXI):
        network.open(f"+86{number}")
    for index in range(3):
        network.status(f"SM{index}", "delivered", f"+86{SHANXI}", f"+86{FRIEND}")
    network.status("SM8", "delivered", f"+86{GUANGDONG}", "+8613001012345")
    network.status("SM8", "delivered", f"+86{GUANGDONG}", f"+86{FRIEND}")
    network.status("SM9", "undelivered", f"+86{SHANXI}", f"+86{FRIEND}")
    months.send(f"+86{SHANXI}")
    lines = [
        part for line in COMMANDS for part in printed(line, run(*line.format(book=SHIPPED).split()))
    ]
    output = "\n".join(lines)
    if os.environ.get("RECORD_PIPED_OUTPUT"):
        RECORDED.write_text(output, encoding="utf-8")
    assert output == RECORDED.read_text(encoding="utf-8")
