"""Rule books and their rehearsals on Redis, under one hash tag with the other acts of staff."""

from receipts.model.rule_books import BookVersion, Rehearsal
from receipts.store.codec import decode, decode_record, encode_record
from receipts.store.commit_script import COMMIT_SHA
from receipts.store.connection import RedisConnection
from receipts.store.pipeline import Command

_DAY = 86_400

#: Rehearsals are kept as long as a proposal may wait, and longer.
_REHEARSALS_KEPT_SECONDS = 60 * _DAY

_IN_FORCE = "{staff}:book"
_HISTORY = "{staff}:books"
_WAITING = "{staff}:rehearsals"
_LEASE = "{staff}:rehearsing"
#: Rehearsals that wait at once; each proposal has one.
_MOST_WAITING = 1000


def text_key(book_id: str) -> str:
    """The key of a book's contents."""
    return f"{{staff}}:book:{book_id}"


def _rehearsal_key(book_id: str) -> str:
    return f"{{staff}}:rehearsal:{book_id}"


class RedisBookStore:
    """Every method raises StoreUnavailableError."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection

    def in_force(self) -> BookVersion:
        """The version in force; number 0 if the console never put one in force."""
        (raw,) = self._connection.execute(("GET", _IN_FORCE))
        return decode_record(BookVersion, raw) or BookVersion()

    def history(self, limit: int) -> list[BookVersion]:
        """Versions that were put in force, newest first."""
        (found,) = self._connection.execute(("LRANGE", _HISTORY, 0, limit - 1))
        return [decode(BookVersion, raw) for raw in found]

    def text(self, book_id: str) -> bytes | None:
        """The contents of a book's file; None if it is no longer kept."""
        (raw,) = self._connection.execute(("GET", text_key(book_id)))
        return None if raw is None else bytes(raw[raw.index(b"|") + 1 :])

    def rehearsal(self, book_id: str) -> Rehearsal | None:
        """The rehearsal of a proposed book; None if none was asked for, or it has expired."""
        (raw,) = self._connection.execute(("GET", _rehearsal_key(book_id)))
        return decode_record(Rehearsal, raw)

    def save_rehearsal(self, rehearsal: Rehearsal) -> bool:
        """Save a new rehearsal or its next checkpoint; False if another one was saved first."""
        keys = [_rehearsal_key(rehearsal.id), _WAITING]
        record = encode_record(rehearsal, rehearsal.revision)
        words: list[str | int | bytes] = ["save", 1, _REHEARSALS_KEPT_SECONDS, record]
        if rehearsal.revision == 1:
            words += ["last", 2, _MOST_WAITING, rehearsal.id]
        if rehearsal.is_over:
            words += ["unlist", 2, rehearsal.id, ""]
        (reply,) = self._connection.execute(_script(keys, words))
        return bool(reply[0][0] == b"done")

    def waiting_rehearsals(self) -> list[str]:
        """Ids of the books whose rehearsals are not over, oldest first."""
        (found,) = self._connection.execute(("LRANGE", _WAITING, 0, -1))
        return [raw.decode() for raw in found]

    def drop_rehearsal(self, book_id: str) -> None:
        """Take a rehearsal off the waiting ones."""
        self._connection.execute(("LREM", _WAITING, 0, book_id))

    def lease_rehearsals(self, worker: str, seconds: int) -> bool:
        """Whether this worker runs the rehearsals for now; it renews its own lease.

        Two workers at once would only waste work: the checkpoints are versioned.
        """
        taken = ("SET", _LEASE, worker, "NX", "EX", seconds, "GET")
        (holder,) = self._connection.execute(taken)
        if holder == worker.encode():
            self._connection.execute(("EXPIRE", _LEASE, seconds))
        return holder in {None, worker.encode()}


def _script(keys: list[str], words: list[str | int | bytes]) -> Command:
    head = ("change", 0, len(words) // 4, "")
    return ("EVALSHA", COMMIT_SHA, len(keys), *keys, *head, *words)
