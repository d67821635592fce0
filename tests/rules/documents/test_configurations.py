"""Configuration in documents is read by the program that it configures; so is each file of it."""

import json
import re
import shlex
import shutil
import sqlite3
import subprocess
import tomllib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from tests.rules.documents.pages import CONFIGURATIONS, ROOT, Block, blocks, name
from tests.rules.documents.settings import check_settings
from tests.rules.documents.shell import check_own, check_syntax


def _output(*words: str | Path) -> str:
    """What a program prints, on both channels."""
    program = shutil.which(str(words[0]), path="/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin")
    assert program, f"{words[0]} is missing: tools/install_test_packages"
    done = subprocess.run(
        [program, *words[1:]], capture_output=True, text=True, timeout=30, check=False
    )
    return done.stdout + done.stderr


def refused_by_nginx(text: str, folder: Path) -> list[str]:
    """The complaints of nginx about servers, or about directives within one."""
    site = text if re.search(r"(?m)^(server|upstream|map|limit_\w+_zone)\b", text) else ""
    site = site or f"server {{ listen unix:{folder}/socket; {text} }}"
    site = re.sub(r"(?m)^\s*ssl_certificate(_key)? .*$", "", site)
    site = re.sub(r"listen\s+[^;]*;", f"listen unix:{folder}/socket;", site)
    paths = "".join(f"{each}_temp_path {folder}/{each};\n" for each in ("client_body", "proxy"))
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; events {{}}\nhttp {{ access_log off;\n{paths}{site}\n}}\n"
    )
    said = _output("nginx", "-t", "-q", "-e", folder / "log", "-c", folder / "nginx.conf")
    return re.findall(r"\[emerg\] (.*)", said)


def refused_by_kannel(text: str, folder: Path) -> list[str]:
    """The complaints of bearerbox about groups, or about lines of the group that the example has.

    It reads all groups before it looks for the port that is left out here, and then it ends.
    """
    if not re.search(r"(?m)^group\s*=", text):
        example = (ROOT / "docs" / "kannel.conf.example").read_text()
        key = text.partition("=")[0].strip()
        groups = [each for each in example.split("\n\n") if re.search(rf"(?m)^{key}\s*=", each)]
        if not groups:
            return [f"no group of the example has {key}"]
        line = text.strip()
        text = re.sub(rf"(?m)^{key}\s*=.*$", lambda _: line, groups[0])
    text = re.sub(r"(?m)^(admin-port|log-file|access-log)\s*=.*\n", "", text)
    core = "" if re.search(r"(?m)^group\s*=\s*core", text) else "group = core\nsmsbox-port = 1\n\n"
    (folder / "kannel.conf").write_text(f"{core}{text}\n")
    said = _output("bearerbox", "-v", "3", folder / "kannel.conf")
    assert "PANIC" in said, "bearerbox is expected to end"
    return re.findall(r"ERROR: (.*(?:contain|Error found|mandatory|unknown|Unknown).*)", said)


def refused_by_sqlite(text: str) -> list[str]:
    """The complaint of SQLite about a script; a second run of it must change nothing."""
    try:
        with closing(sqlite3.connect(":memory:")) as made:
            made.executescript(text + text)
    except sqlite3.Error as error:
        return [str(error)]
    return []


def refused_by_systemd(text: str, unit: Path) -> list[str]:
    """The complaints of systemd about a unit, or about lines of its [Service] section."""
    if "[" not in text:
        text = f"[Service]\n{text}"
    if "ExecStart=" not in text and unit.suffix == ".service":
        text = re.sub(r"(\[Service\])", r"\1\nExecStart=/bin/true", text)
    unit.write_text(text)
    return [
        line
        for line in _output("systemd-analyze", "verify", unit).splitlines()
        if line.startswith((unit.name, str(unit)))
    ]


def _check_unit(text: str, unit: Path) -> list[str]:
    unit = unit.with_name(unit.name.replace("@.", "@1."))
    for line in re.findall(r"(?m)^Exec\w+=[-+!@:]*(.*)$", text):
        words = shlex.split(line)
        if words and words[0].endswith("/sms-receipt"):
            check_own(words[1:])
    return refused_by_systemd(text.replace("/opt/sms-receipt/bin/sms-receipt", "/bin/true"), unit)


