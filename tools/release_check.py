"""Check whether this commit can be released, and print a checklist; exit status 1 if it cannot.

`make release-check` runs it. The distributions of the commit are left in dist/.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_DIST = _ROOT / "dist"
_LOCKS = ("run", "test", "build", "tools")
_PASSED, _FAILED, _OPEN = "ok", "FAILED", "not checked"


class FailedError(Exception):
    """A check that failed: the reason."""


class NotCheckedError(Exception):
    """A check that could not be made here: the reason."""


def _run(*words: str | Path, folder: Path = _ROOT, **settings: str) -> str:
    """The output of a program. Raises: FailedError."""
    done = subprocess.run(
        words, cwd=folder, env=os.environ | settings, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = f"{done.stdout}\n{done.stderr}".strip()
        raise FailedError(f"{Path(words[0]).name} ended with {done.returncode}: {said[-1500:]}")
    return done.stdout


def version() -> str:
    """The version in pyproject.toml."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def check_tree() -> str:
    """The commit is the whole release: no file is changed or new."""
    if changed := _run("git", "status", "--porcelain").strip():
        raise FailedError(f"files that no commit has:\n{changed}")
    return _run("git", "log", "-1", "--format=%h %cs %s").strip()


def check_version() -> str:
    """pyproject.toml, the first entry of the changelog and the command name one version."""
    text = (_ROOT / "CHANGELOG.md").read_text()
    entry = re.search(r"(?m)^## (\d+\.\d+\.\d+)(?: [-–(] ?([^)\n]+)\)?)?$", text)
    if entry is None or entry[1] != version():
        raise FailedError(f"the changelog begins with {entry and entry[1]}, not {version()}")
    shown = _run(Path(sys.executable).parent / "sms-receipt", "--version").split()[-1]
    if shown != version():
        raise FailedError(f"sms-receipt --version prints {shown}: run `make install` again")
    if not re.match(r"\d{4}-\d\d-\d\d$", entry[2] or ""):
        return (
            f"{version()}; the changelog's entry has no date yet: the commit of the release adds it"
        )
    return f"{version()}, {entry[2]}"


def check_build() -> str:
    """Two builds of the commit, in two folders, give the same bytes; they are left in dist/."""
    committed_at = _run("git", "log", "-1", "--format=%ct").strip()
    with tempfile.TemporaryDirectory() as scratch:
        builds = [_build(Path(scratch) / each, committed_at) for each in ("one", "two")]
        for one, other in zip(*builds, strict=True):
            if one.read_bytes() != other.read_bytes():
                raise FailedError(f"two builds of {one.name} differ")
        shutil.rmtree(_DIST, ignore_errors=True)
        _DIST.mkdir()
        copies = [Path(shutil.copy(each, _DIST)) for each in builds[0]]
    digests = (f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}" for each in copies)
    return "\n".join(("in dist/:", *digests))


def _build(folder: Path, committed_at: str) -> list[Path]:
    folder.mkdir()
    archive = folder / "tree.tar"
    _run("git", "archive", "--format=tar", f"--output={archive}", "HEAD")
    shutil.unpack_archive(archive, folder / "tree", filter="data")
    words = (sys.executable, "-m", "hatchling", "build", "--directory", folder / "dist")
    _run(*words, folder=folder / "tree", SOURCE_DATE_EPOCH=committed_at)
    return sorted((folder / "dist").iterdir())


def check_metadata(tools: Path) -> str:
    """The metadata is valid and the description renders, as an index would check them."""
    done = _run(tools / "twine", "check", "--strict", *sorted(_DIST.iterdir()))
    return f"{done.count('PASSED')} distributions, with README.md as description"


def check_licence() -> str:
    """The wheel has the text of the licence."""
    (wheel,) = _DIST.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (inside,) = [each for each in archive.namelist() if each.endswith("licenses/LICENSE")]
        if archive.read(inside) != (_ROOT / "LICENSE").read_bytes():
            raise FailedError("the licence in the wheel is another one")
    return inside


def check_install() -> str:
    """The wheel and the locked packages install into an empty environment, which is consistent."""
    (wheel,) = _DIST.glob("*.whl")
    with tempfile.TemporaryDirectory() as scratch:
        _run(sys.executable, "-m", "venv", Path(scratch) / "env")
        python = Path(scratch) / "env" / "bin" / "python"
        pip = (python, "-m", "pip", "-qq", "--disable-pip-version-check")
        try:
            _run(*pip, "install", "--require-hashes", "-r", "requirements/run.txt")
        except FailedError as error:
            raise NotCheckedError(f"the packages could not be had: {str(error)[-300:]}") from error
        _run(*pip, "install", "--no-deps", "--no-index", wheel)
        _run(*pip, "check")
        shown = _run(python.parent / "sms-receipt", "--version", folder=Path(scratch))
    return shown.strip()


def check_tests() -> str:
    """The tests of the release: contents, an install elsewhere, a demo, the exported types."""
    said = _run(sys.executable, "-m", "pytest", "-q", "tests/release")
    return said.strip().splitlines()[-1]


def check_lock(tools: Path) -> str:
    """The pins are those that pyproject.toml asks for."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for each in ("requirements", "tools"):
            shutil.copytree(_ROOT / each, folder / each)
        shutil.copy(_ROOT / "pyproject.toml", folder)
        try:
            _run(folder / "tools" / "lock", tools, folder=folder)
        except FailedError as error:
            raise NotCheckedError(str(error)[-300:]) from error
        for each in (f"requirements/{lock}.txt" for lock in _LOCKS):
            if (folder / each).read_text() != (_ROOT / each).read_text():
                raise FailedError(f"{each} is not what `make lock` writes")
    return ", ".join(_LOCKS)


def check_audit(tools: Path) -> str:
    """No pinned package has a known vulnerability."""
    words = (sys.executable, "tools/audit.py", tools / "pip-audit")
    done = subprocess.run(words, cwd=_ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 1:
        raise FailedError(done.stdout.strip())
    if done.returncode:
        raise NotCheckedError("the advisory data is out of reach for some packages: `make audit`")
    return "no known vulnerability"


def main(tools: Path) -> int:
    """Run all checks, and print a line for each."""
    checks: dict[str, Callable[[], str]] = {
        "clean tree": check_tree,
        "one version": check_version,
        "reproducible build": check_build,
        "metadata": lambda: check_metadata(tools),
        "licence": check_licence,
        "install": check_install,
        "tests of the release": check_tests,
        "locked packages": lambda: check_lock(tools),
        "vulnerabilities": lambda: check_audit(tools),
    }
    results = {name: _result(name, check) for name, check in checks.items()}
    failed = [name for name, result in results.items() if result == _FAILED]
    unknown = [name for name, result in results.items() if result == _OPEN]
    if unknown:
        print(f"Not checked here: {', '.join(unknown)}.")
    print(f"Not ready: {', '.join(failed)}." if failed else f"{version()} can be released.")
    return int(bool(failed))


def _result(name: str, check: Callable[[], str]) -> str:
    try:
        result, said = _PASSED, check()
    except FailedError as error:
        result, said = _FAILED, str(error)
    except NotCheckedError as error:
        result, said = _OPEN, str(error)
    except (OSError, ValueError) as error:  # without dist/, later checks of it have no file
        result, said = _FAILED, f"{type(error).__name__}: {error}"
    indented = said.replace("\n", "\n      ")
    print(f"[{result}] {name}: {indented}", flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
