"""A rule book that breaks its parser is refused in words, and the old one stays in force."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receipts.rulebook.errors import RuleBookError
from receipts.rulebook.loader import SHIPPED, load_rule_book

GOOD = SHIPPED.read_text(encoding="utf-8")

BROKEN = {
    "arrays": f"x = {'[' * 20_000}{']' * 20_000}\n{GOOD}",
    "arrays without end": "x = " + "[" * 20_000,
    "tables": f"x = {'{a=' * 20_000}1{'}' * 20_000}\n{GOOD}",
    "dotted key": f"{'a.' * 20_000}b = 1\n{GOOD}",
    "dotted quoted key": "'a' . " * 20_000 + f"b = 1\n{GOOD}",
    "header": f"[{'a.' * 20_000}b]\n{GOOD}",
    "some arrays": f"x = {'[' * 200}{']' * 200}\n{GOOD}",
    "integer": f"x = {'1' * 5_000}\n{GOOD}",
    "hexadecimal": f"x = 0x{'f' * 50_000}\n{GOOD}",
    "float": f"x = 1e{'9' * 50}\n{GOOD}",
    "date": f"x = 9999-99-99\n{GOOD}",
    "no end": GOOD[: len(GOOD) // 2],
    "nothing": "",
    "zero": GOOD + "\0",
    "not UTF-8": b"\xff\xfe" + GOOD.encode(),
    "surrogate": f'x = "{chr(0xD800)}"\n{GOOD}'.encode("utf-8", "surrogatepass"),
    "too large": "#" * 600_000 + "\n" + GOOD,
}


def refused(file: Path) -> str:
    started = time.monotonic()
    with pytest.raises(RuleBookError) as error:
        load_rule_book(file)
    assert time.monotonic() - started < 5
    assert str(error.value).startswith(str(file))
    assert "Fix: " in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", BROKEN)
def test_book_that_breaks_the_parser_is_refused_with_a_fix(tmp_path: Path, name: str):
    file, text = tmp_path / "book.toml", BROKEN[name]
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert len(refused(file)) < 2_000


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (os.mkfifo, "not a plain file"),
        (lambda file: file.mkdir(), "directory"),
        (lambda file: file.symlink_to(file), "symbolic links"),
        (lambda file: file.symlink_to("/dev/zero"), "not a plain file"),
        (lambda file: file.symlink_to("/none"), "No such file"),
    ],
)
def test_no_plain_file_is_refused_at_once(tmp_path: Path, make: Callable[[Path], None], words: str):
    file = tmp_path / "book.toml"
    make(file)
    assert words in refused(file)


FORBIDDEN = [
    *("\b", "\x1b", "\x7f", "\x85", "\x9f", "\u200f", "\u202e", "\u2066", "\u2028", "\ufeff"),
    *("\ufffe", "\uffff", "\U0001ffff", "\t", "\n"),
]


@pytest.mark.parametrize("character", FORBIDDEN, ids=lambda each: f"U+{ord(each):04X}")
@pytest.mark.parametrize("old", ['en = "Guangdong"', 'version = "GD-1"', 'words.open = ["'])
def test_control_character_in_any_text_is_refused(tmp_path: Path, old: str, character: str):
    assert old in GOOD
    file = tmp_path / "book.toml"
    at = old.index('"') + 1
    text = GOOD.replace(old, f"{old[:at]}\\U{ord(character):08X}{old[at:]}", 1)
    file.write_text(text, encoding="utf-8")
    message = refused(file)
    assert f"U+{ord(character):04X}" in message
    assert character == "\n" or character not in message


def test_long_name_is_refused(tmp_path: Path):
    file = tmp_path / "book.toml"
    file.write_text(GOOD.replace('en = "Guangdong"', f'en = "{"G" * 41}"', 1), encoding="utf-8")
    assert "use at most 40" in refused(file)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, len(GOOD) - 1), put=st.binary(max_size=30), cut=st.integers(0, 2_000))
def test_damaged_book_is_loaded_or_refused(tmp_path: Path, at: int, put: bytes, cut: int):
    file = tmp_path / "book.toml"
    file.write_bytes(GOOD.encode()[:at] + put + GOOD.encode()[at + cut :])
    with suppress(RuleBookError):
        load_rule_book(file)
