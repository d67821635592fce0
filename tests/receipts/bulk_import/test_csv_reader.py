"""Valid and damaged CSV files."""

from pathlib import Path

import pytest

from receipts.bulk_import.csv_reader import LONGEST_LINE, CsvError, CsvFile, CsvLine
from receipts.bulk_import.rows import COLLECTIONS, CUSTOMERS, PORTED, ImportFormat

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
        (b"13802880000", "1 fields instead of 2 — quote fields that contain commas"),
        (b"13802880000,cmcc,x", "3 fields"),
        (b'13802880000,"cmcc', "unbalanced quotes"),
        (b'"13802880000"x,cmcc', "unbalanced quotes"),
        (b"13802880000,\xff", "byte 13 is not UTF-8 — save the file as CSV UTF-8"),
        (b"1" * (3 * LONGEST_LINE), "line too long (limit 4,096 bytes)"),
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
        (
            b"",
            ":1: columns “number” and “network” are missing — the first line must be number,n",
        ),
        (b"13802880000,cmcc\n", ":1: columns “number” and “network” are missing"),
        (b"number|network\n", ":1: columns “number” and “network” are missing"),
        (b"\r\n,,\nnumber,netwrk\n", ":3: column “network” is missing"),
        (b"PK\x03\x04", ": is a workbook, not a text file — save the file as CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0", ": is a workbook, not a text file"),
        (b"number,network,provnce\n", ":1: unknown column “provnce”"),
        (b"number,network,network\n", ":1: a column is repeated"),
        ("号码,network\n".encode("gbk"), ":1: column “number” is missing"),
        (b"number,\xff\n", ":1: the header is not CSV"),
        (b'"number,network\n', ":1: the header is not CSV"),
    ],
)
def test_wrong_header_is_refused(tmp_path: Path, content: bytes, wrong: str):
    with pytest.raises(CsvError) as told:
        opened(tmp_path, content)
    assert f"list.csv{wrong}" in str(told.value)


def test_header_error_names_optional_columns(tmp_path: Path):
    with pytest.raises(CsvError, match=r"number,network\[,province\]\[,id_digest\]"):
        opened(tmp_path, b"number\n", CUSTOMERS)


LIST = 'Number,Network,,\r\n\r\n\'13802880000,中国移动,,\r\n,,,\r\n="13802880001",联通\r\n'
AS_SAVED = {
    "UTF-8 with mark": LIST.encode("utf-8-sig"),
    "GBK of a Chinese Windows": LIST.encode("gbk"),
    "Unicode text": LIST.replace(",", "\t").encode("utf-16"),
    "UTF-16 big-endian": b"\xfe\xff" + LIST.encode("utf-16-be"),
    "UTF-16 without a mark": LIST.encode("utf-16-le"),
    "UTF-16 big-endian without a mark": LIST.encode("utf-16-be"),
    "tabs in UTF-16 without a mark": LIST.replace(",", "\t").encode("utf-16-le"),
    "semicolons": LIST.replace(",", ";").encode(),
    "full-width commas": LIST.replace(",", "，").encode(),
    "full-width semicolons in GBK": LIST.replace(",", "；").encode("gbk"),
    "tabs in GBK": LIST.replace(",", "\t").encode("gb18030"),
    "carriage returns": LIST.replace("\n", "").encode("gbk"),
    "carriage returns in UTF-8": LIST.replace("\n", "").encode(),
    "carriage returns in UTF-16": LIST.replace("\n", "").encode("utf-16-be"),
    "carriage returns and a last line feed": LIST.replace("\r\n", "\r").encode() + b"\n",
    "quoted mark": LIST.replace("Number,Network", '"\ufeffNumber",Network').encode(),
    "mark twice": b"\xef\xbb\xbf" + LIST.encode("utf-8-sig"),
    "quoted header": LIST.replace("Number,Network", '"number"," Network "').encode(),
}


