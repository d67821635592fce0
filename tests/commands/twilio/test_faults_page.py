"""The table of faults in docs/twilio.md is that of the code."""

import json
from pathlib import Path

from click.testing import CliRunner

from commands.main import main
from commands.twilio.faults import FAULTS

PAGE = Path(__file__).parents[3] / "docs" / "twilio.md"


def test_page_has_the_table_of_the_command():
    table = CliRunner().invoke(main, ["twilio", "faults", "--page"]).stdout
    assert table in PAGE.read_text(), "write the output of `sms-receipt twilio faults --page` there"


def test_piped_list_has_a_line_for_each_fault():
    lines = CliRunner().invoke(main, ["twilio", "faults"]).stdout.splitlines()
    assert [json.loads(line)["name"] for line in lines] == list(FAULTS)


def test_at_least_twenty_faults_stop_a_text_or_call_and_all_have_a_mend():
    assert sum(each.blocks for each in FAULTS.values()) >= 20
    assert all(each.fix.endswith(".") and each.what.endswith(".") for each in FAULTS.values())
