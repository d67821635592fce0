"""The colours of all pages have the contrast of WCAG 2.2 AA in both colour schemes."""

import re
from pathlib import Path

import pytest

import web

CSS = Path(web.__file__).with_name("static") / "base.css"

#: Colours of text and the colours behind them.
TEXT = {
    "ink": ("paper", "ground", "accent-tint", "bad-tint", "warn-tint"),
    "soft": ("paper", "ground", "quiet-tint"),
    "accent": ("paper", "ground", "accent-tint", "bad-tint", "warn-tint"),
    "on-accent": ("accent", "accent-strong"),
    "good": ("good-tint",),
    "warn": ("warn-tint",),
    "bad": ("bad-tint", "paper"),
}

#: Edges of fields, and the ring around the one with the focus.
EDGES = {"edge": ("paper", "ground"), "accent": ("paper", "ground")}


def colours(scheme: str) -> dict[str, str]:
    text = CSS.read_text(encoding="utf-8")
    light, _, rest = text.partition("@media (prefers-color-scheme: dark)")
    block = light if scheme == "light" else rest.partition("\n}")[0]
    return dict(re.findall(r"--([a-z-]+): #([0-9a-f]{3,6});", block))


def luminance(colour: str) -> float:
    full = colour if len(colour) == 6 else "".join(2 * digit for digit in colour)
    parts = [int(full[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXT, 4.5), (EDGES, 3.0)])
def test_colours_have_enough_contrast(scheme: str, pairs: dict[str, tuple[str, ...]], least: float):
    found = colours(scheme)
    measured = {
        (front, behind): contrast(found[front], found[behind])
        for front, all_behind in pairs.items()
        for behind in all_behind
    }
    assert {pair: ratio for pair, ratio in measured.items() if ratio < least} == {}


def test_both_schemes_name_the_same_colours():
    assert colours("light").keys() == colours("dark").keys()
