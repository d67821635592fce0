"""Documents stay short, their links lead somewhere, their records are numbered."""

import re
from pathlib import Path

import pytest

from tests.rules.documents.pages import PAGES, ROOT, anchors, links, name

DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))

#: Code and quotations; words in them are names.
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
_PRIVATE_WORDS = re.compile(
    r"\b(?:mends?|mended|nobody|goes on|rung|does not fit|doors?|stays shut)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=name)
def test_links_of_a_page_lead_to_files_and_headings(page: Path) -> None:
    missing = []
    for link in links(page):
        target = page.parent / link.file if link.file else page
        if not target.exists() or (link.anchor and link.anchor not in anchors(target)):
            missing.append(link)
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name)
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
