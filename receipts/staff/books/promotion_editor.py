"""Edits of the operator's messages in a rule book's file, with its comments kept."""

import datetime as dt
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from receipts.rulebook.errors import RuleBookError, Violation
from receipts.rulebook.loader import parse_rule_book
from receipts.rulebook.schema import RuleBook

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

#: The mark of a version that the console made, and its number.
_EDITION = re.compile(r"\+[0-9]+\Z")


@dataclass(frozen=True, slots=True)
class PromotionDraft:
    """A message as typed into a form; days are ``YYYY-MM-DD``, no provinces are all."""

    name: str = ""
    kind: str = ""
    since: str = ""
    until: str = ""
    zh: str = ""
    en: str = ""
    provinces: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class EditedBook:
    """The contents of an edited file, and the rule book in it."""

    text: bytes
    book: RuleBook


def with_message(text: bytes, draft: PromotionDraft, edition: int) -> EditedBook:
    """The book with this message in place of the one of its name, else as a further one.

    Raises RuleBookError.
    """
    days = {"from": _day("from", draft.since), "until": _day("until", draft.until)}
    table: dict[str, Any] = {"name": draft.name, "kind": draft.kind}
    table |= {"provinces": list(draft.provinces)} if draft.provinces else {}
    table |= days | {"zh": draft.zh, "en": draft.en}

    def change(messages: list[Any]) -> None:
        found = next((each for each in messages if each.get("name") == draft.name), None)
        if found is None:
            messages.append(table)
            return
        for key in ("provinces", *table):
            if key not in table:
                found.pop(key, None)
            elif found.get(key) != table[key]:
                found[key] = table[key]

    return _edited(text, change, edition)


def without_days_after(text: bytes, name: str, day: dt.date, edition: int) -> EditedBook:
    """The book in which the message of this name ends on a day.

    A message that has not begun by then is removed. Raises RuleBookError.
    """

    def change(messages: list[Any]) -> None:
        for index, each in enumerate(messages):
            if each.get("name") == name and each["until"] > day:
                if each["from"] > day:
                    del messages[index]
                else:
                    each["until"] = day
                return
        raise _error("name", f"no message “{name}” runs after {day}", "choose one of the list")

    return _edited(text, change, edition)


def _edited(text: bytes, change: Callable[[list[Any]], None], edition: int) -> EditedBook:
    import tomlkit  # noqa: PLC0415 - 0.02 s that only an edit needs

    document = tomlkit.parse(text.decode("utf-8-sig"))
    expected: dict[str, Any] = tomllib.loads(text.decode("utf-8-sig"))
    if not expected.get("messages"):
        # Else a first message would stand within the table before it.
        document.pop("messages", None)
        document["messages"] = tomlkit.aot()
        expected["messages"] = []
    version = _EDITION.sub("", str(expected.get("version", ""))) + f"+{edition}"
    count = len(expected["messages"])
    for raw in (document, expected):
        change(raw["messages"])
        raw["version"] = version
    if len(expected["messages"]) > count and isinstance(document["messages"], tomlkit.items.AoT):
        document["messages"][-1].add(tomlkit.nl())
    return _checked(document, expected)


def _checked(document: "TOMLDocument", expected: dict[str, Any]) -> EditedBook:
    """The edited file, if its values are those expected. Raises RuleBookError."""
    text = document.as_string()
    if tomllib.loads(text) != expected:
        raise _error("", "the file cannot be edited here", "edit it in an editor, and upload it")
    return EditedBook(text.encode(), parse_rule_book(text.encode(), "messages"))


def _day(name: str, text: str) -> dt.date:
    try:
        if _DAY.fullmatch(text):
            return dt.date.fromisoformat(text)
    except ValueError:
        pass
    raise _error(name, "is not a day", "write a day such as 2026-12-31")


def _error(name: str, problem: str, fix: str) -> RuleBookError:
    where = ("messages", name) if name else ()
    return RuleBookError(Path("messages"), "", [Violation(where, problem, fix)])
