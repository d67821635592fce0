"""What is said, and how long it is on the air: sentences, receipts and segments."""

from receipts.wording.catalogue import Catalogue, CatalogueWrong
from receipts.wording.digests import digest_text
from receipts.wording.fates import receipt_text, with_message
from receipts.wording.notices import day, last_day, notices
from receipts.wording.segments import is_gsm7, segments

__all__ = [
    "Catalogue",
    "CatalogueWrong",
    "day",
    "digest_text",
    "is_gsm7",
    "last_day",
    "notices",
    "receipt_text",
    "segments",
    "with_message",
]
