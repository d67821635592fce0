"""Every package that is installed is pinned with hashes, and the audit never claims too much."""

import json
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_LOCKS = sorted((_ROOT / "requirements").glob("*.txt"))
_AUDIT = _ROOT / "tools" / "audit.py"


def _pins(name: str) -> dict[str, str]:
    text = (_ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", text, re.MULTILINE))


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~]", line)[0].lower().replace("_", "-") for line in requirements}


@pytest.mark.parametrize("lock", _LOCKS, ids=lambda path: path.stem)
def test_each_pinned_package_has_hashes(lock: Path) -> None:
    entries = re.split(r"\n(?=\S)", lock.read_text().strip())
    packages = [entry for entry in entries if not entry.startswith("#")]
    assert packages
    for entry in packages:
        assert re.match(r"\S+==\S+ \\\n    --hash=sha256:[0-9a-f]{64}", entry), entry


@pytest.mark.parametrize("lock", _LOCKS, ids=lambda path: path.stem)
def test_pins_name_no_registry(lock: Path) -> None:
    assert "://" not in lock.read_text()


def test_pins_cover_what_the_project_asks_for_and_keep_test_tools_apart() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())
    needed = _names(project["project"]["dependencies"])
    tools = _names(project["project"]["optional-dependencies"]["dev"])
    run, test, build = _pins("run"), _pins("test"), _pins("build")
    assert needed <= run.keys()
    assert tools <= test.keys()
    assert not tools & run.keys()
    assert run.items() <= test.items()
    assert _names(project["build-system"]["requires"]) | {"pip"} <= build.keys()


def _audit(tmp_path: Path, output: str) -> subprocess.CompletedProcess[str]:
    double = tmp_path / "pip-audit"
    double.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\n")
    double.chmod(double.stat().st_mode | stat.S_IXUSR)
    return subprocess.run(
        [sys.executable, _AUDIT, double], cwd=_ROOT, capture_output=True, text=True, check=False
    )


_CLEAN = {"name": "flask", "version": "3.1.3", "vulns": []}
_KNOWN = {
    "name": "jinja2",
    "version": "3.1.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1.6"]}],
}
_UNKNOWN = {"name": "yarl", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "status", "said"),
    [
        ([_CLEAN], 0, "1 of 1 looked up, 0 known vulnerabilities"),
        ([_CLEAN, _KNOWN], 1, "jinja2 3.1.0: PYSEC-1, fixed in 3.1.6"),
        ([_CLEAN, _UNKNOWN], 2, "no advisory data within reach for: yarl"),
        ([_UNKNOWN, _UNKNOWN], 2, "the advisory data is out of reach"),
    ],
)
def test_audit_tells_safe_from_not_looked_up(
    tmp_path: Path, packages: list[dict[str, object]], status: int, said: str
) -> None:
    run = _audit(tmp_path, json.dumps({"dependencies": packages}))
    assert said in run.stdout
    assert run.returncode == status


def test_audit_that_fails_is_told_as_not_audited(tmp_path: Path) -> None:
    run = _audit(tmp_path, "no route to host")
    assert "NOT AUDITED" in run.stdout
    assert run.returncode == 2
