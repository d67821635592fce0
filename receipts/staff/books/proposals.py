"""Proposed rule books: proposed by one person, and put in force by another."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from msgspec.structs import replace

from receipts.model.calendar import SHANGHAI
from receipts.model.rule_books import BookProposal, BookVersion, ProposalKind, Rehearsal
from receipts.model.staff import StaffAct, StaffMember
from receipts.ports.book_store import BookChange, BookStore
from receipts.ports.changes import CommitStatus
from receipts.ports.clock import Clock
from receipts.ports.store import ContentionError
from receipts.rulebook.diff import BookIssue, book_issues, fingerprint
from receipts.rulebook.loader import parse_rule_book
from receipts.rulebook.schema import RuleBook
from receipts.staff.books.reviews import BookReviews, ProposedBook
from statemachines.approval import APPROVAL, ApprovalEvent, ApprovalState

#: A proposal that was not decided for so long can no longer be approved.
EXPIRES_AFTER = dt.timedelta(days=14)

#: Commits that lose a race before giving up.
_ATTEMPTS = 10


class ProposalError(Exception):
    """An act on a proposal is refused; ``reason`` is the key of its sentence."""

    def __init__(self, reason: str, issues: Sequence[BookIssue] = ()) -> None:
        """``issues`` are those that stand against a book."""
        self.reason, self.issues = reason, issues
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class CurrentBook:
    """The rule book in force, with its file's contents."""

    version: BookVersion
    text: bytes
    book: RuleBook


