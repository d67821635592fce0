"""Loads and validates a rule book from its TOML file."""

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from receipts.model.plain_file import read_plain_file
from receipts.rulebook.errors import KeyPath, RuleBookError, Violation
from receipts.rulebook.schema import LocalizedName, Province, RuleBook, WordList
from receipts.rulebook.schema_errors import EXAMPLE, schema_violation
from receipts.rulebook.text_rules import text_violations
from receipts.rulebook.validation import validate

#: The default rule book.
SHIPPED = Path(__file__).with_name("rulebook.toml")

#: A book of all provinces has a fifth of it.
MAX_BOOK_BYTES = 500_000

T = TypeVar("T")

# The parser takes half a minute for a key of 20,000 parts.
_LONG_KEY = re.compile(
    r"""(?:(?:"[^"\n]{0,60}"|'[^'\n]{0,60}'|[^\s.="']{1,60})[ \t]*\.[ \t]*){20}"""
)
_SYNTAX_LINE = re.compile(r"line (\d+)")


def load_rule_book(path: Path | None) -> RuleBook:
    """Rule book of a file, by default the shipped one. Raises: RuleBookError."""
    file = path or SHIPPED
    return _checked(file, lambda: read_plain_file(file, MAX_BOOK_BYTES))


def parse_rule_book(data: bytes, name: str) -> RuleBook:
    """Rule book of a file's contents; errors call it ``name``. Raises: RuleBookError."""
    return _checked(Path(name), lambda: data)


def _checked(file: Path, read: Callable[[], bytes]) -> RuleBook:
    try:
        return _load(file, read)
    except RuleBookError:
        raise
    except Exception as error:
        # Such as an integer with more digits than Python prints.
        problem = f"cannot be checked: {type(error).__name__}"
        violation = Violation((), problem, "undo the last change of the file")
        raise RuleBookError(file, "", [violation]) from error


def _load(file: Path, read: Callable[[], bytes]) -> RuleBook:
    text, raw = _read(file, read)
    found = list(text_violations(raw))
    # Of a text with forbidden characters, other parts of the checker would quote them.
    book = _build(raw, found) if not found else None
    found += validate(book) if book else []
    if book is None or found:
        raise RuleBookError(file, text, found)
    return book


def _read(file: Path, read: Callable[[], bytes]) -> tuple[str, dict[str, Any]]:
    try:
        text = read().decode("utf-8-sig")
        if not _LONG_KEY.search(text):
            return text, tomllib.loads(text)
        problem, fix = "has a key of more than 20 parts", "remove the key"
    except OSError as error:
        problem, fix = f"cannot be read: {error.strerror}", "check the path and its permissions"
    except tomllib.TOMLDecodeError as error:
        problem, fix = f"is not TOML: {error}", "correct the line: key = value, with text in quotes"
    except UnicodeDecodeError:
        problem, fix = "is not UTF-8", "save it as UTF-8"
    except RecursionError:
        problem, fix = "is nested too deep", "remove the arrays and tables inside of others"
    except Exception as error:  # noqa: BLE001 - such as an integer of 5,000 digits, or no memory
        problem, fix = f"cannot be read: {type(error).__name__}", "correct or remove the value"
    line = _SYNTAX_LINE.search(problem)
    raise RuleBookError(file, "", [Violation((), problem, fix, int(line[1]) if line else None)])


def _build(raw: dict[str, Any], found: list[Violation]) -> RuleBook | None:
    """Typed book; None with a violation for each part that does not match the schema."""
    tables = {name: raw.get(name, {}) for name in ("names", "provinces")}
    for name, table in tables.items():
        if not isinstance(table, dict) or not table:
            found.append(Violation((name,), "is missing or not a table", f"add [{name}]"))
    if found:
        return None
    if "phrases" not in raw:
        # A customer in any province can leave in their own words.
        raw = raw | {"phrases": tomllib.loads(SHIPPED.read_text(encoding="utf-8"))["phrases"]}
    names = {
        code: _convert(given, LocalizedName, ("names", code), found)
        for code, given in tables["names"].items()
    }
    provinces = {
        code: _province(code, _limited(given, raw), names, found)
        for code, given in tables["provinces"].items()
    }
    words = raw.get("words")
    lists = words.items() if isinstance(words, dict) else ()
    invalid = [_has_invalid_words(given, ("words", name), found) for name, given in lists]
    rest = raw | {"names": {}, "provinces": {}} | ({"words": {}} if any(invalid) else {})
    book = _convert(rest, RuleBook, (), found)
    return replace(book, names=names, provinces=provinces) if book and not found else None


def _limited(given: object, raw: Mapping[str, Any]) -> object:
    """Province table with its own limits completed from the general ones."""
    own, general = isinstance(given, dict) and given.get("limits"), raw.get("limits")
    if isinstance(given, dict) and isinstance(own, dict) and isinstance(general, dict):
        return given | {"limits": general | own}
    return given


def _province(
    code: str, given: object, named: Mapping[str, LocalizedName | None], found: list[Violation]
) -> Province | None:
    where, names = ("provinces", code), named.get(code)
    if code not in named:
        found.append(Violation(where, "has no name", f"add {code} to [names], in zh and en"))
    if not isinstance(given, dict):
        found.append(Violation(where, "is not a table", EXAMPLE))
    if names is None or not isinstance(given, dict):
        return None
    if _has_invalid_words(given.get("words"), (*where, "words"), found):
        return None
    return _convert(given | {"code": code, "names": names}, Province, where, found)


def _convert(given: object, kind: type[T], where: KeyPath, found: list[Violation]) -> T | None:
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        found.append(schema_violation(where, given, str(error)))
        return None


def _has_invalid_words(given: object, where: KeyPath, found: list[Violation]) -> bool:
    """Check each intent alone, because msgspec does not name the invalid key of a dict."""
    lists = given.items() if isinstance(given, dict) else ()
    return None in [_convert({key: words}, WordList, (*where, key), found) for key, words in lists]
