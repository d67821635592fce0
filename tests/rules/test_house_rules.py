"""House rules that no type checker knows: importing does nothing, rooms stay small."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = (
    "app", "callbacks", "commands", "ivr", "keywords", "receipts", "statemachines", "web",
    "simulator",
)  # fmt: skip
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))

#: Who may touch the environment, when called and not before; everybody else asks the settings.
TOUCHES_ENVIRONMENT = {
    "app/settings.py": "the settings",
    "commands/main.py": "hands it to the settings",
    "commands/params.py": "hands it to the settings",
    "app/server.py": "tells the counters of all our processes where to meet",
    "app/metrics.py": "finds where the counters meet",
    "receipts/store/local_server.py": "hands a few names on to its server",
    "simulator/__main__.py": "hands it to its settings",
    "simulator/handsets/terminal.py": "a program of its own, with one setting",
}

#: Rooms that print: the command line, and the handset in the terminal, which is a screen.
PRINTS = {"commands/main.py", "simulator/handsets/terminal.py"}

LONGEST = 300
#: Over the limit, each with the room it is to be parted into.
TOO_LONG = {"keywords/conversation.py": 315, "receipts/delivery/lifecycle.py": 325}

#: Run in a process of its own: everything that importing must not do is watched for.
WATCH = """
import os, socket, subprocess, sys, threading
import flask, prometheus_client, redis, requests, structlog, twilio.rest  # what they do is theirs
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


def calls(path: Path) -> Iterator[ast.Call]:
    tree = ast.parse(path.read_text())
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_importing_every_module_does_nothing():
    together = "\n".join(f"__import__({module!r})" for module in modules())
    script = WATCH.replace("__import__(sys.argv[2])", together)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"COVERAGE_PROCESS_START": ""},
    )
    assert (done.returncode, done.stderr.strip()) == (0, "")


def test_the_watch_sees_what_it_watches_for(tmp_path: Path):
    bad = tmp_path / "bad.py"
    bad.write_text(
        "import os, socket\nos.environ.get('HOME')\nsocket.socket().close()\n"
        "open('/dev/null', 'w').close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(tmp_path), "bad"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "reads HOME" in done.stderr
    assert "writes /dev/null" in done.stderr
    assert "socket.__new__" in done.stderr


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_room_stays_small(path: Path):
    lines = len(path.read_text().splitlines())
    assert lines <= TOO_LONG.get(name(path), LONGEST), "two rooms, not a longer one"


def test_a_room_that_was_parted_needs_no_leave():
    for room in TOO_LONG:
        assert len((ROOT / room).read_text().splitlines()) > LONGEST, f"{room} fits: no leave"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_only_screens_print_and_only_settings_read_the_environment(path: Path):
    for call in calls(path):
        said = ast.unparse(call.func)
        assert said != "print" or name(path) in PRINTS
        assert said != "os.getenv"
    reads = {
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "os.environ"
    }
    assert bool(reads) == (name(path) in TOUCHES_ENVIRONMENT), f"os.environ on lines {reads}"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_room_says_first_what_it_promises(path: Path):
    said = ast.get_docstring(ast.parse(path.read_text()))
    assert said
    assert said.splitlines()[0].endswith((".", "?", "!"))
