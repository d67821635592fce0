"""Reads a rule book from its file; what comes out is right, or nothing comes out."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from receipts.model.vocabulary import Channel, Intent, Language
from receipts.rulebook.errors import RuleBookError, Step, Violation
from receipts.rulebook.schema import CancellationEffect, LocalizedName, Province, RuleBook, WordList
from receipts.rulebook.validation import validate

#: The book that comes with the product.
SHIPPED = Path(__file__).with_name("rulebook.toml")

T = TypeVar("T")

_SYNTAX_LINE = re.compile(r"line (\d+)")
# How msgspec says where: "... - at `$.tariffs[0].monthly_fen`", "... - at `key` in `$.words`".
_PLACE = re.compile(r" - at (?:`key` in )?`\$([^`]*)`$")
_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]")
_FIELD = re.compile(r"(missing required|unknown) field `([^`]+)`")

_FORM = "write it as the shipped rule book does"
_FEN = "write whole fen from 0 to 300, 300 being 3 yuan"
_SECONDS = "give at least one whole number of seconds"
_FIXES = {
    "doors": "use " + ", ".join(Channel),
    "languages": "use " + ", ".join(Language),
    "words": "use one of " + ", ".join(Intent) + ', each with a list such as ["KT"]',
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
    "audit_months": "keep at least the 5 months in which orders are disputed",
}


def load_rule_book(path: Path | None) -> RuleBook:
    """The rule book of a file, None being the shipped one. Raises RuleBookWrong."""
    file = path or SHIPPED
    text, raw = _read(file)
    faults: list[Violation] = []
    book = _build(raw, faults)
    if book is not None:
        faults += validate(book)
    if book is None or faults:
        raise RuleBookError(file, text, faults)
    return book


def _read(file: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
        return text, tomllib.loads(text)
    except OSError as error:
        fault = Violation((), f"cannot be read: {error.strerror}", "check the path and its rights")
    except tomllib.TOMLDecodeError as error:
        line = _SYNTAX_LINE.search(str(error))
        fix = "correct the line: key = value, texts in quotes"
        fault = Violation((), f"is not TOML: {error}", fix, int(line[1]) if line else None)
    except UnicodeDecodeError:
        fault = Violation((), "is not UTF-8", "save it as UTF-8")
    raise RuleBookError(file, "", [fault])


def _build(raw: dict[str, Any], faults: list[Violation]) -> RuleBook | None:
    """The book as typed values; None when a part does not fit, with every such part a fault."""
    tables = {name: raw.get(name, {}) for name in ("names", "provinces")}
    for name, table in tables.items():
        if not isinstance(table, dict) or not table:
            faults.append(Violation((name,), "is missing or is no table", f"add [{name}]"))
    if faults:
        return None
    names = {
        code: _convert(given, LocalizedName, ("names", code), faults)
        for code, given in tables["names"].items()
    }
    provinces = {
        code: _province(code, _limited(given, raw), names, faults)
        for code, given in tables["provinces"].items()
    }
    words = raw.get("words")
    lists = words.items() if isinstance(words, dict) else ()
    violations = [_words_wrong(given, ("words", name), faults) for name, given in lists]
    rest = raw | {"names": {}, "provinces": {}} | ({"words": {}} if any(violations) else {})
    book = _convert(rest, RuleBook, (), faults)
    if book is None or faults:
        return None
    return msgspec.structs.replace(book, names=names, provinces=provinces)


def _limited(given: object, raw: Mapping[str, Any]) -> object:
    """A province whose own limits are completed from those of all."""
    own, everywhere = given.get("limits") if isinstance(given, dict) else None, raw.get("limits")
    if not (isinstance(given, dict) and isinstance(own, dict) and isinstance(everywhere, dict)):
        return given
    return given | {"limits": everywhere | own}


def _province(
    code: str, given: object, named: Mapping[str, LocalizedName | None], faults: list[Violation]
) -> Province | None:
    where, names = ("provinces", code), named.get(code)
    if code not in named:
        faults.append(Violation(where, "has no name", f"add {code} to [names], in zh and en"))
    if not isinstance(given, dict):
        faults.append(Violation(where, "is no table", _FORM))
    if names is None or not isinstance(given, dict):
        return None
    if _words_wrong(given.get("words"), (*where, "words"), faults):
        return None
    return _convert(given | {"code": code, "names": names}, Province, where, faults)


def _convert(
    given: object, kind: type[T], where: tuple[Step, ...], faults: list[Violation]
) -> T | None:
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        faults.append(_fault(where, str(error)))
        return None


def _words_wrong(given: object, where: tuple[Step, ...], faults: list[Violation]) -> bool:
    """Look at each wish alone: of a whole table, msgspec does not say which key is wrong."""
    lists = given.items() if isinstance(given, dict) else ()
    read = [
        _convert({intent: words}, WordList, (*where, intent), faults) for intent, words in lists
    ]
    return None in read


def _fault(where: tuple[Step, ...], error_text: str) -> Violation:
    """What msgspec said, with its place as a path and a way to mend it."""
    if location := _PLACE.search(error_text):
        error_text = error_text[: location.start()]
        where += tuple(name or int(index) for name, index in _STEP.findall(location[1]))
    if field := _FIELD.search(error_text):
        if field[1] == "unknown":
            return Violation((*where, field[2]), error_text, "remove it or correct its spelling")
        return Violation(where, error_text, f"add {field[2]} = ...")
    fix = next((_FIXES[step] for step in reversed(where) if step in _FIXES), _FORM)
    return Violation(where, error_text, fix)
