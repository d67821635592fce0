"""The distributions: the same bytes from each build, every file that is needed, no other."""

import os
import tarfile
import zipfile
from pathlib import Path

from tests.release.conftest import ROOT, build, copy_tree
from tests.rules.test_house_rules import PACKAGES

#: The environment that a wheel must not fill with more than this.
_SHARE = "share/sms-receipt/"


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def _product_files() -> set[str]:
    """All files of the packages that git does not ignore."""
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*"))
    kept = (path for path in files if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(ROOT).as_posix() for path in kept}


def test_second_build_elsewhere_and_later_has_the_same_bytes(built: list[Path], tmp_path: Path):
    tree = tmp_path / "another name of the folder"
    for path in copy_tree(tree):
        path.chmod(path.stat().st_mode & 0o700)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    again = build(tmp_path / "dist", tree, TZ="Asia/Shanghai", PYTHONHASHSEED="7")
    assert [path.name for path in again] == [path.name for path in built]
    for one, other in zip(built, again, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_wheel_of_the_sdist_is_the_wheel_of_the_tree(built: list[Path], tmp_path: Path):
    sdist, wheel = built
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = tmp_path / sdist.name.removesuffix(".tar.gz")
    assert build(tmp_path / "dist", unpacked, "wheel")[0].read_bytes() == wheel.read_bytes()


def test_wheel_holds_each_file_of_the_packages(wheel: Path):
    assert _product_files() - _names(wheel) == set()


def test_each_package_exports_its_types():
    assert [each for each in PACKAGES if not (ROOT / each / "py.typed").is_file()] == []


def test_wheel_installs_no_file_outside_its_packages(wheel: Path):
    """Its packages have plain names: a file of any other would be another project's."""
    data, info = wheel.name.split("-py3")[0] + ".data", wheel.name.split("-py3")[0] + ".dist-info"
    inside = {*(f"{package}/" for package in PACKAGES), f"{info}/", f"{data}/data/{_SHARE}"}
    assert [each for each in _names(wheel) if not each.startswith(tuple(inside))] == []
    shared = {each.rpartition(_SHARE)[2] for each in _names(wheel) if _SHARE in each}
    assert {"deploy/nginx.conf", "env.example", "kannel.conf.example"} <= shared
    assert {f"{info}/licenses/LICENSE", f"{info}/entry_points.txt"} <= _names(wheel)


def test_sdist_holds_the_tests_and_no_file_of_a_developer(built: list[Path]):
    with tarfile.open(built[0]) as archive:
        members = archive.getmembers()
    paths = {member.name.partition("/")[2] for member in members}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "Makefile", "tests/conftest.py"} <= paths
    tops = {path.partition("/")[0] for path in paths}
    assert tops & {".venv", "var", "build", "dist", ".git", ".env"} == set()
    assert {member.uid for member in members} == {0}
    assert {oct(member.mode) for member in members} <= {"0o644", "0o755"}


def test_programs_of_the_sdist_can_be_run(built: list[Path]):
    with tarfile.open(built[0]) as archive:
        modes = {member.name.partition("/")[2]: member.mode for member in archive.getmembers()}
    for path in (ROOT / "tools").iterdir():
        if path.is_file() and os.access(path, os.X_OK):
            assert modes[f"tools/{path.name}"] & 0o111, path.name
