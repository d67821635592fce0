"""House rules that no linter checks: small modules, plain words, imports without effects."""

import ast
import io
import re
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest

from tests.support.product import run_to_end

ROOT = Path(__file__).parents[2]
PRODUCT = ("app", "callbacks", "commands", "ivr", "keywords", "receipts", "statemachines", "web")
PACKAGES = (*PRODUCT, "simulator")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FOLDERS = sorted({path.parent for path in FILES})

T = TypeVar("T", bound=ast.AST)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40
MAX_MODULES = 16
MAX_RECEIPTS_PACKAGES = 14

#: Words that name no thing of the code; counted in docstrings and comments.
VAGUE = re.compile(
    r"\b(nobody|somebody|whoever|whatever|who|whose|whom|nothing|anything|everything|what)\b"
)
MAX_VAGUE_PER_1000 = 4

#: Modules that may read the environment when called; all others get the settings.
READS_ENVIRONMENT = {
    "app/server.py": "sets the folder that the counters of all processes share",
    "app/serving/notify.py": "finds the socket of the service manager",
    "app/serving/sockets.py": "finds the sockets that systemd passed",
    "app/settings.py": "the settings",
    "commands/main.py": "passes it to the settings",
    "commands/params.py": "passes it to the settings",
    "commands/privacy/lookups.py": "finds the account that called sudo",
    "receipts/store/local_server.py": "passes a few names on to its server",
    "simulator/__main__.py": "passes it to its settings",
    "simulator/handsets/terminal.py": "a program of its own, with one setting",
}

#: Modules that print: the handset in the terminal.
PRINTS = {"simulator/handsets/terminal.py"}

