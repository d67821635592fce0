"""`make release-check` and `make matrix`: each fault is told, and the exit status is honest."""

import importlib.util
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tests.release.conftest import ROOT

_PROJECT = '[project]\nname = "a"\nversion = "{}"\n'


@pytest.fixture
def checker(tmp_path: Path) -> ModuleType:
    """tools/release_check.py in a repository of its own."""
    (tmp_path / "tools").mkdir()
    copy = shutil.copy(ROOT / "tools" / "release_check.py", tmp_path / "tools")
    (tmp_path / "pyproject.toml").write_text(_PROJECT.format("0.2.0"))
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 0.2.0 (unreleased)\n\n## 0.1.0\n")
    for words in (
        ("init", "-q"),
        ("add", "-A"),
        ("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "Begin"),
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    spec = importlib.util.spec_from_file_location("release_check", copy)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_changed_and_new_files_are_told(checker: ModuleType, tmp_path: Path):
    assert checker.check_tree().endswith(" Begin")
    (tmp_path / "new.py").touch()
    with pytest.raises(checker.FailedError, match=r"new\.py"):
        checker.check_tree()


@pytest.mark.parametrize(
    ("entry", "version", "said"),
    [
        ("## 0.2.0 (unreleased)", "0.2.0", "no date yet"),
        ("## 0.2.0 - 2026-11-30", "0.2.0", "0.2.0, 2026-11-30"),
        ("## 0.3.0 - 2026-11-30", "0.2.0", "the changelog begins with 0.3.0"),
        ("## Unreleased", "0.2.0", "the changelog begins with 0.1.0"),
        ("## 0.9.9 (unreleased)", "0.9.9", "sms-receipt --version prints 0.2.0"),
    ],
)
def test_versions_are_compared(
    checker: ModuleType, tmp_path: Path, entry: str, version: str, said: str
):
    (tmp_path / "pyproject.toml").write_text(_PROJECT.format(version))
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{entry}\n\n## 0.1.0\n")
    try:
        found = checker.check_version()
    except checker.FailedError as error:
        found = str(error)
    assert said in found


def test_build_that_differs_is_told(checker: ModuleType, monkeypatch: pytest.MonkeyPatch):
    def build(folder: Path, _: str) -> list[Path]:
        folder.mkdir()
        (folder / "a.whl").write_text(folder.name)
        return [folder / "a.whl"]

    monkeypatch.setattr(checker, "_build", build)
    with pytest.raises(checker.FailedError, match=r"two builds of a\.whl differ"):
        checker.check_build()


def _matrix(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run tools/matrix with only the Pythons of a folder; its environments stay in there."""
    for name in ("tools", "requirements"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "pyproject.toml", folder)
    for program in ("cat", "cut", "dirname", "rm", "sed", "sh", "sha256sum", "touch", "which"):
        (folder / "bin" / program).symlink_to(shutil.which(program) or program)
    environ = {"PATH": f"{folder}/bin", "HOME": str(folder)}
    words = (folder / "tools" / "matrix", *words)
    return subprocess.run(words, env=environ, capture_output=True, text=True, check=False)


def _python(folder: Path, version: str, *, works: bool) -> None:
    """A Python that names its version and fails at everything else, or a shim of none."""
    program = folder / "bin" / f"python{version}"
    program.parent.mkdir(exist_ok=True)
    named = f'[ "$1" = -c ] && echo {version} && exit 0; ' if works else ""
    program.write_text(f"#!/bin/sh\n{named}exit 127\n")
    program.chmod(0o755)


def _last(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout.splitlines()[-1]


def test_matrix_names_the_pythons_that_are_not_at_hand(tmp_path: Path):
    _python(tmp_path, "3.14", works=False)
    for name in ("3.11", "3.12", "3.13"):
        _python(tmp_path, name, works=False)
    done = _matrix(tmp_path)
    assert _last(done) == "Passed: none. Failed: none. Not at hand: 3.11 3.12 3.13 3.14."
    assert done.returncode == 2


def test_matrix_fails_with_one_of_its_pythons(tmp_path: Path):
    for name in ("3.11", "3.12", "3.13", "3.14"):
        _python(tmp_path, name, works=name == "3.13")
    done = _matrix(tmp_path)
    assert _last(done) == "Passed: none. Failed: 3.13. Not at hand: 3.11 3.12 3.14."
    assert done.returncode == 1
