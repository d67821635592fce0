"""Visits: nobody is shown before the identity is proven, and no other clerk takes one over."""

import pytest
import redis
from werkzeug.security import generate_password_hash

from receipts.delivery.service_passwords import PasswordStatus
from receipts.model.counter import IdentityMode, OwnerId
from receipts.model.customer import CustomerCredentials
from receipts.model.staff import Role, StaffMember
from receipts.model.vocabulary import Msisdn
from receipts.staff.counter.visits import Clerk, ForeignVisitError, VisitRefusedError
from statemachines.counter_visit import VisitState
from tests.conftest import GUANGDONG, ZHEJIANG
from tests.support.counter import AGENT_ID, LI, OWNER_ID, PASSWORD, QUICK, Counter
from tests.support.fixtures import notices
from tests.support.plain_store import plain_bytes
from tests.support.staff import staff_acts

WRONG = "975310"


def credentials(counter: Counter, number: str = GUANGDONG) -> CustomerCredentials | None:
    return counter.built.store.load(Msisdn(number), credentials=True).credentials


def lookups(counter: Counter, number: str = GUANGDONG) -> list[str]:
    found = counter.built.clients.bulk_reader.lookups_of(Msisdn(number))
    return [f"{each.clerk} {each.command} {each.reason}" for each in found]


def test_owner_is_identified_by_card_and_password(counter: Counter):
    visit = counter.visit()
    assert (visit.state, visit.identity) == (VisitState.IDENTIFIED, "owner:id_matches")
    assert lookups(counter) == ["li counter visit 天河店, owner:id_matches"]


def test_agent_is_identified_by_both_cards_and_the_password(counter: Counter):
    visit, later = counter.visit(agent=AGENT_ID), counter.visit(agent=AGENT_ID)
    assert visit.identity == "agent:id_matches"
    assert visit.agent == later.agent != ""


def test_no_identity_number_is_in_the_store(counter: Counter, raw: "redis.Redis"):
    visit = counter.visit(agent=AGENT_ID)
    counter.act(visit, "ask")
    kept = b"".join(plain_bytes(raw, key) for key in raw.scan_iter())
    assert OWNER_ID.encode() not in kept
    assert AGENT_ID.encode() not in kept
    assert PASSWORD.encode() not in kept


@pytest.mark.parametrize("number", [GUANGDONG, ZHEJIANG])
def test_wrong_card_answers_as_a_wrong_password_and_counts_as_one(counter: Counter, number: str):
    visit = counter.visits.start(Msisdn(number), LI)
    counter.visits.check_ids(visit, IdentityMode.OWNER, AGENT_ID, None)
    status = counter.visits.enter_password(counter.again(visit), PASSWORD, counter.nonce())
    assert status is not PasswordStatus.RIGHT
    assert counter.again(visit).state is VisitState.ID_CHECKED
    if number == GUANGDONG:
        assert credentials(counter).wrong_tries == 1


def test_right_card_after_a_wrong_one_proves_the_owner(counter: Counter):
    visit = counter.visits.start(Msisdn(GUANGDONG), LI)
    counter.visits.check_ids(visit, IdentityMode.OWNER, AGENT_ID, None)
    counter.visits.check_ids(counter.again(visit), IdentityMode.OWNER, OWNER_ID, None)
    status = counter.visits.enter_password(counter.again(visit), PASSWORD, counter.nonce())
    assert status is PasswordStatus.RIGHT


@pytest.mark.parametrize("number", [GUANGDONG, ZHEJIANG])
def test_third_wrong_password_ends_the_tries_of_a_visit(counter: Counter, number: str):
    visit = counter.visits.start(Msisdn(number), LI)
    counter.visits.check_ids(visit, IdentityMode.OWNER, OWNER_ID, None)
    for _ in range(3):
        counter.visits.enter_password(counter.again(visit), WRONG, counter.nonce())
    assert counter.again(visit).state is VisitState.LOCKED
    with pytest.raises(VisitRefusedError, match="tries_used"):
        counter.visits.enter_password(counter.again(visit), PASSWORD, counter.nonce())


def test_three_wrong_tries_lock_the_password_for_the_day(counter: Counter):
    for number in range(3):
        visit = counter.visits.start(Msisdn(GUANGDONG), LI)
        counter.visits.check_ids(visit, IdentityMode.OWNER, OWNER_ID, None)
        counter.visits.enter_password(counter.again(visit), f"{number}{WRONG[1:]}", counter.nonce())
    visit = counter.visit()
    assert visit.state is VisitState.ID_CHECKED
    assert any("服务密码" in each for each in notices(counter.built, GUANGDONG))


def test_failed_identifications_are_in_the_log_of_staff_with_a_masked_number(counter: Counter):
    visit, nonces = counter.visits.start(Msisdn(GUANGDONG), LI), ("a", "a", "b", "c")
    counter.visits.check_ids(visit, IdentityMode.OWNER, OWNER_ID, None)
    for nonce in nonces:
        counter.visits.enter_password(counter.again(visit), WRONG, nonce)
    with pytest.raises(VisitRefusedError):
        counter.visits.enter_password(counter.again(visit), WRONG, "d")
    counter.visit(ZHEJIANG)
    acts = [act for act in staff_acts(counter.built) if act.act == "identity_not_proven"]
    subjects = [f"{Msisdn(GUANGDONG).masked} {visit.id}"] * 3
    assert [act.subject for act in acts][:3] == subjects
    assert {(act.clerk, act.shop) for act in acts} == {("li", "天河店")}
    assert len(acts) == 4


