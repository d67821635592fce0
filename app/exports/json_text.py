"""JSON text of plain values."""

import json


def json_text(value: object, indent: int | None = None) -> str:
    """A value as JSON that can be written as UTF-8: halves of surrogate pairs are escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return text.encode("utf-8", "backslashreplace").decode()
