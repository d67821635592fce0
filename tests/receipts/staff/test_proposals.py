"""Rule books proposed by one person and put in force by another, on the real store."""

from collections.abc import Callable

import pytest
import redis

from app.bootstrap import Container
from app.rulebook.proposals import book_proposals
from app.rulebook.rehearsals import rehearsal_job
from receipts.model.rule_books import BookProposal, ProposalKind
from receipts.model.staff import Role, StaffMember
from receipts.rulebook.errors import RuleBookError
from receipts.rulebook.loader import SHIPPED
from receipts.staff.books.proposals import BookProposals, ProposalError
from receipts.store.staff.book_store import RedisBookStore, text_key
from statemachines.approval import ApprovalState
from tests.conftest import TestClock
from tests.support.fixtures import contents

AN, BO, CAI = (StaffMember(name, Role.OPERATOR) for name in ("an", "bo", "cai"))
TEXT = SHIPPED.read_bytes()
SECOND = TEXT.replace(b'version = "invented-1"', b'version = "second"').replace(
    b"replies_a_day = 120", b"replies_a_day = 99"
)
THIRD = SECOND.replace(b'"second"', b'"third"').replace(b"= 99", b"= 98")
NO_GUANGDONG = SECOND.replace(b'["CN-GD", "CN-FJ"]', b'["CN-FJ"]')
NO_GUANGDONG = (
    NO_GUANGDONG[: NO_GUANGDONG.index(b"[provinces.CN-GD]")]
    + NO_GUANGDONG[NO_GUANGDONG.index(b"[provinces.CN-JL]") :]
)


@pytest.fixture
def desk(built: Container) -> BookProposals:
    return book_proposals(built)


def proposed(desk: BookProposals, text: bytes = SECOND, nonce: str = "n1") -> BookProposal:
    return desk.propose(text, "new.toml", ProposalKind.UPLOAD, AN, "cheaper", nonce)


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(ProposalError) as refused:
        act()
    return refused.value.reason


def test_second_person_puts_a_proposal_in_force(
    desk: BookProposals, built: Container, clock: TestClock
):
    proposal = proposed(desk)
    assert built.books.in_force().number == 0
    decided = desk.approve(proposal.id, BO, "n2")
    assert decided.state is ApprovalState.APPROVED
    now = built.books.in_force()
    assert (now.number, now.version, now.at) == (1, "second", clock.now())
    assert (now.proposed_by, now.approved_by, now.reason) == ("an", "bo", "cheaper")
    assert built.books.text(now.book) == SECOND
    assert [(each.number, each.version) for each in built.books.history(9)] == [
        (1, "second"), (0, "invented-1"),
    ]  # fmt: skip
    assert desk.current().book.limits.replies_a_day == 99


def test_proposer_cannot_approve(desk: BookProposals, built: Container):
    proposal = proposed(desk)
    assert refusal(lambda: desk.approve(proposal.id, AN, "n2")) == "same_person"
    assert built.books.in_force().number == 0


def test_repeated_approval_does_nothing(desk: BookProposals, raw: "redis.Redis"):
    proposal = proposed(desk)
    desk.approve(proposal.id, BO, "n2")
    before = contents(raw)
    assert desk.approve(proposal.id, BO, "n2").state is ApprovalState.APPROVED
    assert refusal(lambda: desk.approve(proposal.id, CAI, "n3")) == "decided"
    assert refusal(lambda: desk.reject(proposal.id, CAI, "no", "n4")) == "decided"
    assert proposed(desk).id == proposal.id
    assert contents(raw) == before


@pytest.mark.parametrize("first", ["reject", "withdraw"])
def test_decided_proposal_stays_decided(desk: BookProposals, built: Container, first: str):
    proposal = proposed(desk)
    if first == "reject":
        assert desk.reject(proposal.id, BO, "too early", "n2").decision == "too early"
    else:
        assert refusal(lambda: desk.withdraw(proposal.id, BO, "n0")) == "not_owner"
        desk.withdraw(proposal.id, AN, "n2")
    assert refusal(lambda: desk.approve(proposal.id, CAI, "n3")) == "decided"
    assert built.books.in_force().number == 0


def test_proposal_expires(desk: BookProposals, clock: TestClock):
    proposal = proposed(desk)
    clock.move(days=14, seconds=1)
    assert [each.state for each in desk.latest(9)] == [ApprovalState.EXPIRED]
    assert refusal(lambda: desk.approve(proposal.id, BO, "n2")) == "decided"


def test_proposal_against_a_replaced_book_is_stale(desk: BookProposals):
    older, newer = proposed(desk), proposed(desk, THIRD, "n2")
    desk.approve(newer.id, BO, "n3")
    shown = desk.show(older.id)
    assert shown is not None
    assert shown.issues[0].key == "stale"
    assert refusal(lambda: desk.approve(older.id, BO, "n4")) == "stale"


