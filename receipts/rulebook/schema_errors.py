"""Sentences for values that do not match the schema, in place of msgspec's messages."""

import re

from receipts.model.message import FailureCause, MessageStatus
from receipts.model.vocabulary import Channel, Intent, Language
from receipts.rulebook.errors import KeyPath, Violation
from receipts.rulebook.schema import CancellationEffect, PhraseRole

# msgspec's paths: "... - at `$.tariffs[0].monthly_fen`", "... - at `key` in `$.words`".
_PATH = re.compile(r" - at (?:`key` in )?`\$([^`]*)`$")
_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]")

#: The fix of a value for which the table below has none.
EXAMPLE = "write it as in the shipped rule book"
_FEN = "write a whole number of fen from 0 to 300"
_SECONDS = "write at least one whole number of seconds"
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
    "confirmation_hours": "write a whole number of hours from 1 to 720",
    "fresh_percent": "write a whole number from 1 to 99",
    "trial_days": "write a whole number of days from 0 to 366",
    "zh": "write one line of at most 30 characters, so that the message fits into a receipt",
    "en": "write one line of at most 80 plain characters, so that the message fits into a receipt",
    "until": "write a day such as 2026-12-31, without quotes",
    "kind": "use news, public_interest or advertising",
    "digest_seconds": "write whole seconds from 0 (off) to 60",
    "families": "write two capitals = one of " + ", ".join(MessageStatus),
    "causes": "write the code in quotes = one of " + ", ".join(FailureCause),
    "audit_months": "keep at least 5 months, in which customers may dispute a subscription",
}


#: Messages of msgspec 0.18 and later, and the sentence for each.
_SENTENCES = (
    (r"Expected `int` <= (?P<bound>\d+)", "{name} is {value}; the most is {bound}{unit}"),
    (r"Expected `int` >= (?P<bound>\d+)", "{name} is {value}; the least is {bound}{unit}"),
    (r"Expected `str` of length >= 1", "{name} is empty"),
    (r"Expected `array` of length >= 1", "{name} is an empty list"),
    (
        r"Expected `str` of length <= (?P<bound>\d+)",
        "{name} has {length} characters; the most is {bound}",
    ),
    (r"Expected `str` matching regex", "{name} has characters that are not allowed"),
    (r"Invalid enum value '(?P<given>.*)'", "“{given}” is not a known value"),
    (r"Expected `(?P<kind>\w+)`, got", "{name} is not {kind}"),
    (r"Invalid RFC3339 encoded date", "{name} is not a day"),
    (r"Object missing required field `(?P<field>[^`]+)`", "{field} is missing"),
    (r"Object contains unknown field `(?P<field>[^`]+)`", "{field} is not a known name"),
)
_SENTENCE_PATTERNS = tuple((re.compile(pattern), text) for pattern, text in _SENTENCES)
_KINDS = {
    "int": "a whole number",
    "str": "a text in quotes",
    "bool": "true or false",
    "date": "a day",
    "array": "a list",
    "object": "a table",
}
_UNITS = frozenset({"fen", "seconds", "hours", "days", "months", "percent"})


def schema_violation(where: KeyPath, given: object, message: str) -> Violation:
    """Violation from msgspec's message about a value at a path, with a fix."""
    steps: KeyPath = ()
    if location := _PATH.search(message):
        message = message[: location.start()]
        steps = tuple(name or int(index) for name, index in _STEP.findall(location[1]))
    where += steps
    name = next((step for step in reversed(where) if isinstance(step, str)), "the rule book")
    if steps and isinstance(steps[-1], int):
        name = f"a value of {name}"
    sentence, field = _sentence(name, _value(given, steps), message)
    if field and sentence.endswith("is missing"):
        return Violation(where, sentence, f"add {field} = ...")
    if field:
        return Violation((*where, field), sentence, "remove it or correct its spelling")
    fix = next((_FIXES[step] for step in reversed(where) if step in _FIXES), EXAMPLE)
    return Violation(where, sentence, fix)


def _sentence(name: str, value: object, message: str) -> tuple[str, str]:
    """The sentence for a message, and the field that it names; an unknown message as it is."""
    for pattern, text in _SENTENCE_PATTERNS:
        if found := pattern.match(message):
            parts = found.groupdict()
            filled = text.format(
                name=name,
                value=value,
                length=len(str(value)),
                unit=_unit(name, parts.get("bound", "")),
                **parts | {"kind": _KINDS.get(parts.get("kind", ""), "of the right kind")},
            )
            return filled, parts.get("field", "")
    return message, ""


def _unit(name: str, bound: str) -> str:
    """The unit that ends a name; an amount of money also in yuan."""
    unit = name.rpartition("_")[2]
    if unit not in _UNITS or not bound:
        return ""
    if unit == "fen":
        return f" fen ({int(bound) / 100:g} yuan)" if int(bound) else " fen"
    return f" {unit.removesuffix('s') if bound == '1' else unit}"


def _value(given: object, steps: KeyPath) -> object:
    """The value at a path of keys and indexes; of a value by its place, the value itself."""
    for step in steps:
        try:
            given = given[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return given
    return given
