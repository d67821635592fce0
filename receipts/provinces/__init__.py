"""The rules of each province as data: read from the rule book, checked, and told to people."""

from receipts.provinces.checking import KEPT
from receipts.provinces.comparing import fingerprint, rewritten
from receipts.provinces.folding import fold
from receipts.provinces.loading import SHIPPED, load_rule_book
from receipts.provinces.reporting import check_report, describe
from receipts.provinces.rules import (
    Effect,
    Limits,
    Message,
    Names,
    Province,
    Retention,
    RuleBook,
    Sending,
    Tariff,
    Words,
)
from receipts.provinces.wrong import Fault, RuleBookWrong

__all__ = [
    "KEPT",
    "SHIPPED",
    "Effect",
    "Fault",
    "Limits",
    "Message",
    "Names",
    "Province",
    "Retention",
    "RuleBook",
    "RuleBookWrong",
    "Sending",
    "Tariff",
    "Words",
    "check_report",
    "describe",
    "fingerprint",
    "fold",
    "load_rule_book",
    "rewritten",
]
