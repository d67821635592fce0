"""Text catalogue from a TOML file: each key in all languages, with the same parameters."""

import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from receipts.wording.segments import segments

_LANGUAGES = frozenset({"zh", "en"})

_CLAUSE = re.compile(r"\[([^\[\]]*)\]")

#: Ends of the keys of short forms, the longer first.
_SHORT = (".short", ".shortest")


class CatalogueError(Exception):
    """A text lacks a language, or its languages have different parameters."""


class Catalogue:
    """Texts of one channel in one or more files, checked when loaded. Raises: CatalogueError.

    A table of a file is a text: ``[offer.made]`` with ``zh = "…{price}…"`` and ``en``. A clause
    in square brackets is left out where one of its parameters is empty, so that a text offers
    only what there is.
    """

    def __init__(self, *paths: Path) -> None:
        self._texts: dict[str, Mapping[str, str]] = {}
        for path in paths:
            self._load(path)

    def _load(self, path: Path) -> None:
        for key, texts in _read(path).items():
            if key in self._texts:
                raise CatalogueError(f"{path}: [{key}] is in another file of the catalogue too")
            self._texts[key] = texts

    def render(self, key: str, language: str, /, **params: object) -> str:
        """Text with its parameters filled in. Raises: KeyError if a key or parameter is missing."""
        text = self._texts[key][language]
        if "[" in text:
            text = _CLAUSE.sub(lambda clause: _if_filled(clause[1], params), text)
        return text.format_map(params)

    def template(self, key: str, language: str, /) -> str:
        """Text with its parameters in braces. Raises: KeyError for an unknown key."""
        return self._texts[key][language]

    def render_text(self, key: str, language: str, /, **params: object) -> str:
        """Text to send as an SMS: ``[key]``, or its longest short form that fits one segment."""
        forms = (each for each in (key, *(key + end for end in _SHORT)) if each in self._texts)
        for form in forms:
            text = self.render(form, language, **params)
            if segments(text) == 1:
                break
        return text

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)


@cache
def _read(path: Path) -> dict[str, Mapping[str, str]]:
    """The texts of a file, read once: catalogues share it, and it changes only with a release."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError(f"{path}: {error}") from error
    texts: dict[str, Mapping[str, str]] = {}
    for key, languages in _tables(raw, ""):
        try:
            _validate(languages)
        except ValueError as error:
            raise CatalogueError(f"{path}: [{key}] {error}") from error
        texts[key] = {code: text.strip() for code, text in languages.items()}
    return texts


def _if_filled(clause: str, params: Mapping[str, object]) -> str:
    return clause if all(params[name] for name in _params_of(clause)) else ""


def _tables(raw: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Tables that contain texts, under dotted keys."""
    sentence = {key: value for key, value in raw.items() if not isinstance(value, dict)}
    if sentence:
        yield prefix.rstrip("."), sentence
    for key, value in raw.items():
        if isinstance(value, dict):
            yield from _tables(value, f"{prefix}{key}.")


def _validate(languages: Mapping[str, Any]) -> None:
    """Check a text. Raises: ValueError if languages are wrong or their parameters differ."""
    if missing := _LANGUAGES - languages.keys():
        raise ValueError(f"lacks {', '.join(sorted(missing))}")
    if unknown := languages.keys() - _LANGUAGES:
        raise ValueError(f"has {', '.join(sorted(unknown))}, which is not a language")
    found = {code: _params_of(text) for code, text in languages.items()}
    for code, expected in found.items():
        if expected != found["zh"]:
            odd = ", ".join(sorted(expected ^ found["zh"]))
            raise ValueError(f"differs from zh in the parameters of {code}: {odd}")


def _params_of(text: object) -> frozenset[str]:
    if not isinstance(text, str) or not text.strip():
        raise ValueError("has a sentence that is empty or not a text")
    names = set()
    for _, name, form, conversion in string.Formatter().parse(text):
        if name is None:
            continue
        # Plain names only: a dotted or indexed field could read attributes of a parameter.
        if not name.isidentifier() or form or conversion:
            raise ValueError(f"has {{{name}}}, which is not a plain name")
        names.add(name)
    return frozenset(names)
