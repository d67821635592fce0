"""Valid and damaged CSV files."""

from pathlib import Path

import pytest

from receipts.bulk_import.csv_reader import LONGEST_LINE, CsvError, CsvFile, CsvLine
from receipts.bulk_import.rows import CUSTOMERS, PORTED, ImportFormat

HEADER = b"number,network\n"


def opened(tmp_path: Path, content: bytes, listing: ImportFormat = PORTED) -> CsvFile:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    return CsvFile(path, listing)


def lines(tmp_path: Path, content: bytes) -> list[CsvLine]:
    file = opened(tmp_path, content)
    return list(file.lines(file.begins, 1))


def test_lines_have_number_cells_and_end(tmp_path: Path):
    found = lines(tmp_path, HEADER + b"13802880000, cmcc \n\n13802880001,cucc")
    assert [(line.number, dict(line.cells)) for line in found] == [
        (2, {"number": "13802880000", "network": "cmcc"}),
        (4, {"number": "13802880001", "network": "cucc"}),
    ]
    assert found[-1].end == len(HEADER) + 20 + 16


def test_reading_resumes_at_any_line(tmp_path: Path):
    file = opened(tmp_path, HEADER + b"13802880000,cmcc\n13802880001,cucc\n13802880002,x\n")
    whole = list(file.lines(file.begins, 1))
    assert list(file.lines(whole[0].end, whole[0].number)) == whole[1:]


def test_column_order_and_case_are_free(tmp_path: Path):
    file = opened(tmp_path, b"Network,NUMBER\ncmcc,13802880000\n")
    assert next(file.lines(file.begins, 1)).cells["number"] == "13802880000"


def test_byte_order_mark_and_windows_line_endings_are_accepted(tmp_path: Path):
    found = lines(tmp_path, b"\xef\xbb\xbfnumber,network\r\n13802880000,cmcc\r\n\r\n")
    assert [dict(line.cells) for line in found] == [{"number": "13802880000", "network": "cmcc"}]


def test_quoted_fields_may_hold_commas_and_quotes(tmp_path: Path):
    found = lines(tmp_path, HEADER + b'"13802880000","c,m""cc"\n')
    assert found[0].cells["network"] == 'c,m"cc'


@pytest.mark.parametrize(
    ("raw", "wrong"),
    [
        (b"13802880000", "1 fields, the header has 2 — put fields with commas in quotes"),
        (b"13802880000,cmcc,", "3 fields"),
        (b'13802880000,"cmcc', "its quotes do not fit"),
        (b'"13802880000"x,cmcc', "its quotes do not fit"),
        ("13802880000,中国移动".encode("gbk"), "byte 13 is not UTF-8 — save the file as UTF-8"),
        (b"1" * (3 * LONGEST_LINE), "is longer than any line"),
    ],
)
def test_damaged_line_does_not_affect_others(tmp_path: Path, raw: bytes, wrong: str):
    found = lines(tmp_path, HEADER + raw + b"\n13802880001,cucc\n")
    assert (found[0].number, found[0].cells) == (2, {})
    assert wrong in found[0].wrong
    assert (found[1].number, found[1].wrong) == (3, "")
    assert found[1].cells["number"] == "13802880001"


def test_zero_bytes_are_ordinary_characters(tmp_path: Path):
    assert lines(tmp_path, HEADER + b"13802\x00880000,cmcc\n")[0].cells["network"] == "cmcc"


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"", ":1: no column number, network — begin the file with a line number,network"),
        (b"13802880000,cmcc\n", ":1: no column number, network"),
        (b"number;network\n", ":1: no column number, network"),
        (b"number,network,provnce\n", ":1: unknown column 'provnce'"),
        (b"number,network,network\n", ":1: a column stands twice"),
        ("号码,network\n".encode("gbk"), ":1: the header is no CSV"),
        ("number,network\n".encode("utf-16"), ":1: is UTF-16 — save the file as UTF-8"),
        (b'"number,network\n', ":1: the header is no CSV"),
    ],
)
def test_wrong_header_is_refused(tmp_path: Path, content: bytes, wrong: str):
    with pytest.raises(CsvError) as told:
        opened(tmp_path, content)
    assert f"list.csv{wrong}" in str(told.value)


def test_header_error_names_optional_columns(tmp_path: Path):
    with pytest.raises(CsvError, match=r"number,network\[,province\]\[,id_digest\]"):
        opened(tmp_path, b"number\n", CUSTOMERS)


def test_missing_file_and_folder_are_refused(tmp_path: Path):
    with pytest.raises(CsvError, match="No such file"):
        CsvFile(tmp_path / "none.csv", PORTED)
    with pytest.raises(CsvError, match="is no file"):
        CsvFile(tmp_path, PORTED)


def test_renamed_file_has_the_same_digest(tmp_path: Path):
    first = opened(tmp_path, HEADER)
    (tmp_path / "copy.csv").write_bytes(HEADER)
    assert CsvFile(tmp_path / "copy.csv", PORTED).contents == first.contents
    assert opened(tmp_path, HEADER + b"\n").contents != first.contents
