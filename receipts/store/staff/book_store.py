"""Rule books and their rehearsals on Redis, under one hash tag with the other acts of staff."""

from receipts.model.rule_books import BookProposal, BookVersion, Rehearsal
from receipts.ports.book_store import BookChange
from receipts.ports.changes import CommitStatus
from receipts.store.codec import decode, decode_record, encode, encode_record
from receipts.store.connection import RedisConnection
from receipts.store.retention import RetentionSeconds
from receipts.store.staff.script import StaffScript

_DAY = 86_400

#: Texts and rehearsals of proposals are kept longer than a proposal may wait.
_PROPOSALS_KEPT_SECONDS = 60 * _DAY
_CLAIMS_KEPT_SECONDS = 40 * _DAY
_MOST_PROPOSALS, _MOST_VERSIONS = 1000, 1000

_STATUS = {status.value.encode(): status for status in CommitStatus}

_IN_FORCE = "{staff}:book"
_HISTORY = "{staff}:books"
_WAITING = "{staff}:rehearsals"
_LEASE = "{staff}:rehearsing"
_PROPOSALS = "{staff}:proposals"


def text_key(book_id: str) -> str:
    """The key of a book's contents."""
    return f"{{staff}}:book:{book_id}"


def _proposal_key(proposal_id: str) -> str:
    return f"{{staff}}:proposal:{proposal_id}"


def _claim_key(nonce: str) -> str:
    return f"{{staff}}:claim:{nonce}"


def _rehearsal_key(book_id: str) -> str:
    return f"{{staff}}:rehearsal:{book_id}"


class RedisBookStore:
    """Every method raises StoreUnavailableError."""

    def __init__(
        self, connection: RedisConnection, kept_seconds: int = RetentionSeconds().log
    ) -> None:
        """``kept_seconds`` is how long acts and replaced books are kept."""
        self._connection, self._kept_seconds = connection, kept_seconds

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

    def proposal(self, proposal_id: str, nonce: str = "") -> tuple[BookProposal | None, bool]:
        """A proposal, and whether an act with this idempotency key was committed."""
        raw, seen = self._connection.execute(
            ("GET", _proposal_key(proposal_id)), ("EXISTS", _claim_key(nonce))
        )
        return decode_record(BookProposal, raw), bool(seen)

    def proposals(self, limit: int) -> list[BookProposal]:
        """The newest proposals, decided ones too."""
        (ids,) = self._connection.execute(("LRANGE", _PROPOSALS, 0, limit - 1))
        found = self._connection.values([_proposal_key(raw.decode()) for raw in ids])
        return [each for raw in found if (each := decode_record(BookProposal, raw))]

    def commit(self, change: BookChange) -> CommitStatus:
        """Write a change as a whole or not at all; durable on return."""
        script = StaffScript()
        script.add("claim", _claim_key(change.nonce), _CLAIMS_KEPT_SECONDS, "1")
        for book_id, text in change.texts.items():
            # Version 1 is written with the proposal, version 2 when it comes into force.
            kept = change.in_force is not None and book_id == change.in_force.book
            seconds, version = (0, 2) if kept else (_PROPOSALS_KEPT_SECONDS, 1)
            script.add("save", text_key(book_id), seconds, b"%d|%s" % (version, text))
        if (proposal := change.proposal) is not None:
            record = encode_record(proposal, proposal.revision)
            script.add("save", _proposal_key(proposal.id), self._kept_seconds, record)
            if proposal.revision == 1:
                script.add("list", _PROPOSALS, _MOST_PROPOSALS, proposal.id)
        for former in change.former:
            script.add("list", _HISTORY, _MOST_VERSIONS, encode(former))
        if (now := change.in_force) is not None:
            script.add("save", _IN_FORCE, 0, encode_record(now, now.number))
            script.add("list", _HISTORY, _MOST_VERSIONS, encode(now))
        for book_id in change.replaced:
            script.add("expire", text_key(book_id), self._kept_seconds)
        script.act(change.act, self._kept_seconds)
        (reply,) = self._connection.execute(script.command)
        return _STATUS[reply[0][0]]

    def rehearsal(self, book_id: str) -> Rehearsal | None:
        """The rehearsal of a proposed book; None if none was asked for, or it has expired."""
        (raw,) = self._connection.execute(("GET", _rehearsal_key(book_id)))
        return decode_record(Rehearsal, raw)

    def save_rehearsal(self, rehearsal: Rehearsal) -> bool:
        """Save a new rehearsal or its next checkpoint; False if another one was saved first."""
        script, record = StaffScript(), encode_record(rehearsal, rehearsal.revision)
        script.add("save", _rehearsal_key(rehearsal.id), _PROPOSALS_KEPT_SECONDS, record)
        if rehearsal.cursor == 0 and not rehearsal.is_over:
            script.add("unlist", _WAITING, rehearsal.id)
            script.add("last", _WAITING, _MOST_PROPOSALS, rehearsal.id)
        if rehearsal.is_over:
            script.add("unlist", _WAITING, rehearsal.id)
        (reply,) = self._connection.execute(script.command)
        return _STATUS[reply[0][0]] is CommitStatus.COMMITTED

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
