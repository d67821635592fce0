"""Each field of an export survives reading back, whichever line ends its text and its rows have."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.exports.json_text import json_text
from app.exports.monthly import write_csv
from receipts.bulk_import.rejects import RejectFile

COLUMNS = ("number", "id", "why", "at")
STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "'")
CELLS = st.text(st.characters(), max_size=30) | st.lists(
    st.sampled_from([*STARTS, "\r\n", "\0", '"', ",", ";", "a", "1", "\ud800", "\u2028", "\x85"]),
    max_size=8,
).map("".join)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), max_size=5)


def storable(text: str) -> str:
    return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)


def without_escape(text: str) -> str:
    """The text of a cell, without the one apostrophe and the formula that keep it a text."""
    if text.startswith('="') and text.endswith('"'):
        return text[2:-1].replace('""', '"')
    return text[1:] if text.startswith("'") and text[1:].startswith(STARTS) else text


def written(rows: list[tuple[str, ...]], *, is_excel: bool) -> str:
    out = io.StringIO(newline="")
    write_csv(
        out, COLUMNS, [dict(zip(COLUMNS, row, strict=True)) for row in rows], is_excel=is_excel
    )
    return out.getvalue()


def row_ends(text: str, given_end: str, end: str) -> str:
    """The file with other ends of its rows; the line ends within quotes stay."""
    quoted = text.split('"')
    quoted[::2] = [part.replace(given_end, end) for part in quoted[::2]]
    return '"'.join(quoted)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"], ids=["CR", "LF", "CRLF"])
@pytest.mark.parametrize("is_excel", [False, True], ids=["csv", "excel"])
@given(rows=ROWS)
@example(rows=[("+8613802880000", "hello\r=HYPERLINK(1)", "\r=1+1\n@a\r\n-b", "x\ry")])
def test_every_field_survives_reading_back(
    rows: list[tuple[str, ...]],
    is_excel: bool,  # noqa: FBT001 - a parameter of the test
    end: str,
):
    text = row_ends(written(rows, is_excel=is_excel), "\r\n" if is_excel else "\n", end)
    header, *read = csv.reader(io.StringIO(text, newline=""))
    assert tuple(header) == COLUMNS
    found = [tuple(map(without_escape, row)) for row in read]
    assert found == [tuple(map(storable, row)) for row in rows]
    text.encode()


@pytest.mark.parametrize("is_excel", [False, True], ids=["csv", "excel"])
@given(rows=ROWS)
def test_no_cell_and_no_row_is_a_formula(
    rows: list[tuple[str, ...]],
    is_excel: bool,  # noqa: FBT001 - a parameter of the test
):
    text = written(rows, is_excel=is_excel)
    for row in csv.reader(io.StringIO(text, newline="")):
        for name, cell in zip(COLUMNS, row, strict=True):
            is_number = name == "number" and cell[1:].isdigit() and cell.startswith("+")
            is_text_formula = is_excel and cell.startswith('="') and cell.endswith('"')
            assert is_number or is_text_formula or not cell.startswith(STARTS[:-1]), cell
    # Outside of quotes the only line ends are those of the rows.
    bare = "".join(text.split('"')[::2])
    ends = bare.count("\r\n" if is_excel else "\n")
    assert ends == len(rows) + 1
    assert bare.count("\r") == (ends if is_excel else 0)


@given(text=st.text(st.characters(), max_size=50))
def test_json_line_is_exact_one_line_and_utf_8(text: str):
    line = json_text({"why": text})
    assert json.loads(line.encode()) == {"why": text}
    assert "\n" not in line
    assert "\r" not in line


def test_reject_file_has_one_line_for_each_refused_line(tmp_path: Path):
    rejects = RejectFile(tmp_path / "list.csv")
    rejects.add([(1, "'a\rb\nc\r\n=d\u2028e\x85f\x1b[2J\ud800' is no number"), (2, "b")], 0)
    lines = rejects.path.read_bytes().decode().splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"{tmp_path}/list.csv:") for line in lines)
