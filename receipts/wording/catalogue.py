"""Sentences by key from a TOML file, each in every language and with the same facts."""

import string
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_REQUIRED = frozenset({"zh", "en"})
_SPOKEN_TOO = frozenset({"yue"})


class CatalogueError(Exception):
    """A file of sentences lacks a language, or its languages tell different facts."""


class Catalogue:
    """The sentences of one door; raises CatalogueWrong at loading, so that none is missing later.

    The file has a table a sentence, ``[offer.made]`` with ``zh = "…{price}…"`` and ``en``; it may
    add ``yue`` for what a hotline also says in Cantonese.
    """

    def __init__(self, path: Path) -> None:
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise CatalogueError(f"{path}: {error}") from error
        self._sentences: dict[str, Mapping[str, str]] = {}
        self._facts: dict[str, frozenset[str]] = {}
        for key, languages in _tables(raw, ""):
            try:
                self._facts[key] = _facts(languages)
            except ValueError as error:
                raise CatalogueError(f"{path}: [{key}] {error}") from error
            self._sentences[key] = {code: text.strip() for code, text in languages.items()}
        self._keys = frozenset(self._sentences)

    def render(self, key: str, language: str, /, **facts: object) -> str:
        """The sentence with its facts filled in. KeyError when the key or a fact is missing."""
        return self._sentences[key][language].format_map(facts)

    def params(self, key: str) -> frozenset[str]:
        """The names of the facts a sentence tells."""
        return self._facts[key]

    def keys(self) -> frozenset[str]:
        """All the keys."""
        return self._keys

    def languages(self, key: str) -> frozenset[str]:
        """The languages a sentence exists in: zh and en at least."""
        return frozenset(self._sentences[key])


def _tables(raw: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The tables that hold sentences, under dotted keys."""
    sentence = {key: value for key, value in raw.items() if not isinstance(value, dict)}
    if sentence:
        yield prefix.rstrip("."), sentence
    for key, value in raw.items():
        if isinstance(value, dict):
            yield from _tables(value, f"{prefix}{key}.")


def _facts(languages: Mapping[str, Any]) -> frozenset[str]:
    """The facts all the languages tell alike. Raises ValueError when they do not."""
    if missing := _REQUIRED - languages.keys():
        raise ValueError(f"lacks {', '.join(sorted(missing))}")
    if unknown := languages.keys() - _REQUIRED - _SPOKEN_TOO:
        raise ValueError(f"has {', '.join(sorted(unknown))}, which is no language")
    found = {code: _fields(text) for code, text in languages.items()}
    for code, expected in found.items():
        if expected != found["zh"]:
            odd = ", ".join(sorted(expected ^ found["zh"]))
            raise ValueError(f"tells other facts in {code} than in zh: {odd}")
    return found["zh"]


def _fields(text: object) -> frozenset[str]:
    if not isinstance(text, str) or not text.strip():
        raise ValueError("has a sentence that is empty or no text")
    names = set()
    for _, name, form, conversion in string.Formatter().parse(text):
        if name is None:
            continue
        # Plain names only: a dotted or indexed field could read attributes of what it is given.
        if not name.isidentifier() or form or conversion:
            raise ValueError(f"has {{{name}}}, which is no plain fact")
        names.add(name)
    return frozenset(names)
