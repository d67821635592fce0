"""Months that pass, and commands run on them."""

from tests.support.months import lines, months, run

__all__ = ["lines", "months", "run"]
