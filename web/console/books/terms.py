"""Fields and values of a rule book in a reader's language."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from receipts.model.vocabulary import Language
from receipts.rulebook.changes import FieldValue
from receipts.rulebook.schema import RuleBook
from receipts.wording.catalogue import Catalogue

#: Lists of names, by field: a translated key for each value.
_CODED = {"doors": "channel", "languages": "language", "greeting": "language", "kind": "kind"}
#: Units of numbers, by the end of the field's name.
_UNITS = ("hours", "days", "months", "seconds", "percent")
#: Tables of tables, whose second key names a group of keywords or phrases.
_BY_LIST = frozenset({"words", "phrases"})
_SEPARATOR = {Language.ZH: "、", Language.EN: ", "}


@dataclass(frozen=True, slots=True)
class BookTerms:
    """Wording of the fields of one rule book."""

    catalogue: Catalogue
    language: Language
    book: RuleBook

    def text(self, key: str, **params: object) -> str:
        """A term of the catalogue; the last part of its key for a field without words."""
        if f"rules.{key}" not in self.catalogue:
            return key.rpartition(".")[2]
        return self.catalogue.render(f"rules.{key}", self.language, **params)

    def province(self, code: str) -> str:
        """The name of a province with its code."""
        return f"{self.book.name(code, self.language)} {code}"

    def listed(self, values: tuple[str, ...]) -> str:
        """Values in one line."""
        return _SEPARATOR[self.language].join(values)

    def label(self, path: tuple[str, ...]) -> str:
        """A field with its group: ``Tariff GD-2 · Monthly fee``."""
        group, name = path[0], path[-1]
        if len(path) == 1:
            return self.text(f"field.{name}")
        if group == "reports":
            return self.text(f"group.{path[1]}", name=name)
        if group in _BY_LIST:
            first = f"group.{group}_{path[1]}" if len(path) > 2 else f"group.{group}"  # noqa: PLR2004
            return f"{self.text(first)} · {self._of_list(group, name)}"
        first = self.text(f"group.{group}", name=path[1])
        second = f"language.{name}" if group == "names" else f"field.{name}"
        return f"{first} · {self.text(second)}"

    def _of_list(self, group: str, name: str) -> str:
        return self.text(f"intent.{name}" if group == "words" else f"role.{name}")

    def value(self, path: tuple[str, ...], value: FieldValue) -> str:
        """A field's value; empty for a field that the book has not."""
        name = path[-1]
        if value is None:
            return ""
        if isinstance(value, bool):
            return self.text("value.yes" if value else "value.no")
        if isinstance(value, tuple):
            return self._list(name, value)
        if isinstance(value, int):
            return self._number(name, value)
        return self._coded(path, value)

    def _list(self, name: str, values: tuple[str, ...]) -> str:
        if name == "provinces":
            names = (self.book.name(code, self.language) for code in values)
            return self.listed(tuple(names)) or self.text("value.all")
        if coded := _CODED.get(name):
            values = tuple(self.text(f"{coded}.{each}") for each in values)
        return self.listed(values) or self.text("value.none")

    def _number(self, name: str, value: int) -> str:
        if name.endswith("_fen"):
            return self.text("value.yuan", amount=f"{value // 100}.{value % 100:02}")
        unit = next((each for each in _UNITS if name.endswith(f"_{each}")), "")
        return self.text(f"value.{unit}", number=value) if unit else f"{value:,}"

    def _coded(self, path: tuple[str, ...], value: str) -> str:
        finders: Mapping[str, Callable[[], str]] = {
            "kind": lambda: self.text(f"kind.{value}"),
            "cancel_takes_effect": lambda: self.text(f"effect.{value}"),
        }
        if path[0] == "reports":
            return self.text(f"status.{value}")
        return finders[path[-1]]() if path[-1] in finders else value
