"""The last digits of a number decide what becomes of a text to it; the table is `fates.toml`."""

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """One report: so many seconds after the text was taken, this status."""

    after: float
    status: str
    error_code: str = ""


@dataclass(frozen=True)
class Fate:
    """What the network will say about a text, and when."""

    tail: str
    name: str
    zh: str
    en: str
    steps: tuple[Step, ...]
    twice: bool = False

    @property
    def arrives(self) -> bool:
        """Tell whether the text reaches the phone: it does so also when nobody reports it."""
        return not self.steps or any(step.status == "delivered" for step in self.steps)


class Fates:
    """Finds the fate of a number; without a telling tail it is the ordinary one."""

    def __init__(self) -> None:
        table = tomllib.loads(Path(__file__).with_name("fates.toml").read_text("utf-8"))["fate"]
        self.table = tuple(_fate(row) for row in table)
        self._by_tail = {fate.tail: fate for fate in self.table}

    def of(self, number: str) -> Fate:
        """Return what becomes of a text to this number."""
        return self._by_tail.get(number[-4:], self.ordinary)

    @property
    def ordinary(self) -> Fate:
        """Return the fate of a text to a phone that is on and reachable."""
        return self._by_tail[""]

    @property
    def switched_off(self) -> Fate:
        """Return the fate of a text to a phone that is off, whatever its number."""
        return self._by_tail["0001"]


def _fate(row: dict[str, object]) -> Fate:
    steps = row["steps"]
    if not isinstance(steps, list):
        raise TypeError("fates.toml: steps must be a list")
    return Fate(
        tail=str(row["tail"]),
        name=str(row["name"]),
        zh=str(row["zh"]),
        en=str(row["en"]),
        steps=tuple(Step(s[0], s[1], str(s[2]) if len(s) > 2 else "") for s in steps),  # noqa: PLR2004
        twice=bool(row.get("twice", False)),
    )
