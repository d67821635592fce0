"""Rule books for tests: the shipped one with some values changed."""

import re
from collections.abc import Mapping
from pathlib import Path

from receipts.rulebook.loader import SHIPPED


def write_book(folder: Path, values: Mapping[str, str]) -> Path:
    """Write a rule book into a folder; return its path."""
    text = SHIPPED.read_text()
    for name, value in values.items():
        text, found = re.subn(rf"(?m)^{name} = [^#\n]*", f"{name} = {value}  ", text)
        assert found == 1, name
    book = folder / "rulebook.toml"
    book.write_text(text)
    return book
