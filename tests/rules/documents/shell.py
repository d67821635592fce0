"""Commands of the documents, as a shell splits them, each checked by its own program's rules."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click

from commands.main import main
from tests.rules.documents.pages import ROOT

#: Programs of the system; their arguments are not checked, but for files of the repository.
SYSTEM = frozenset(Path(__file__).with_name("system_programs.txt").read_text().split())
_PREFIXES = frozenset({"sudo", "exec", "env", "time", "nohup", "!"})
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
#: A word that stands for the reader's own, such as NUMBER, FILE.csv, 'URL' or ….
PLACEHOLDER = re.compile(r"…|\[|\.\.\.|[A-Z]{2,}(\.[a-z]+)?$|Name=Value$|<[a-z]|…$")
_TREE = re.compile(r"(?:\./)?((?:app|deploy|docs|requirements|tests|tools)/[\w./-]+)")


class WrongCommandError(Exception):
    """A command of a document that would not run as it is written."""


@dataclass(frozen=True)
class Command:
    """One command: the settings before it, its words, and the file that its output goes to."""

    settings: tuple[str, ...]
    words: tuple[str, ...]
    output: str = ""


def entered(kind: str, text: str) -> str:
    """The lines that a reader types: of a console, those behind the prompt."""
    if kind != "console":
        return text
    lines = re.findall(r"(?m)^\s*[$#] ((?:.*\\\n)*.*)$", text)
    if not lines:
        raise WrongCommandError("a console without a line behind a prompt ($)")
    return "\n".join(lines) + "\n"


def check_syntax(text: str) -> None:
    """Let the shell parse it. Raises: WrongCommandError."""
    done = subprocess.run(
        ["sh", "-n"], input=text, capture_output=True, text=True, timeout=10, check=False
    )
    if done.returncode:
        raise WrongCommandError(done.stderr.strip())


def commands(text: str) -> Iterator[Command]:
    """The simple commands of a script, without loops' and conditions' own words."""
    text = re.sub(r"(?ms)<<-?\s*(['\"]?)(\w+)\1(.*?)\n(.*?)^\s*\2$", r"\3", text)
    for line in text.replace("\\\n", " ").splitlines():
        words: list[str] = []
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.wordchars += "+,:@%!^{}[]$#"
        lexer.commenters = ""
        for token in _without_comment(lexer):
            if set(token) <= set(";&|()") or token in {"do", "then", "else", "{", "}"}:
                yield from _command(words)
                words = []
            else:
                words.append(token)
        yield from _command(words)


def _without_comment(lexer: shlex.shlex) -> Iterator[str]:
    for token in lexer:
        if token.startswith("#"):
            return
        yield token


def _command(words: list[str]) -> Iterator[Command]:
    output = ""
    plain: list[str] = []
    rest = iter(words)
    for word in rest:
        if set(word) <= set("<>&"):
            output = next(rest, "")
            if plain and plain[-1] in {"1", "2"}:
                plain.pop()
        else:
            plain.append(word)
    while plain and plain[0] in _PREFIXES:
        plain.pop(0)
        while plain and plain[0].startswith("-"):
            plain = plain[1:] if plain[0] != "-u" else plain[2:]
    settings = []
    while plain and _ASSIGNMENT.match(plain[0]):
        settings.append(plain.pop(0))
    if plain and plain[0] not in {"done", "fi", "esac"}:
        yield Command(tuple(settings), tuple(plain), output)


def check_command(command: Command) -> None:
    """Check a command against its program. Raises: WrongCommandError."""
    program, *rest = command.words
    program = program.rpartition("/bin/")[2] or program
    for path in filter(None, map(_TREE.fullmatch, command.words)):
        if not (ROOT / path[1]).exists():
            raise WrongCommandError(f"no {path[1]} in the repository")
    if program == "sms-receipt":
        check_own(rest)
    elif program == "make":
        _check_make(rest)
    elif program in {"python", "pytest", "ruff", "mypy", "lint-imports"}:
        _check_python(program, rest)
    elif program not in SYSTEM and not (ROOT / program).is_file():
        raise WrongCommandError(f"{program}: no checker knows it; add it to system_programs.txt")


@cache
def targets() -> dict[str, bool]:
    """The targets of the Makefile, and whether `make help` lists each."""
    text = (ROOT / "Makefile").read_text()
    named = re.findall(r"(?m)^([a-z-]+):(.*)$", text)
    return {target: "## " in rest for target, rest in named}


def _check_make(words: list[str]) -> None:
    for word in words:
        if not _ASSIGNMENT.match(word) and not targets().get(word):
            raise WrongCommandError(f"make {word}: no such target in `make help`")
        if (set_to := _ASSIGNMENT.match(word)) and set_to[1] not in _make_variables():
            raise WrongCommandError(f"the Makefile does not use {set_to[1]}")


def _make_variables() -> set[str]:
    return set(re.findall(r"\$\(([A-Z]+)\)", (ROOT / "Makefile").read_text()))


def _check_python(program: str, words: list[str]) -> None:
    if program == "python" and words[:1] == ["-m"]:
        module = ROOT / words[1].replace(".", "/")
        if not (module.with_suffix(".py").exists() or (module / "__main__.py").exists()):
            raise WrongCommandError(f"no module {words[1]}")
    elif program == "python" and words and not (ROOT / "tools" / Path(words[0]).name).exists():
        raise WrongCommandError(f"no program {words[0]}")


def check_own(words: list[str], *, whole: bool = True) -> None:
    """Parse words as the `sms-receipt` command does; ``whole`` refuses missing ones too."""
    command: click.Command = main
    context = click.Context(main, info_name="sms-receipt")
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        if PLACEHOLDER.match(rest[0]):
            return
        found = command.get_command(context, rest[0])
        if found is None:
            raise WrongCommandError(f"sms-receipt has no command {' '.join(words)!r}")
        command, rest = found, rest[1:]
        context = click.Context(command, parent=context, info_name=command.name)
    try:
        _parse(command, context, rest, whole=whole)
    except click.UsageError as error:
        if whole or not isinstance(error, click.BadOptionUsage):
            raise WrongCommandError(f"sms-receipt {' '.join(words)}: {error.message}") from error


def _parse(command: click.Command, context: click.Context, rest: list[str], *, whole: bool) -> None:
    values, extra, _ = command.make_parser(context).parse_args(list(rest))
    if extra:
        raise click.UsageError(f"unexpected words {extra}")
    alone = isinstance(command, click.Group) and not command.invoke_without_command
    if whole and alone and not any(values.values()):
        raise click.UsageError("a command is missing")
    for parameter in command.params:
        value = values.get(parameter.name or "")
        if whole and parameter.required and parameter.value_is_missing(value):
            raise click.UsageError(f"{parameter.human_readable_name} is missing")
        given = value if isinstance(value, (tuple, list)) else (value,)
        if isinstance(parameter.type, (click.Path, click.File)):
            continue
        if any(isinstance(each, str) and PLACEHOLDER.search(each) for each in given):
            continue
        if isinstance(value, (str, tuple, list)):
            parameter.type_cast_value(context, value)
