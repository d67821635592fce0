"""Fixtures of months that pass, and of commands."""

from tests.support.months import lines, months, run

__all__ = ["lines", "months", "run"]