class BookProposals:
    """Acts on rule books. Methods raise StoreUnavailableError."""

    def __init__(self, books: BookStore, clock: Clock, file_text: Callable[[], bytes]) -> None:
        """``file_text`` returns the contents of this process's file. It raises RuleBookError."""
        self._books, self._clock, self._file_text = books, clock, file_text
        self._reviews = BookReviews(books, clock)

    def current(self) -> CurrentBook:
        """The book in force. Raises RuleBookError if its contents cannot be read."""
        version = self._books.in_force()
        stored = self._books.text(version.book) if version.book else None
        text = self._file_text() if stored is None else stored
        return CurrentBook(version, text, parse_rule_book(text, f"book {version.number} in force"))

    def propose(
        self, text: bytes, name: str, kind: ProposalKind, by: StaffMember, reason: str, nonce: str
    ) -> BookProposal:
        """A new proposal; the same nonce gives the same one.

        Raises RuleBookError for a book that the checker refuses, or ProposalError.
        """
        proposal_id = blake2b(nonce.encode(), digest_size=8).hexdigest()
        earlier, _ = self._books.proposal(proposal_id)
        if earlier is not None:
            return earlier
        new, current = parse_rule_book(text, name), self.current()
        if new == current.book:
            raise ProposalError("same")
        today = self._clock.now().astimezone(SHANGHAI).date()
        if refused := [each for each in book_issues(current.book, new, today) if each.refused]:
            raise ProposalError("issues", refused)
        is_file = not current.version.book
        base = f"{proposal_id}-base" if is_file else current.version.book
        proposal = BookProposal(
            id=proposal_id,
            kind=kind,
            version=new.version,
            fingerprint=fingerprint(new),
            base=base,
            base_version=current.book.version,
            base_number=current.version.number,
            base_fingerprint=fingerprint(current.book),
            by=by.name,
            at=self._clock.now(),
            reason=reason,
            base_is_file=is_file,
        )
        texts = {proposal_id: text} | ({base: current.text} if is_file else {})
        act = self._act(by, "rule_book_proposed", proposal, reason)
        self._books.commit(BookChange(nonce, act, proposal, texts))
        return proposal

    def latest(self, limit: int) -> list[BookProposal]:
        """The newest proposals; those that waited too long as expired."""
        return [self._aged(each) for each in self._books.proposals(limit)]

    def show(self, proposal_id: str) -> ProposedBook | None:
        """A proposal with its books, issues and rehearsal; None if there is none of this id."""
        proposal, _ = self._books.proposal(proposal_id)
        return None if proposal is None else self._reviews.of(self._aged(proposal))

    def approve(self, proposal_id: str, by: StaffMember, nonce: str) -> BookProposal:
        """Put a proposed book in force. Raises ProposalError or RuleBookError."""

        def decide(proposal: BookProposal) -> BookChange:
            is_own = proposal.by == by.name
            event = ApprovalEvent.APPROVE_OWN if is_own else ApprovalEvent.APPROVE
            decided = self._decided(proposal, event, by, "")
            current, shown = self.current(), self._reviews.of(proposal)
            is_current = proposal.base_number == current.version.number
            if not is_current or proposal.base_fingerprint != fingerprint(current.book):
                raise ProposalError("stale")
            if not shown.may_come_into_force:
                raise ProposalError("issues")
            text = self._books.text(proposal.id)
            assert text is not None  # noqa: S101 - may_come_into_force
            return self._in_force(decided, current, text, by, nonce)

        return self._decide(proposal_id, nonce, decide)

    def reject(self, proposal_id: str, by: StaffMember, reason: str, nonce: str) -> BookProposal:
        """Refuse a proposed book. Raises ProposalError."""

        def decide(proposal: BookProposal) -> BookChange:
            decided = self._decided(proposal, ApprovalEvent.REJECT, by, reason)
            return BookChange(nonce, self._act(by, "rule_book_rejected", decided, reason), decided)

        return self._decide(proposal_id, nonce, decide)

    def withdraw(self, proposal_id: str, by: StaffMember, nonce: str) -> BookProposal:
        """Take one's own proposal back. Raises ProposalError."""

        def decide(proposal: BookProposal) -> BookChange:
            if proposal.by != by.name:
                raise ProposalError("not_owner")
            decided = self._decided(proposal, ApprovalEvent.WITHDRAW, by, "")
            return BookChange(nonce, self._act(by, "rule_book_withdrawn", decided, ""), decided)

        return self._decide(proposal_id, nonce, decide)

    def return_to_file(self, by: StaffMember, reason: str, nonce: str) -> BookVersion:
        """Let each process follow its file again; does nothing if they do."""
        for _ in range(_ATTEMPTS):
            before = self._books.in_force()
            if not before.book:
                return before
            after = BookVersion(
                before.number + 1, at=self._clock.now(), approved_by=by.name, reason=reason
            )
            act = StaffAct(self._clock.now(), by.name, "rule_book_file_used", "", reason, by.shop)
            change = BookChange(nonce, act, in_force=after, replaced=(before.book,))
            if self._books.commit(change) is not CommitStatus.CONFLICT:
                return after
        raise ContentionError("the rule book in force was changed by others again and again")

    def rehearse(self, proposal_id: str, month: str, by: StaffMember) -> Rehearsal:
        """Ask for a rehearsal of a proposed book, anew if there was one. Raises ProposalError."""
        proposal, _ = self._books.proposal(proposal_id)
        if proposal is None:
            raise ProposalError("unknown")
        before = self._books.rehearsal(proposal_id)
        revision = before.revision + 1 if before else 1
        asked = Rehearsal(proposal_id, proposal.base, month, by.name, self._clock.now(), revision)
        # Another person may have asked at the same moment; one rehearsal is enough.
        self._books.save_rehearsal(asked)
        return asked

    def _decide(
        self, proposal_id: str, nonce: str, decide: Callable[[BookProposal], BookChange]
    ) -> BookProposal:
        """Commit a decision once; a repeated nonce gets the proposal as it is."""
        for _ in range(_ATTEMPTS):
            proposal, is_repeated = self._books.proposal(proposal_id, nonce)
            if proposal is None:
                raise ProposalError("unknown")
            if is_repeated:
                return proposal
            change = decide(proposal)
            if self._books.commit(change) is CommitStatus.COMMITTED:
                return change.proposal or proposal
        raise ContentionError("the proposal was changed by others again and again")

    def _decided(
        self, proposal: BookProposal, event: ApprovalEvent, by: StaffMember, reason: str
    ) -> BookProposal:
        ended = APPROVAL.fire(self._aged(proposal).state, event)
        if ended.reason is not None:
            raise ProposalError(ended.reason)
        return replace(
            proposal,
            revision=proposal.revision + 1,
            state=ended.state,
            decided_by=by.name,
            decided_at=self._clock.now(),
            decision=reason,
        )

    def _aged(self, proposal: BookProposal) -> BookProposal:
        """The proposal, expired if it waited too long."""
        is_waiting = proposal.state is ApprovalState.WAITING
        if is_waiting and self._clock.now() - proposal.at > EXPIRES_AFTER:
            expired = APPROVAL.fire(proposal.state, ApprovalEvent.EXPIRE)
            return replace(proposal, state=expired.state)
        return proposal

    def _in_force(
        self, decided: BookProposal, current: CurrentBook, text: bytes, by: StaffMember, nonce: str
    ) -> BookChange:
        now = self._clock.now()
        after = BookVersion(
            current.version.number + 1,
            decided.id,
            decided.version,
            decided.fingerprint,
            now,
            decided.by,
            by.name,
            decided.reason,
        )
        # The file's book becomes the version before, so that it can be proposed again.
        file_book = BookVersion(
            current.version.number,
            decided.base,
            decided.base_version,
            decided.base_fingerprint,
        )
        return BookChange(
            nonce,
            self._act(by, "rule_book_approved", decided, decided.reason),
            decided,
            {decided.id: text},
            after,
            (file_book,) if decided.base_is_file else (),
            (decided.base,),
        )

    def _act(self, by: StaffMember, act: str, proposal: BookProposal, reason: str) -> StaffAct:
        subject = f"{proposal.version} {proposal.fingerprint} {proposal.id}"
        return StaffAct(self._clock.now(), by.name, act, subject, reason, by.shop)
