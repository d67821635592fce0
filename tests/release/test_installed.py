"""The installed wheel: it runs from any folder, with no repository in sight."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.release.conftest import ROOT, Installed
from tests.support import product
from tests.support.phones import Phones
from tests.support.product import Completed, Service, run_to_end, surroundings

GUANGDONG, ZHEJIANG = "13802880000", "13957112345"

#: A folder of another project, which has modules of the same names.
_DECOYS = ("app.py", "web.py", "commands.py", "simulator.py", "receipts.py", "keywords.py")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: another project's, with modules that must never be imported."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    for name in _DECOYS:
        (folder / name).write_text("raise SystemExit('the module of another project')\n")
    monkeypatch.chdir(folder)
    return folder


def _run(installed: Installed, *words: str) -> Completed:
    done = run_to_end(installed.command, *words)
    assert (done.returncode, done.stderr) == (0, ""), words
    return done


def test_modules_are_those_of_the_wheel(installed: Installed, elsewhere: Path):
    assert elsewhere.is_dir()
    script = "import app.settings, web, simulator; print(app.settings.__file__)"
    done = run_to_end(installed.python, "-P", "-c", script)
    assert done.stderr == ""
    assert done.stdout.startswith(str(installed.folder))


def test_commands_run_in_any_folder(installed: Installed, elsewhere: Path):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert _run(installed, "--version").stdout == f"sms-receipt {version}\n"
    assert "demo" in _run(installed, "--help").stdout
    assert _run(installed, "states", "--page").stdout == (ROOT / "docs/states.md").read_text()
    assert "CN-GD" in _run(installed, "provinces", "show", "CN-GD").stdout
    book = next(installed.folder.rglob("receipts/rulebook/rulebook.toml"))
    _run(installed, "provinces", "check", str(book))
    assert sorted(path.name for path in elsewhere.iterdir()) == sorted(_DECOYS)


@pytest.mark.usefixtures("elsewhere")
def test_demo_serves_a_conversation(
    installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(product, "COMMAND", installed.command)
    with Service(tmp_path / "data").running_demo() as service, Phones(service.network) as phones:
        started = " ".join(service.processes().values())
        phone = phones.standing(GUANGDONG).opens()
        phone.text(ZHEJIANG, "hello")
        assert ZHEJIANG in phone.flash()["body"]
        assert service.shows(GUANGDONG)["state"] == "active"
    assert str(installed.python) in started
    # The packages that the service needs may be those of this checkout.
    assert str(ROOT) not in started.replace(str(ROOT / ".venv"), "")


_CONSUMER = """
from receipts.model.vocabulary import Msisdn
from receipts.numbering.msisdn import parse_msisdn

def of(typed: str) -> Msisdn | None:
    return parse_msisdn(typed)
"""


def test_type_checker_reads_the_types_of_the_wheel(installed: Installed, tmp_path: Path):
    for name, text in {"right": _CONSUMER, "wrong": _CONSUMER + "of(7)\n"}.items():
        (tmp_path / f"{name}.py").write_text(text)
    done = subprocess.run(
        [
            *(product.COMMAND.parent / "mypy", "--strict", "--python-executable", installed.python),
            *("--cache-dir", tmp_path / "cache", "right.py", "wrong.py"),
        ],
        cwd=tmp_path, env=surroundings(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Found 1 error in 1 file" in done.stdout, done.stdout
    assert 'wrong.py:7: error: Argument 1 to "of"' in done.stdout
