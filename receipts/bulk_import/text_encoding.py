"""Texts as spreadsheets save them, converted to UTF-8 with line feeds in a temporary file."""

import codecs
import io
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

_CHUNK = 1 << 20
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

#: First octets of workbooks, which are no text.
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def is_workbook(file: BinaryIO) -> bool:
    """Whether a file is a workbook (xlsx, xls, ods) and no text."""
    file.seek(0)
    return file.read(4) in _WORKBOOKS


def converted(file: BinaryIO) -> BinaryIO | None:
    """The text in UTF-8 with line feeds as a new file; None if it is so already.

    Reads UTF-16, with its mark or without, and GB18030, whose subset GBK a Chinese Windows writes.
    A carriage return alone ends a line, as it does on a Mac.
    """
    encoding = _encoding(file)
    if encoding == "utf-8" and not _has_lone_return(file):
        return None
    # Octets that are no UTF-8 stay as they are: their line is refused by its number.
    errors = "surrogateescape" if encoding == "utf-8" else "replace"
    octets = codecs.getincrementaldecoder(encoding)(errors)
    decoder = io.IncrementalNewlineDecoder(octets, translate=True)
    out = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    for chunk in _chunks(file):
        out.write(decoder.decode(chunk).encode("utf-8", "surrogateescape"))
    out.write(decoder.decode(b"", final=True).encode("utf-8", "surrogateescape"))
    out.flush()
    return out


def _encoding(file: BinaryIO) -> str:
    file.seek(0)
    first = file.read(2)
    if first in _WIDE:
        return "utf-16"
    # The header begins with ASCII, which UTF-16 writes with a zero octet.
    if len(first) == len(_WIDE[0]) and first.count(0) == 1:
        return "utf-16-be" if first[0] == 0 else "utf-16-le"
    # A text that is mostly UTF-8 has damaged lines; they are refused one by one.
    if not _is_valid(file, "utf-8") and _is_valid(file, "gb18030") and not _has_utf8_line(file):
        return "gb18030"
    return "utf-8"


def _is_valid(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in _chunks(file):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _has_utf8_line(file: BinaryIO) -> bool:
    """Whether the first line beyond ASCII is UTF-8."""
    file.seek(0)
    while line := file.readline(_CHUNK):
        if not line.isascii():
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return False
            return True
    return False


def _has_lone_return(file: BinaryIO) -> bool:
    """Whether a carriage return without a line feed ends a line."""
    octets = codecs.getincrementaldecoder("latin-1")()
    decoder = io.IncrementalNewlineDecoder(octets, translate=False)
    for chunk in _chunks(file):
        decoder.decode(chunk)
    decoder.decode(b"", final=True)
    seen = decoder.newlines or ""
    return "\r" in ((seen,) if isinstance(seen, str) else seen)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(_CHUNK):
        yield chunk
