"""Months that pass, commands run on them, and a data folder without processes left."""

from tests.receipts.store.local_store import data_dir
from tests.support.consent_roots import forger, operator
from tests.support.months import lines, months, run

__all__ = ["data_dir", "forger", "lines", "months", "operator", "run"]
