"""The documents of the repository: their blocks of code, inline code, links and headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[3]
_DEPLOY = ROOT / "deploy"
_TREE = [path for folder in ("docs", "deploy") for path in (ROOT / folder).rglob("*")]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(path for path in _TREE if path.suffix == ".md"),
    ]
)
#: Files of configuration that a person copies.
CONFIGURATIONS = sorted(
    [
        *(ROOT / "ngrok.yml", ROOT / ".env.example"),
        *(
            path
            for path in _TREE
            if path.is_file()
            and path.suffix != ".md"
            and (_DEPLOY in path.parents or ".example" in path.name)
        ),
    ]
)


@dataclass(frozen=True)
class Block:
    """A fenced block: the kind behind its fence, and its first line in the page."""

    page: Path
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{name(self.page)}:{self.line} {self.kind}"


@dataclass(frozen=True)
class Link:
    """A link or a picture: the file and the heading that it leads to."""

    file: str
    anchor: str


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text())


def blocks() -> list[Block]:
    """All fenced blocks of all pages."""
    return [
        Block(page, (token.map or [0])[0] + 1, token.info.strip(), token.content)
        for page in PAGES
        for token in _tokens(page)
        if token.type in {"fence", "code_block"}
    ]


def _inline(page: Path) -> Iterator[Token]:
    for token in _tokens(page):
        yield from token.children or ()


def inline_code(page: Path) -> list[str]:
    """Each piece of inline code, once."""
    found = (" ".join(t.content.split()) for t in _inline(page) if t.type == "code_inline")
    return list(dict.fromkeys(found))


def links(page: Path) -> list[Link]:
    """Links and pictures within the repository."""
    targets = [
        str(token.attrGet("href") or token.attrGet("src") or "")
        for token in _inline(page)
        if token.type in {"link_open", "image"}
    ]
    parts = (to.partition("#") for to in targets if not re.match(r"[a-z]+:", to))
    return [Link(file, anchor) for file, _, anchor in parts]


@cache
def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    tokens = _tokens(page)
    headings = (tokens[i + 1] for i, token in enumerate(tokens) if token.type == "heading_open")
    texts = ("".join(each.content for each in token.children or ()) for token in headings)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts}
