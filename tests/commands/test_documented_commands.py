"""The `sms-receipt` commands of the documents, run as they stand there, on a small store."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.settings import Settings
from commands.main import main
from receipts.rulebook.loader import SHIPPED
from tests.conftest import GUANGDONG, JILIN, ZHEJIANG, Network, TestClock
from tests.rules.documents.pages import PAGES, Block, blocks, name
from tests.rules.documents.shell import Command, commands, entered
from tests.support.months import Months

pytestmark = pytest.mark.fixed_day

#: Commands that other tests run, by their first words.
RUN_ELSEWHERE = {
    "--version": "tests/release",
    "demo": "tests/journeys",
    "serve": "tests/journeys",
    "work": "tests/journeys",
    "network": "tests/journeys",
    "phone": "tests/journeys/test_terminal.py",
    "clock": "tests/journeys/test_commands.py",
    "staff": "tests/commands/test_staff_commands.py",  # asks for a password on a terminal
    "twilio": "tests/commands/twilio",
    "customers forget": "tests/commands/test_personal_data.py",  # of a customer who has left
    "doctor": "tests/commands/test_doctor.py",
    "backup": "tests/receipts/store/test_backup.py",
    "restore": "tests/receipts/store/test_backup.py",
    "store": "tests/receipts/store/test_backup.py",
}
#: What a file holds that a document names and its reader has.
_FILES = {
    "FILE": SHIPPED.read_text(),
    "proposed.toml": SHIPPED.read_text(),
    "traffic.jsonl": '{"number": "13802880000", "receipts": 12, "opened": "2026-11-03"}\n',
}
#: The lists of `… import FILE.csv`.
_LISTS = {
    "customers": "number,network\n13802880000,china_mobile\n",
    "ported": "number,network\n13957112345,china_unicom\n",
    "collections": "number,month,result\n13844012345,2026-11,paid\n",
}


def _own(block: Block) -> list[Command]:
    """The commands of a block that this test runs."""
    found = commands(entered(block.kind, block.text))
    own = (each for each in found if Path(each.words[0]).name == "sms-receipt")
    return [
        each for each in own if not {each.words[1], " ".join(each.words[1:3])} & {*RUN_ELSEWHERE}
    ]


def _blocks(page: Path) -> list[Block]:
    shell = (each for each in blocks() if each.page == page and each.kind in {"sh", "console"})
    return [block for block in shell if _own(block)]


PAGES_WITH_COMMANDS = [page for page in PAGES if _blocks(page)]


@pytest.fixture
def small_store(
    network: Network, months: Months, clock: TestClock, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:  # fmt: skip
    """Customers of the documents, with a month that is billed; the folder of their files."""
    clock.move(days=-2)
    for number in (GUANGDONG, ZHEJIANG, JILIN):
        network.open(number)
    for sid in ("SM1", "0x1F"):
        network.status(sid, "delivered")
    months.ring()
    months.send(GUANGDONG)
    clock.move(days=2)
    folder = tmp_path / "reader"
    folder.mkdir()
    for file, text in _FILES.items():
        (folder / file).write_text(text)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=name)
def test_commands_of_a_page_run(page: Path, small_store: Path, settings: Settings):
    environ = {"REDIS_URL": settings.redis_url, "DATA_DIR": str(settings.data_dir)}
    for block in _blocks(page):
        for command in commands(entered(block.kind, block.text)):
            if command.words[0] == "export":
                environ |= dict([command.words[1].split("=", 1)])
            elif command.words[0] == "mkdir":
                Path(command.words[-1]).mkdir()
        shown = [_run(command, small_store, environ) for command in _own(block)]
        if block.kind == "console":
            _compare(block, shown)


def _run(command: Command, folder: Path, environ: dict[str, str]) -> str:
    words = command.words[1:]
    if words[0] in _LISTS:
        (folder / "FILE.csv").write_text(_LISTS[words[0]])
    done = CliRunner().invoke(main, words, env=environ, input="y\n")
    assert done.exit_code == 0, f"{' '.join(words)}: {done.output}"
    if command.output:
        (folder / command.output).write_text(done.stdout)
    return done.stdout


def _compare(block: Block, shown: list[str]) -> None:
    """The output in a document has the fields that the command prints."""
    _, _, printed = block.text.strip().partition("\n")
    if printed.strip():
        documented = json.loads(printed)
        assert list(documented) == list(json.loads(shown[0]))


def test_commands_that_run_elsewhere_have_their_tests():
    root = Path(__file__).parents[2]
    assert [path for path in RUN_ELSEWHERE.values() if not (root / path).exists()] == []