@pytest.mark.parametrize("saved", AS_SAVED)
def test_list_of_a_spreadsheet_is_read_as_saved(tmp_path: Path, saved: str):
    file = opened(tmp_path, AS_SAVED[saved])
    found = list(file.lines(file.begins, file.header_line))
    assert [(line.number, dict(line.cells)) for line in found] == [
        (3, {"number": "13802880000", "network": "中国移动"}),
        (5, {"number": "13802880001", "network": "联通"}),
    ]
    assert list(file.lines(found[0].end, found[0].number)) == found[1:]
    assert found[-1].end == file.size


@pytest.mark.parametrize("first", ["sep=;", "SEP=^", '"sep=,"', "sep=\t", "\ufeffsep=;"])
def test_line_that_names_the_separator_is_no_header(tmp_path: Path, first: str):
    separator = first.strip('"')[-1]
    listed = f"number{separator}network\r\n13802880000{separator}cmcc\r\n"
    file = opened(tmp_path, f"{first}\r\n{listed}".encode())
    (line,) = file.lines(file.begins, file.header_line)
    assert (line.number, line.cells["network"]) == (3, "cmcc")


@pytest.mark.parametrize("number", ["1.38E+10", "1,38029e+10", "8.61380E+12", "１.３８Ｅ＋１０"])
def test_list_whose_numbers_lost_digits_is_refused_once(tmp_path: Path, number: str):
    rest = "".join(f'"{number}",cmcc\n' for _ in range(3))
    with pytest.raises(CsvError) as told:
        opened(tmp_path, HEADER + f"13802880000,cmcc\nx,y\n{rest}".encode())
    assert f"list.csv:4: number '{number}' lost its digits" in str(told.value)
    assert "save the file as CSV UTF-8; no line was imported" in str(told.value)


@pytest.mark.parametrize("month", ["26-Nov", "01/11/2026", "26-11", "46327", "11月1日"])
def test_list_whose_months_may_mean_others_is_refused_once(tmp_path: Path, month: str):
    with pytest.raises(CsvError) as told:
        opened(tmp_path, f"number,month,result\n13802880000,{month},paid\n".encode(), COLLECTIONS)
    assert f"list.csv:2: month '{month}' was rewritten by a spreadsheet" in str(told.value)
    assert "write each month as 2026-11" in str(told.value)


def test_empty_lines_before_the_header_are_counted(tmp_path: Path):
    file = opened(tmp_path, b"\n,,\nnumber,network\n13802880000,cmcc\n")
    assert (file.header_line, next(file.lines(file.begins, 3)).number) == (3, 4)


def test_optional_cells_may_be_left_out(tmp_path: Path):
    file = opened(tmp_path, b"number,network,ID Digest,province\n1,cmcc\n1\n", CUSTOMERS)
    short, too_short = file.lines(file.begins, 1)
    assert dict(short.cells) == {"number": "1", "network": "cmcc", "id_digest": "", "province": ""}
    assert "1 fields instead of 4" in too_short.wrong


def test_one_damaged_line_of_utf8_is_refused_alone(tmp_path: Path):
    damaged = HEADER + "13802880000,中国移动\n".encode() + "13802880001,移动\n".encode("gbk")
    first, second = lines(tmp_path, damaged)
    assert first.cells["network"] == "中国移动"
    assert "is not UTF-8" in second.wrong


def test_missing_file_and_folder_are_refused(tmp_path: Path):
    with pytest.raises(CsvError, match="No such file"):
        CsvFile(tmp_path / "none.csv", PORTED)
    with pytest.raises(CsvError, match="is not a regular file"):
        CsvFile(tmp_path, PORTED)


def test_renamed_file_has_the_same_digest(tmp_path: Path):
    first = opened(tmp_path, HEADER)
    (tmp_path / "copy.csv").write_bytes(HEADER)
    assert CsvFile(tmp_path / "copy.csv", PORTED).contents == first.contents
    assert opened(tmp_path, HEADER + b"\n").contents != first.contents
