"""Rule books in the store, as the console puts them in force."""

import redis

from receipts.model.rule_books import BookVersion
from receipts.store.codec import encode_record
from receipts.store.staff.book_store import text_key


def put_in_force(raw: "redis.Redis", number: int, text: str | None) -> None:
    """Put a text in force as this version; None: each process follows its file again."""
    book = f"b{number}" if text is not None else ""
    if text is not None:
        raw.set(text_key(book), f"1|{text}")
    version = BookVersion(number, book, proposed_by="an", approved_by="bo")
    raw.set("{staff}:book", encode_record(version, number))
