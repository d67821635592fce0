"""The distributions, built from a copy of the tree, and the wheel in a fresh environment."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.product import surroundings

ROOT = Path(__file__).parents[2]
#: A moment of a commit, in seconds since 1970: all files of a distribution have it.
COMMITTED_AT = "1795000000"

_NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", "var", "build", "dist", "__pycache__", ".hypothesis", ".*_cache"
)


def copy_tree(folder: Path) -> list[Path]:
    """Copy the tree into a new folder; the files there."""
    shutil.copytree(ROOT, folder, ignore=_NOT_COPIED)
    return [path for path in folder.rglob("*") if path.is_file()]


def build(out: Path, folder: Path, *targets: str, **more: str) -> list[Path]:
    """Build a tree without network access; by default, return the sdist and the wheel."""
    wanted = [word for target in targets for word in ("--target", target)]
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", out, *wanted],
        cwd=folder, env=surroundings(SOURCE_DATE_EPOCH=COMMITTED_AT, **more),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return sorted(out.iterdir(), key=lambda path: path.suffix)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The sdist and the wheel."""
    folder = tmp_path_factory.mktemp("build")
    copy_tree(folder / "tree")
    return build(folder / "dist", folder / "tree")


@pytest.fixture(scope="session")
def wheel(built: list[Path]) -> Path:
    return built[1]


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel, far from the repository."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def command(self) -> Path:
        return self.folder / "bin" / "sms-receipt"


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, installed by pip; its dependencies are those of the tests."""
    new = Installed(tmp_path_factory.mktemp("installed") / "env")
    for words in (("venv", "--without-pip", new.folder), _install(new.python, wheel)):
        done = subprocess.run(
            [sys.executable, "-m", *words], env=surroundings(), capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    packages = next(new.folder.glob("lib/python*/site-packages"))
    shared = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "dependencies.pth").write_text("\n".join(shared))
    return new


def _install(python: Path, wheel: Path) -> tuple[str | Path, ...]:
    return ("pip", "--python", python, "install", "-qq", "--no-deps", "--no-index", wheel)
