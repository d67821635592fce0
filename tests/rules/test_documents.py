"""Documents stay short, their links lead somewhere, their records are numbered."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))

#: Code and quotations; words in them are names.
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
_PRIVATE_WORDS = re.compile(
    r"\b(?:mends?|mended|nobody|goes on|rung|does not fit|doors?|stays shut)\b",
    re.IGNORECASE,
)
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)[^)]*\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_to_files(page: Path) -> None:
    missing = [to for to in _LINK.findall(page.read_text()) if not (page.parent / to).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_has_plain_standard_words(page: Path) -> None:
    prose = _CODE.sub("", page.read_text())
    assert _PRIVATE_WORDS.findall(prose) == []


def test_promises_against_strangers_name_tests_that_exist() -> None:
    text = (ROOT / "docs" / "threats.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and "tested by" not in line]
    named = [re.findall(r"`(tests/[^`]+)`", row) for row in rows]
    assert rows
    assert all(named)
    assert [path for paths in named for path in paths if not (ROOT / path).is_file()] == []


def test_decisions_are_numbered_in_a_row() -> None:
    numbers = [int(record.name[:3]) for record in DECISIONS]
    assert numbers == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("record", DECISIONS, ids=lambda record: record.stem)
def test_decision_has_its_parts_within_forty_lines(record: Path) -> None:
    text = record.read_text()
    assert text.startswith(f"# {record.name[:3]} · ")
    for part in ("Status", "Context", "Decision", "Alternatives", "Consequences"):
        assert f"**{part}.**" in text, part
    assert len(text.splitlines()) <= 40


def test_readme_and_its_picture_stay_small() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 200
    assert (ROOT / "docs" / "phones.png").stat().st_size < 200_000