def test_form_sent_twice_is_one_try(counter: Counter):
    visit, nonce = counter.visits.start(Msisdn(GUANGDONG), LI), counter.nonce()
    counter.visits.check_ids(visit, IdentityMode.OWNER, OWNER_ID, None)
    for _ in range(2):
        counter.visits.enter_password(counter.again(visit), WRONG, nonce)
    assert (credentials(counter).wrong_tries, counter.again(visit).tries) == (1, 1)


def test_right_password_sent_twice_identifies_once(counter: Counter):
    visit, nonce = counter.visits.start(Msisdn(GUANGDONG), LI), counter.nonce()
    counter.visits.check_ids(visit, IdentityMode.OWNER, OWNER_ID, None)
    before = counter.again(visit)
    assert counter.visits.enter_password(before, PASSWORD, nonce) is PasswordStatus.RIGHT
    assert counter.visits.enter_password(before, PASSWORD, nonce) is PasswordStatus.RIGHT
    assert len(lookups(counter)) == 1


def test_password_needs_a_checked_card(counter: Counter):
    visit = counter.visits.start(Msisdn(GUANGDONG), LI)
    with pytest.raises(VisitRefusedError, match="id_first"):
        counter.visits.enter_password(visit, PASSWORD, counter.nonce())
    with pytest.raises(VisitRefusedError, match="not_identified"):
        counter.act(visit, "cancel")


def test_first_act_records_the_owners_number_where_none_is(counter: Counter):
    counter.knows(ZHEJIANG, owner_id="")
    visit = counter.visit(ZHEJIANG)
    assert credentials(counter, ZHEJIANG).id_digest == ""
    counter.act(visit, "ask")
    counter.act(visit, "charges")
    assert credentials(counter, ZHEJIANG).id_digest.startswith("$argon2id$")
    assert [each.identity for each in counter.audit(ZHEJIANG)] == [
        "owner:id_recorded_now", "owner:id_matches",
    ]  # fmt: skip
    assert counter.visit(ZHEJIANG).owner_id is OwnerId.MATCHES


def test_agent_records_no_number_of_the_owner(counter: Counter):
    counter.knows(ZHEJIANG, owner_id="")
    visit = counter.visit(ZHEJIANG, agent=AGENT_ID)
    counter.act(visit, "ask")
    assert credentials(counter, ZHEJIANG).id_digest == ""
    assert counter.audit(ZHEJIANG)[0].identity == "agent:id_not_on_record"


def test_unreadable_digest_counts_as_none_and_is_not_replaced(counter: Counter):
    damaged = CustomerCredentials(
        Msisdn(ZHEJIANG), 1, id_digest="$argon2id$damaged",
        password_digest=generate_password_hash(PASSWORD, QUICK),
    )  # fmt: skip
    counter.put(damaged)
    visit = counter.visit(ZHEJIANG)
    assert visit.identity == "owner:id_not_on_record"
    counter.act(visit, "ask")
    assert credentials(counter, ZHEJIANG).id_digest == "$argon2id$damaged"


@pytest.mark.parametrize(
    "other",
    [
        Clerk(StaffMember("wang", Role.CLERK, "天河店"), LI.session),
        Clerk(StaffMember("li", Role.CLERK, "越秀店"), LI.session),
    ],
)
def test_another_clerk_or_shop_cannot_take_over_a_visit(counter: Counter, other: Clerk):
    visit = counter.visit()
    with pytest.raises(ForeignVisitError):
        counter.visits.find(visit.id, other)


def test_visit_ends_with_the_clerks_session(counter: Counter):
    visit = counter.visit()
    with pytest.raises(VisitRefusedError, match="ended"):
        counter.visits.find(visit.id, Clerk(LI.member, "session 2"))


def test_ended_visit_allows_no_act_and_ends_again_quietly(counter: Counter):
    visit = counter.visit()
    counter.visits.end(visit)
    counter.visits.end(visit)
    with pytest.raises(VisitRefusedError, match="ended"):
        counter.act(visit, "cancel")
    assert counter.audit() == []


@pytest.mark.parametrize("visit_id", ["", "1-", "zz-abc", "0-abcdefghjk", "0-../x", "9" * 50])
def test_unknown_visit_has_ended(counter: Counter, visit_id: str):
    with pytest.raises(VisitRefusedError, match="ended"):
        counter.visits.find(visit_id, LI)


def test_visit_expires_ten_minutes_after_its_last_step(counter: Counter, raw: "redis.Redis"):
    visit = counter.visit()
    (key,) = raw.keys(f"*visit:{visit.id}")
    assert 590 < raw.ttl(key) <= 600


def test_repr_of_a_visit_hides_the_number(counter: Counter):
    assert GUANGDONG[3:] not in repr(counter.visit())


def test_form_of_an_earlier_visit_proves_nothing_in_a_later_one(counter: Counter):
    first, nonce = counter.visits.start(Msisdn(GUANGDONG), LI), counter.nonce()
    counter.visits.check_ids(first, IdentityMode.OWNER, OWNER_ID, None)
    counter.visits.enter_password(counter.again(first), PASSWORD, nonce)
    later = counter.visits.start(Msisdn(GUANGDONG), LI)
    counter.visits.check_ids(later, IdentityMode.OWNER, OWNER_ID, None)
    counter.visits.enter_password(counter.again(later), WRONG, nonce)
    assert counter.again(later).state is VisitState.ID_CHECKED
