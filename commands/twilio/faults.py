"""The faults that `twilio plan` looks for, as data, and findings of them."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files

import msgspec


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of fault: Twilio's codes, whether a first text fails, and how it is corrected."""

    code: str
    blocks: bool
    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of this account, or a resource that could not be read."""

    result: str
    code: str
    what: str
    fix: str


@dataclass(frozen=True, slots=True)
class Found:
    """A fault by its name in faults.toml, with the values of its sentences."""

    name: str
    values: dict[str, object] = field(default_factory=dict)

    def finding(self) -> Finding:
        """The fault in words."""
        fault = FAULTS[self.name]
        result = "block" if fault.blocks else "warn"
        texts = (each.format_map(self.values) for each in (fault.what, fault.fix))
        return Finding(result, fault.code, *texts)


#: A check yields faults; it raises UnreadableError where a resource cannot be read.
Faults = Iterator[Found]

FAULTS: dict[str, Fault] = msgspec.convert(
    tomllib.loads(files("commands.twilio").joinpath("faults.toml").read_text("utf-8")),
    dict[str, Fault],
)


def fault(name: str, **values: object) -> Found:
    """A fault of this account."""
    return Found(name, values)


def unreadable(resource: str, reason: str) -> Finding:
    """A resource of which nothing is known."""
    what = f"could not be read: {resource} ({reason})."
    return Finding("unread", "", what, "Try again, or look in the console. Nothing is known of it.")


def faults_page() -> str:
    """The table of docs/twilio.md."""
    lines = ["| code | stops? | fault | fix |", "|---|---|---|---|"]
    for each in FAULTS.values():
        cells = (each.code or "–", "yes" if each.blocks else "no", each.what, each.fix)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
