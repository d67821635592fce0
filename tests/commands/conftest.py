"""Months that pass, and commands run on them."""

from tests.support.consent_roots import forger, operator
from tests.support.months import lines, months, run

__all__ = ["forger", "lines", "months", "operator", "run"]
