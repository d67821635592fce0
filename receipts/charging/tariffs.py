"""Prices in fen, and their wording; pure functions of the rule book."""

import datetime as dt
from functools import lru_cache

from receipts.model.calendar import SHANGHAI
from receipts.model.vocabulary import Language, ReceiptOutcome
from receipts.rulebook.schema import Province, Tariff
from receipts.wording.separators import COMMA

# The parts of a price; the sentences around it are in the texts of the channels.
_FREE = {Language.ZH: "免费", Language.EN: "free"}
_MONTHLY = {Language.ZH: "每月{}", Language.EN: "{} a month"}
# Only the receipt of a delivered text has a price.
_PER_RECEIPT = {Language.ZH: "每条送达回执{}", Language.EN: "{} a delivery"}
_ALLOWANCE = {Language.ZH: "每月前{}条免费", Language.EN: "first {} a month free"}
_TRIAL = {Language.ZH: "首{}天免费", Language.EN: "first {} days free"}


def tariff_on(province: Province, at: dt.datetime) -> Tariff:
    """The tariff in force at a moment; tariffs change at midnight in Shanghai."""
    return province.tariff_at(at.astimezone(SHANGHAI).date())


def receipt_fen(tariff: Tariff, outcome: ReceiptOutcome, before: int = 0) -> int:
    """The price of one receipt after ``before`` delivered ones in the same month.

    Only the receipt of a delivered text has a price (domain notes, rule 6).
    """
    if outcome is not ReceiptOutcome.DELIVERED or before < tariff.free_receipts:
        return 0
    return tariff.per_receipt_fen


def first_charge_at(tariff: Tariff, opened_at: dt.datetime) -> dt.datetime:
    """The first moment at which a fee may be charged: the opening, or the end of the trial."""
    if tariff.trial_days == 0:
        return opened_at
    last_day = opened_at.astimezone(SHANGHAI) + dt.timedelta(days=tariff.trial_days)
    return last_day.replace(hour=0, minute=0, second=0, microsecond=0)


def yuan(language: Language, fen: int) -> str:
    """An amount as text: 150 fen is 1.5元 or 1.50 yuan, 0 fen is 免费 or free."""
    if fen == 0:
        return _FREE[language]
    whole, rest = divmod(abs(fen), 100)
    sign = "-" if fen < 0 else ""
    if language is Language.EN:
        return f"{sign}{whole}.{rest:02} yuan"
    return sign + f"{whole}.{rest:02}".rstrip("0").rstrip(".") + "元"


def _price(language: Language, fen: int) -> str:
    """A price, as short as it is spoken: 1 yuan, where an account has 1.00 yuan."""
    unit = "元" if language is Language.ZH else " yuan"
    whole, rest = divmod(fen, 100)
    return f"{whole}.{rest:02}".rstrip("0").rstrip(".") + unit


@lru_cache(maxsize=256)  # A rule book has a few dozen tariffs; most replies quote one.
def fees(language: Language, tariff: Tariff) -> str:
    """A tariff in one phrase: 每月0.5元，每条送达回执0.05元，每月前20条免费."""
    if tariff.free:
        return _FREE[language]
    parts = []
    if tariff.monthly_fen:
        parts.append(_MONTHLY[language].format(_price(language, tariff.monthly_fen)))
    if tariff.per_receipt_fen:
        parts.append(_PER_RECEIPT[language].format(_price(language, tariff.per_receipt_fen)))
        if tariff.free_receipts:
            parts.append(_ALLOWANCE[language].format(tariff.free_receipts))
    if tariff.trial_days:
        parts.append(_TRIAL[language].format(tariff.trial_days))
    return COMMA[language].join(parts)
