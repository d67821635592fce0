"""The printable page of `customers export`, in Chinese and English."""

import datetime as dt
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment

from receipts.model.calendar import SHANGHAI
from receipts.model.vocabulary import Language
from receipts.rulebook.schema import Retention
from receipts.wording.catalogue import Catalogue

_Row = Mapping[str, Any]
_Labels = Mapping[str, Sequence[str]]

#: Sections in the order of the page; each is a key of the exported data.
SECTIONS = (
    *("subscription", "receipts", "charges", "consent", "texts", "calls", "record", "login"),
    *("credentials", "replies", "timers", "lookups"),
)
_KEPT = ("kept.texts", "kept.ledger", "kept.left", "kept.others")
_HERE = files("app.exports")


def printable_page(data: Mapping[str, Any], at: str, retention: Retention) -> str:
    """The data of one person as an HTML page."""
    texts = Catalogue(Path(str(_HERE.joinpath("texts.toml"))))
    periods = {name: getattr(retention, name) for name in retention.__struct_fields__}

    def both(key: str, **params: object) -> list[str]:
        return [texts.render(key, language, **params) for language in Language]

    template = Environment(autoescape=True).from_string(
        _HERE.joinpath("personal_page.html").read_text()
    )
    labels = field_labels()
    return template.render(
        title=both("title", number=data["number"]),
        collected=both("collected", at=at),
        empty=both("empty"),
        sections=[_section(both(f"section.{name}"), data[name], labels) for name in SECTIONS],
        retention=both("retention"),
        kept=[both(key, **periods) for key in _KEPT],
    )


def field_labels() -> dict[str, list[str]]:
    """The Chinese and the English label of each exported field, by its name."""
    return tomllib.loads(_HERE.joinpath("labels.toml").read_text(encoding="utf-8"))


def _section(
    title: Sequence[str], value: Sequence[_Row] | _Row | None, labels: _Labels
) -> dict[str, object]:
    """A title with the records below it: each is a list of labels with values."""
    rows = [value] if isinstance(value, Mapping) else value or []
    count = len(rows) if rows is value else 0
    return {"title": title, "count": count, "records": [_fields(row, labels) for row in rows]}


def _fields(row: _Row, labels: _Labels) -> list[tuple[Sequence[str], str]]:
    plain = ((name, _shown(value, labels)) for name, value in row.items())
    return [(labels.get(name, (name, "")), value) for name, value in plain if value]


def _shown(value: object, labels: _Labels) -> str:
    """A value as people read it: times in China, lists by line."""
    if isinstance(value, Mapping):
        parts = ((str(name), _shown(each, labels)) for name, each in value.items())
        return "  ".join(f"{labels.get(name, (name,))[0]} {text}" for name, text in parts if text)
    if isinstance(value, list | tuple):
        ends = "\n" if any(isinstance(each, Mapping | list | tuple) for each in value) else "  "
        return ends.join(filter(None, (_shown(each, labels) for each in value)))
    if isinstance(value, str) and "T" in value:
        with suppress(ValueError):
            return f"{dt.datetime.fromisoformat(value).astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
    return "" if value is None else str(value)
