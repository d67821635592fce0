"""The printable page of `customers export`, in Chinese and English."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment

from receipts.model.vocabulary import Language
from receipts.rulebook.schema import Retention
from receipts.wording.catalogue import Catalogue

_Row = Mapping[str, Any]

#: Sections in the order of the page; each is a key of the exported data.
SECTIONS = (
    *("subscription", "record", "receipts", "charges", "consent", "texts", "calls", "login"),
    *("credentials", "replies", "timers", "lookups"),
)
_KEPT = ("kept.texts", "kept.ledger", "kept.left", "kept.others")


def printable_page(data: Mapping[str, Any], at: str, retention: Retention) -> str:
    """The data of one person as an HTML page."""
    here = files("commands.privacy")
    texts = Catalogue(Path(str(here.joinpath("texts.toml"))))
    periods = {name: getattr(retention, name) for name in retention.__struct_fields__}

    def both(key: str, **params: object) -> list[str]:
        return [texts.render(key, language, **params) for language in Language]

    template = Environment(autoescape=True).from_string(here.joinpath("page.html").read_text())
    return template.render(
        languages=["zh-CN"],
        title=both("title", number=data["number"]),
        collected=both("collected", at=at),
        empty=both("empty"),
        sections=[_section(both(f"section.{name}"), data[name]) for name in SECTIONS],
        kept=[both(key, **periods) for key in _KEPT],
    )


def _section(title: Sequence[str], value: Sequence[_Row] | _Row | None) -> dict[str, object]:
    """A table: a list of records with the columns that any of them has, or one record's fields."""
    rows = [value] if isinstance(value, Mapping) else value or []
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return {"title": title, "columns": columns, "rows": [_plain(row) for row in rows]}


def _plain(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in row.items()}