def _check_shipped_unit(text: str, unit: Path) -> list[str]:
    """The complaints about one unit among the others, which it names."""
    for other in (ROOT / "deploy" / "systemd").glob("*.*"):
        (unit.parent / other.name).write_text(other.read_text())
    return _check_unit(text, unit)


def _kept(text: str, _: Path) -> list[str]:
    """No complaint: a test names this file and gives it to the program."""
    return [] if text else ["empty"]


def _environment(text: str, _: Path) -> list[str]:
    check_settings(text)
    check_syntax(text)
    return []


def _yaml(text: str, _: Path) -> list[str]:
    return [] if list(yaml.safe_load_all(text)) else ["empty"]


def _toml(text: str, _: Path) -> list[str]:
    return [] if tomllib.loads(text) else ["empty"]


def _json(text: str, _: Path) -> list[str]:
    return [] if json.loads(text) else ["empty"]


#: Readers of files by how their name ends. Each gets the text and a path for a file of its own.
READERS: dict[str, Callable[[str, Path], list[str]]] = {
    "nginx.conf": lambda text, path: refused_by_nginx(text, path.parent),
    "kannel.conf.example": lambda text, path: refused_by_kannel(text, path.parent),
    "kannel-modem.conf": lambda text, path: refused_by_kannel(text, path.parent),
    ".sql": lambda text, _: refused_by_sqlite(text),
    ".service": _check_shipped_unit,
    ".socket": _check_shipped_unit,
    ".timer": _check_shipped_unit,
    ".target": _check_shipped_unit,
    ".env.example": _environment,
    ".env": _environment,
    ".yml": _yaml,
    ".yaml": _yaml,
    ".json": _json,
    ".toml": _toml,
    "logrotate": _kept,
    "redis.conf": _kept,
    "sentinel.conf": _kept,
    "users.acl": _kept,
    "journald@sms-receipt.conf": _kept,
    "sysusers.conf": _kept,
    "tmpfiles.conf": _kept,
}


#: Files of programs that no package of Debian has.
_NOT_RUN = {"ngrok.yml"}


def _reader(path: Path) -> Callable[[str, Path], list[str]] | None:
    return next((read for end, read in READERS.items() if path.name.endswith(end)), None)


def test_each_configuration_file_has_a_reader() -> None:
    assert [name(path) for path in CONFIGURATIONS if _reader(path) is None] == []


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=name)
def test_configuration_file_is_accepted(path: Path, tmp_path: Path) -> None:
    read = _reader(path)
    assert read
    assert read(path.read_text(), tmp_path / path.name) == []


def test_each_configuration_file_is_run_by_a_test() -> None:
    """Beyond its syntax: a test elsewhere starts the program with this file."""
    folder = Path(__file__).parent
    tests = [each for each in (ROOT / "tests").rglob("*.py") if each.parent != folder]
    text = "\n".join(each.read_text() for each in tests)
    found = [name(path) for path in CONFIGURATIONS if path.name not in text]
    assert [each for each in found if each not in _NOT_RUN] == []


_READERS_OF_BLOCKS = {
    "nginx": refused_by_nginx,
    "kannel": refused_by_kannel,
    "systemd": lambda text, folder: _check_unit(text, folder / "document.service"),
}


@pytest.mark.parametrize("block", [b for b in blocks() if b.kind in _READERS_OF_BLOCKS], ids=str)
def test_block_of_configuration_is_accepted(block: Block, tmp_path: Path) -> None:
    assert _READERS_OF_BLOCKS[block.kind](block.text, tmp_path) == []


@pytest.mark.parametrize(
    ("kind", "text", "complaint"),
    [
        ("nginx", "server { listen 443 ssl; proxy_pas http://a; }", "proxy_pas"),
        ("nginx", "client_max_body_siz 16k;", "client_max_body_siz"),
        ("kannel", 'get-urll = "http://127.0.0.1/"', "get-urll"),
        ("kannel", "group = smsc\nsmsc = at\nsmsc-id = a\ndevise = /dev/ttyUSB0", "devise"),
        ("systemd", "NoNewPrivilegs=yes", "NoNewPrivilegs"),
    ],
)
def test_wrong_configuration_is_found(kind: str, text: str, complaint: str, tmp_path: Path) -> None:
    found = _READERS_OF_BLOCKS[kind](text, tmp_path)
    assert any(complaint in each for each in found), found
