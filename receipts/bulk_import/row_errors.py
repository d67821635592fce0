"""Errors of a row of an operator's list, each with its fix."""


class RowError(Exception):
    """A row cannot be used; the message names the error and its fix."""

    def __init__(self, error: str, fix: str) -> None:
        super().__init__(f"{error} — {fix}")


class RewrittenValueError(RowError):
    """A spreadsheet replaced a value, as it does in a whole column: the file is of no use."""
