"""Each fenced block and each command in a document is what its program accepts."""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import pytest
import yaml

from commands.main import main
from tests.rules.documents.pages import PAGES, ROOT, Block, blocks, inline_code, name
from tests.rules.documents.settings import check_settings
from tests.rules.documents.shell import (
    WrongCommandError,
    check_command,
    check_own,
    check_syntax,
    commands,
    entered,
    targets,
)

BLOCKS = blocks()


def _check_shell(block: Block) -> None:
    check_shell(entered(block.kind, block.text))


def check_shell(text: str) -> None:
    """Let the shell parse a script, then its programs each command. Raises: WrongCommandError."""
    check_syntax(text)
    for command in commands(text):
        check_settings("\n".join(command.settings))
        check_command(command)


def _check_toml(block: Block) -> None:
    tomllib.loads(block.text)


def _check_json(block: Block) -> None:
    for line in block.text.splitlines() if block.kind == "jsonl" else [block.text]:
        json.loads(line)


def _check_environment(block: Block) -> None:
    lines = [line for line in block.text.splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if not re.match(r"[A-Z][A-Z_]*=", line)] == []
    check_settings(block.text)


def _check_text(block: Block) -> None:
    """A drawing or a message; folders at the beginning of its lines are those of the tree."""
    named = re.findall(r"(?m)^([a-z]+/) ", block.text)
    assert [folder for folder in named if not (ROOT / folder).is_dir()] == []


def _check_diagram(block: Block) -> None:
    """Diagrams are drawn by `sms-receipt states`, whose page is compared as a whole."""
    assert name(block.page) == "docs/states.md"


#: A checker for each kind of block; test_configurations.py has those of configuration files.
CHECKERS: dict[str, Callable[[Block], None]] = {
    "sh": _check_shell,
    "console": _check_shell,
    "toml": _check_toml,
    "json": _check_json,
    "jsonl": _check_json,
    "yaml": lambda block: yaml.safe_load(block.text),
    "env": _check_environment,
    "text": _check_text,
    "mermaid": _check_diagram,
}
#: Kinds that test_configurations.py reads with the program that they configure.
CONFIGURED = {"nginx", "kannel", "systemd", "promql"}


def test_each_kind_of_block_has_a_checker() -> None:
    """Write the kind behind the fence: drawings and messages are ``text``."""
    unknown = [str(each) for each in BLOCKS if each.kind not in {*CHECKERS, *CONFIGURED}]
    assert unknown == []


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.kind in CHECKERS], ids=str)
def test_block_is_what_its_program_accepts(block: Block) -> None:
    CHECKERS[block.kind](block)


def _names_command(words: list[str]) -> bool:
    """Whether words without `sms-receipt` are a command with its second word or an option."""
    command, second = main.commands.get(words[0]), (*words[1:], "")[0]
    in_group = isinstance(command, click.Group) and second in command.commands
    return in_group or (command is not None and second.startswith("--"))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_inline_commands_are_those_of_their_programs(page: Path) -> None:
    for code in inline_code(page):
        words = code.split()
        own = words[1:] if words[0] == "sms-receipt" else words
        if own and (own != words or _names_command(own)):
            check_own([each.strip("[]…") for each in own if each.strip("[]…")], whole=False)
        elif words[0] in {"make", ".venv/bin/python", ".venv/bin/pytest"} and len(words) > 1:
            check_shell(code)


def test_every_target_is_in_the_help() -> None:
    """Every target that has no file's name is one for people."""
    assert [target for target, listed in targets().items() if not listed] == []


@pytest.mark.parametrize(
    "wrong",
    [
        "sms-receipt shwo 13802880000",
        "sms-receipt show 13802880000 --jsn",
        "sms-receipt show",
        "sms-receipt bill --month",
        "sms-receipt bill --month 2026-13",
        "sms-receipt show 13802880000 13957112345",
        "sms-receipt twilio configure --base-url https://a.example --dry-runn",
        "make tset",
        "make lock UPGARDE=--upgrade",
        ".venv/bin/pytest tests/webhook",
        "python -m tests.drill",
        "sudo install -m 644 deploy/nginx.cnf /etc/nginx",
        "frobnicate --all",
        "cd var && sms-receipt receipt 13802880000",
        "PORT=1 sms-receipt charges 13802880000 --mnth 2026-11 > charges.jsonl",
    ],
)
def test_wrong_command_is_found(wrong: str) -> None:
    with pytest.raises(WrongCommandError):
        check_shell(wrong)


@pytest.mark.parametrize("broken", ["if true; then", "echo 'a", "sms-receipt show ("])
def test_shell_text_that_does_not_parse_is_found(broken: str) -> None:
    with pytest.raises(WrongCommandError):
        check_syntax(broken)
