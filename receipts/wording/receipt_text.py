"""The text of a receipt: what became of a customer's text, within one segment."""

import datetime as dt
from functools import cache
from pathlib import Path

from receipts.model.calendar import SHANGHAI
from receipts.model.message import MessageStatus
from receipts.model.vocabulary import Language, Msisdn, PromotionCategory, ReceiptOutcome
from receipts.wording.catalogue import Catalogue

#: The sentences of the receipts.
SENTENCES = Path(__file__).with_name("receipts.toml")


@cache
def sentences() -> Catalogue:
    """The receipts' catalogue, read once."""
    return Catalogue(SENTENCES)


def receipt_text(
    status: MessageStatus | ReceiptOutcome, recipient: Msisdn, at: dt.datetime, language: Language
) -> str:
    """What the receipt says; ``at`` is when the text arrived, told in China's time.

    Fate and Outcome share their words; a fate that is not final reads as "no answer yet".
    """
    key = status.value if status.value in sentences().keys() else ReceiptOutcome.NO_ANSWER.value  # noqa: SIM118
    local = at.astimezone(SHANGHAI)
    time = f"{local.hour:02}:{local.minute:02}:{local.second:02}"
    return sentences().render(key, language, friend=recipient.national, time=time)


def with_promotion(receipt: str, kind: PromotionCategory, message: str, language: Language) -> str:
    """A receipt's text, and after it a message that says of what kind it is."""
    return sentences().render(f"with.{kind}", language, receipt=receipt, message=message)