def test_earlier_version_comes_back_as_a_proposal(desk: BookProposals, built: Container):
    desk.approve(proposed(desk).id, BO, "n2")
    former = built.books.history(9)[-1]
    text = built.books.text(former.book)
    assert text == TEXT
    back = desk.propose(text, "x", ProposalKind.ROLLBACK, BO, "wrong", "n3")
    desk.approve(back.id, AN, "n4")
    assert (built.books.in_force().number, desk.current().book.version) == (2, "invented-1")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TEXT + b"# the same\n", "same"),
        (TEXT.replace(b"monthly_fen = 100", b"monthly_fen = 90"), "issues"),
        (TEXT.replace(b'version = "GD-1"', b'version = "GD-9"'), "issues"),
    ],
)
def test_book_that_must_not_come_into_force_is_not_kept(
    desk: BookProposals, raw: "redis.Redis", text: bytes, reason: str
):
    before = contents(raw)
    assert refusal(lambda: proposed(desk, text)) == reason
    with pytest.raises(RuleBookError, match=r"new\.toml"):
        proposed(desk, b"nonsense")
    assert contents(raw) == before


def test_tariff_that_began_since_the_proposal_stops_it(
    desk: BookProposals, clock: TestClock, built: Container
):
    day = clock.now().date().replace(day=28).isoformat()
    assert day > clock.now().date().isoformat()
    later = f"""[[provinces.CN-GD.tariffs]]
version = "GD-2"
from = {day}
monthly_fen = 90
per_receipt_fen = 0

[provinces.CN-JL]""".encode()
    proposal = proposed(desk, TEXT.replace(b"[provinces.CN-JL]", later))
    clock.move(days=13)
    assert refusal(lambda: desk.approve(proposal.id, BO, "n2")) == "issues"
    assert built.books.in_force().number == 0


def test_province_is_removed_only_after_a_rehearsal_without_its_customers(
    desk: BookProposals, built: Container, clock: TestClock
):
    proposal = proposed(desk, NO_GUANGDONG)
    assert refusal(lambda: desk.approve(proposal.id, BO, "n2")) == "issues"
    job = rehearsal_job(built)

    def rehearse() -> None:
        desk.rehearse(proposal.id, "2026-11", AN)
        while job.step("w"):
            pass

    rehearse()
    clock.move(hours=2)
    assert refusal(lambda: desk.approve(proposal.id, BO, "n3")) == "issues"
    rehearse()
    desk.approve(proposal.id, BO, "n4")
    assert "CN-GD" not in desk.current().book.provinces


def test_return_to_the_file(desk: BookProposals, built: Container):
    assert desk.return_to_file(AN, "why", "n0").number == 0
    desk.approve(proposed(desk).id, BO, "n2")
    assert desk.return_to_file(AN, "why", "n3").number == 2
    assert built.books.in_force().book == ""
    assert desk.current().book.version == "invented-1"


def test_texts_of_replaced_books_expire_and_those_in_force_do_not(
    desk: BookProposals, raw: "redis.Redis"
):
    first = proposed(desk)
    assert raw.ttl(text_key(first.id)) > 0
    desk.approve(first.id, BO, "n2")
    assert raw.ttl(text_key(first.id)) == -1
    second = proposed(desk, THIRD, "n3")
    desk.approve(second.id, BO, "n4")
    assert raw.ttl(text_key(first.id)) > 300 * 86_400
    assert raw.ttl(text_key(second.id)) == -1


def test_acts_are_on_record(desk: BookProposals, raw: "redis.Redis"):
    proposal = proposed(desk)
    desk.approve(proposal.id, BO, "n2")
    (log,) = list(raw.scan_iter("{staff}:acts:*"))
    entries = [fields[b"act"].decode() for _, fields in raw.xrange(log)]
    assert ["rule_book_proposed" in entries[0], "rule_book_approved" in entries[1]] == [True, True]
    assert all(proposal.fingerprint in each for each in entries)


def test_lost_race_between_two_approvers_puts_one_in_force(
    desk: BookProposals, built: Container, monkeypatch: pytest.MonkeyPatch
):
    proposal, commit = proposed(desk), RedisBookStore.commit
    raced: list[object] = []

    def committed(self: RedisBookStore, change: object) -> object:
        if not raced:
            raced.append(change)
            desk.approve(proposal.id, CAI, "n9")
        return commit(self, change)  # type: ignore[arg-type] # as it came

    monkeypatch.setattr(RedisBookStore, "commit", committed)
    assert refusal(lambda: desk.approve(proposal.id, BO, "n2")) == "decided"
    assert (built.books.in_force().number, built.books.in_force().approved_by) == (1, "cai")
