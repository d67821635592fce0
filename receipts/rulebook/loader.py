"""Loads and validates a rule book from its TOML file."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from receipts.model.message import FailureCause, MessageStatus
from receipts.model.vocabulary import Channel, Intent, Language
from receipts.rulebook.errors import KeyPath, RuleBookError, Violation
from receipts.rulebook.schema import (
    CancellationEffect,
    LocalizedName,
    PhraseRole,
    Province,
    RuleBook,
    WordList,
)
from receipts.rulebook.validation import validate

#: The default rule book.
SHIPPED = Path(__file__).with_name("rulebook.toml")

T = TypeVar("T")

_SYNTAX_LINE = re.compile(r"line (\d+)")
# msgspec's paths: "... - at `$.tariffs[0].monthly_fen`", "... - at `key` in `$.words`".
_PATH = re.compile(r" - at (?:`key` in )?`\$([^`]*)`$")
_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]")
_FIELD = re.compile(r"(missing required|unknown) field `([^`]+)`")

_FORM = "write it as the shipped rule book does"
_FEN = "write whole fen from 0 to 300, 300 being 3 yuan"
_SECONDS = "give at least one whole number of seconds"
_FIXES = {
    "doors": "use " + ", ".join(Channel),
    "languages": "use " + ", ".join(Language),
    "greeting": "use " + ", ".join(sorted(Language)),
    "words": "use one of " + ", ".join(Intent) + ', each with a list such as ["KT"]',
    "phrases": "use zh or en, each with " + ", ".join(PhraseRole) + ' and a list such as ["取消"]',
    "cancel_takes_effect": "use " + " or ".join(CancellationEffect),
    "from": "write a day such as 2026-12-01, without quotes",
    "monthly_fen": _FEN,
    "per_receipt_fen": _FEN,
    "delays_seconds": _SECONDS,
    "look_after_seconds": _SECONDS,
    "trial_days": "give 0 to 366 days",
    "zh": "write one line of at most 30 characters, or the message never fits a receipt",
    "en": "write one line of at most 80 plain characters, or the message never fits a receipt",
    "until": "write a day such as 2026-12-31, without quotes",
    "kind": "use news, public_interest or advertising",
    "digest_seconds": "write whole seconds from 0 (off) to 60",
    "families": "write two capitals = one of " + ", ".join(MessageStatus),
    "causes": "write the code in quotes = one of " + ", ".join(FailureCause),
    "audit_months": "keep at least the 5 months in which orders are disputed",
}


def load_rule_book(path: Path | None) -> RuleBook:
    """Rule book of a file, by default the shipped one. Raises: RuleBookError."""
    file = path or SHIPPED
    text, raw = _read(file)
    found: list[Violation] = []
    book = _build(raw, found)
    found += validate(book) if book else []
    if book is None or found:
        raise RuleBookError(file, text, found)
    return book


def _read(file: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
        return text, tomllib.loads(text)
    except OSError as error:
        problem, fix = f"cannot be read: {error.strerror}", "check the path and its rights"
    except tomllib.TOMLDecodeError as error:
        problem, fix = f"is not TOML: {error}", "correct the line: key = value, texts in quotes"
    except UnicodeDecodeError:
        problem, fix = "is not UTF-8", "save it as UTF-8"
    line = _SYNTAX_LINE.search(problem)
    raise RuleBookError(file, "", [Violation((), problem, fix, int(line[1]) if line else None)])


def _build(raw: dict[str, Any], found: list[Violation]) -> RuleBook | None:
    """Typed book; None with a violation for each part that does not match the schema."""
    tables = {name: raw.get(name, {}) for name in ("names", "provinces")}
    for name, table in tables.items():
        if not isinstance(table, dict) or not table:
            found.append(Violation((name,), "is missing or is no table", f"add [{name}]"))
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
        found.append(Violation(where, "is no table", _FORM))
    if names is None or not isinstance(given, dict):
        return None
    if _has_invalid_words(given.get("words"), (*where, "words"), found):
        return None
    return _convert(given | {"code": code, "names": names}, Province, where, found)


def _convert(given: object, kind: type[T], where: KeyPath, found: list[Violation]) -> T | None:
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        found.append(_violation(where, str(error)))
        return None


def _has_invalid_words(given: object, where: KeyPath, found: list[Violation]) -> bool:
    """Check each intent alone, because msgspec does not name the invalid key of a dict."""
    lists = given.items() if isinstance(given, dict) else ()
    return None in [_convert({key: words}, WordList, (*where, key), found) for key, words in lists]


def _violation(where: KeyPath, error_text: str) -> Violation:
    """Violation from msgspec's message, with its path and a fix."""
    if location := _PATH.search(error_text):
        error_text = error_text[: location.start()]
        where += tuple(name or int(index) for name, index in _STEP.findall(location[1]))
    if field := _FIELD.search(error_text):
        if field[1] == "unknown":
            return Violation((*where, field[2]), error_text, "remove it or correct its spelling")
        return Violation(where, error_text, f"add {field[2]} = ...")
    fix = next((_FIXES[step] for step in reversed(where) if step in _FIXES), _FORM)
    return Violation(where, error_text, fix)