#: Runs in a process of its own; fails if an import opens, starts, writes or reads.
WATCH = """
import os, socket, subprocess, sys, threading
import flask, prometheus_client, redis, requests, structlog, twilio.rest  # not our imports
found = []

def watch(event, args):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.fork", "os.exec", "os.spawn")):
        if event != "socket.__new__" or args[1] != -1:
            found.append(event)
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        if "__pycache__" not in str(args[0]):
            found.append(f"writes {args[0]}")

class Watched(dict):
    def look(self, name):
        frame = sys._getframe(2)
        while frame and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        if frame and frame.f_code.co_filename.startswith(ROOT):
            if ".venv" not in frame.f_code.co_filename:
                found.append(f"reads {name} in {frame.f_code.co_filename}")
    def __getitem__(self, name):
        self.look(name); return dict.__getitem__(self, name)
    def get(self, name, default=None):
        self.look(name); return dict.get(self, name, default)
    def __contains__(self, name):
        self.look(name); return dict.__contains__(self, name)

ROOT = sys.argv[1]
sys.path.insert(0, ROOT)
os.environ = Watched(os.environ)
os.getenv = os.environ.get
sys.addaudithook(watch)
threads = threading.active_count()
__import__(sys.argv[2])
if threading.active_count() != threads:
    found.append("starts a thread")
sys.exit("; ".join(found) or 0)
"""


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def modules() -> Iterator[str]:
    for path in FILES:
        dotted = name(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if not dotted.endswith("__main__"):
            yield dotted


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def nodes(path: Path, *kinds: type[T]) -> list[T]:
    """The nodes of a module that are of these kinds."""
    return [node for node in ast.walk(tree(path)) if isinstance(node, kinds)]


def classes(packages: tuple[str, ...]) -> Iterator[tuple[str, ast.ClassDef]]:
    for path in FILES:
        if name(path).split("/")[0] in packages:
            yield from ((name(path), node) for node in nodes(path, ast.ClassDef))


def prose(path: Path) -> str:
    """Docstrings and comments of a module."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
    found = [token.string for token in tokens if token.type == tokenize.COMMENT]
    documented = nodes(path, ast.Module, ast.ClassDef, *FUNCTIONS)
    found += [text for node in documented if (text := ast.get_docstring(node))]
    return " ".join(found)


def test_importing_every_module_has_no_effect():
    together = "\n".join(f"__import__({module!r})" for module in modules())
    script = WATCH.replace("__import__(sys.argv[2])", together)
    done = run_to_end(sys.executable, "-B", "-W", "error", "-c", script, str(ROOT), seconds=120)
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_import_watch_sees_forbidden_effects(tmp_path: Path):
    bad = tmp_path / "bad.py"
    bad.write_text(
        "import os, socket\nos.environ.get('HOME')\nsocket.socket().close()\n"
        "open('/dev/null', 'w').close()\n"
    )
    done = run_to_end(sys.executable, "-c", WATCH, str(tmp_path), "bad")
    assert "reads HOME" in done.stderr
    assert "writes /dev/null" in done.stderr
    assert "socket.__new__" in done.stderr


@pytest.mark.parametrize("path", FILES, ids=name)
def test_module_and_its_functions_stay_small(path: Path):
    assert len(path.read_text().splitlines()) <= MAX_FILE_LINES
    for node in nodes(path, *FUNCTIONS):
        assert (node.end_lineno or 0) - node.lineno < MAX_FUNCTION_LINES, node.name


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_folder_stays_small(folder: Path):
    found = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(found) <= MAX_MODULES


def test_receipts_has_few_packages_and_no_modules_of_its_own():
    # A folder that an older checkout left behind holds only compiled files.
    packages = [path for path in FOLDERS if path.parent == ROOT / "receipts"]
    assert len(packages) <= MAX_RECEIPTS_PACKAGES
    assert [path.name for path in (ROOT / "receipts").glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize("path", FILES, ids=name)
def test_only_screens_print_and_only_settings_read_the_environment(path: Path):
    called = {ast.unparse(node.func) for node in nodes(path, ast.Call)}
    assert "os.getenv" not in called
    assert ("print" in called) == (name(path) in PRINTS)
    attributes = nodes(path, ast.Attribute)
    reads = {node.lineno for node in attributes if ast.unparse(node) == "os.environ"}
    assert bool(reads) == (name(path) in READS_ENVIRONMENT), f"os.environ on lines {reads}"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_module_docstring_is_one_plain_first_line(path: Path):
    text = ast.get_docstring(tree(path))
    assert text
    first = text.splitlines()[0]
    assert first.endswith((".", "?", "!"))
    if path.name == "__init__.py":
        assert text == first
        assert all(isinstance(statement, ast.Expr) for statement in tree(path).body)


def test_docstrings_and_comments_use_plain_words():
    text = " ".join(prose(path) for path in FILES).lower()
    vague, words = len(VAGUE.findall(text)), len(re.findall(r"[a-z']+", text))
    assert vague * 1000 <= MAX_VAGUE_PER_1000 * words, f"{vague} in {words} words"


def test_class_names_have_one_meaning():
    places: defaultdict[str, list[str]] = defaultdict(list)
    for place, node in classes(PRODUCT):
        places[node.name].append(place)
    assert {found: where for found, where in places.items() if len(where) > 1} == {}


def test_exceptions_end_in_error():
    raised = re.compile(r"(Exception|Error)$")
    odd = [
        f"{place}: {node.name}"
        for place, node in classes(PACKAGES)
        if any(raised.search(ast.unparse(base)) for base in node.bases)
        and not node.name.endswith("Error")
    ]
    assert odd == []


def test_no_private_attribute_of_a_library_and_no_subclass_of_urllib3():
    for path in FILES:
        source = path.read_text()
        assert "SLF001" not in source, f"{name(path)} reaches into another object's private part"
        taken = {
            alias.asname or alias.name
            for node in nodes(path, ast.ImportFrom)
            if (node.module or "").startswith("urllib3")
            for alias in node.names
        }
        for node in nodes(path, ast.ClassDef):
            bases = {ast.unparse(base) for base in node.bases}
            assert not bases & taken, f"{name(path)}: {node.name}"
            assert not [base for base in bases if base.startswith("urllib3.")], name(path)
