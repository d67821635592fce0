"""A flame graph: how wide a call is drawn is how often it was seen at work."""

import html
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

_WIDTH, _ROW, _MARGIN, _HEAD = 1200, 17, 10, 44

#: A call narrower than this, in pixels, is left out: nobody could see it.
_NARROWEST = 0.6

#: Pixels a letter of a label takes.
_LETTER = 6.2

#: Whose code a call is, by what its place in the file system says; ours is the last.
_COLOURS = (("(redis", "#e2c48a"), ("(granian", "#b9c4d6"), ("(flask", "#b9d6c4"))
_OTHERS, _OURS = "#e8dcc8", "#f0a868"
_ROOMS = (
    "app/",
    "callbacks/",
    "commands/",
    "ivr/",
    "keywords/",
    "receipts/",
    "statemachines/",
    "web/",
)


@dataclass
class Call:
    """One call in its place of the stack, and what it called."""

    seen: int = 0
    calls: dict[str, Self] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """How many calls lie upon each other, this one included."""
        return 1 + max((each.depth for each in self.calls.values()), default=0)


def stacks(lines: Iterable[str]) -> Call:
    """What a profiler saw: ``first;second;third 12`` a line, outermost call first."""
    whole = Call()
    for line in lines:
        stack, _, times = line.rpartition(" ")
        if not times.isdigit():
            continue
        whole.seen += int(times)
        at = whole
        for name in stack.split(";"):
            at = at.calls.setdefault(name, Call())
            at.seen += int(times)
    return whole


def busy(whole: Call, calls: str) -> Call:
    """Only what lies under a call of this name, put together from wherever it was called."""
    found = Call()
    for name, call in whole.calls.items():
        inner = call if name.startswith(calls) else busy(call, calls)
        _add(found, inner)
    return found


def _add(to: Call, call: Call) -> None:
    to.seen += call.seen
    for name, inner in call.calls.items():
        _add(to.calls.setdefault(name, Call()), inner)


def drawn(title: str, whole: Call) -> str:
    """The picture, as SVG: the outermost call on top, each tells its share when pointed at."""
    height = _HEAD + whole.depth * _ROW + _MARGIN
    boxes = "\n".join(_boxes(whole, whole.seen or 1, _MARGIN, 0))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
        f' width="{_WIDTH}" height="{height}" font-family="sans-serif" font-size="11">\n'
        f'<rect width="{_WIDTH}" height="{height}" fill="#fdfcfa"/>\n'
        f'<text x="{_MARGIN}" y="26" font-size="16">{html.escape(title)}</text>\n'
        f"{boxes}\n</svg>\n"
    )


def _boxes(call: Call, all_seen: int, left: float, level: int) -> Iterator[str]:
    for name, inner in sorted(call.calls.items()):
        width = (_WIDTH - 2 * _MARGIN) * inner.seen / all_seen
        if width >= _NARROWEST:
            yield _box(name, inner.seen / all_seen, left, level, width)
            yield from _boxes(inner, all_seen, left, level + 1)
        left += width


def _box(name: str, share: float, left: float, level: int, width: float) -> str:
    letters = int((width - 6) / _LETTER)
    label = name if len(name) <= letters else name[: letters - 1] + "…" if letters > 3 else ""
    top = _HEAD + level * _ROW
    return (
        f"<g><title>{html.escape(name)}: {share:.1%}</title>"
        f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_ROW - 1}"'
        f' fill="{_colour(name)}" rx="1"/>'
        f'<text x="{left + 3:.1f}" y="{top + 12}">{html.escape(label)}</text></g>'
    )


def _colour(name: str) -> str:
    if any(room in name for room in _ROOMS):
        return _OURS
    return next((colour for mark, colour in _COLOURS if mark in name), _OTHERS)
