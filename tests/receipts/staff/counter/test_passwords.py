"""Service passwords at a counter: chosen by the owner, or a first value by text."""

import pytest

from app.bootstrap import Container
from app.pages.counter_services import counter_passwords
from receipts.delivery.service_passwords import PasswordStatus
from receipts.model.counter import CounterVisit, IdentityMode
from receipts.model.receipt import MessageKind
from receipts.model.vocabulary import Language, Msisdn
from receipts.ports.changes import Reply
from receipts.staff.counter.identity import ResidentId
from receipts.staff.counter.passwords import CounterPasswords
from receipts.staff.counter.visits import VisitRefusedError
from statemachines.counter_visit import VisitState
from statemachines.service_password import PasswordState
from tests.conftest import GUANGDONG
from tests.support.counter import AGENT_ID, LI, OWNER_ID, PASSWORD, Counter

NUMBER = Msisdn(GUANGDONG)
NEW = "730529"


@pytest.fixture
def setting(built: Container) -> CounterPasswords:
    return counter_passwords(built)


def checked(counter: Counter, agent: ResidentId | None = None) -> CounterVisit:
    """A visit with identity cards seen, and no password entered."""
    visit = counter.visits.start(NUMBER, LI)
    mode = IdentityMode.AGENT if agent else IdentityMode.OWNER
    counter.visits.check_ids(visit, mode, OWNER_ID, agent)
    return counter.again(visit)


def key(reply: Reply) -> str:
    return reply.messages[0][0]


def state(setting: CounterPasswords) -> PasswordState:
    passwords = setting.passwords
    return passwords.state(passwords.store.load(NUMBER, credentials=True).credentials)


def test_owner_with_a_card_on_record_chooses_a_password_without_the_present_one(
    counter: Counter, setting: CounterPasswords
):
    visit = checked(counter)
    reply = setting.choose(visit, OWNER_ID, NEW, counter.nonce(), Language.ZH)
    assert (key(reply), state(setting)) == ("password_chosen", PasswordState.CHOSEN)
    (entry,) = counter.audit()
    assert (entry.serial, entry.clerk, entry.shop) == (reply.next, "li", "天河店")
    assert (entry.action, entry.identity) == ("password_chosen", "owner:id_matches")
    status = counter.visits.enter_password(counter.again(visit), NEW, counter.nonce())
    assert status is PasswordStatus.RIGHT


def test_reset_texts_a_first_value_that_proves_nothing_until_changed(
    counter: Counter, setting: CounterPasswords, built: Container
):
    visit = checked(counter)
    reply = setting.reset(visit, OWNER_ID, counter.nonce(), Language.EN)
    assert (key(reply), state(setting)) == ("password_issued", PasswordState.INITIAL)
    assert not built.store.receipts_of(NUMBER, None, MessageKind.NOTICE)
    again = counter.again(visit)
    assert counter.visits.enter_password(again, PASSWORD, counter.nonce()) == "wrong"


def test_form_sent_twice_sets_one_password_with_one_serial_number(
    counter: Counter, setting: CounterPasswords
):
    visit, nonce = checked(counter), counter.nonce()
    replies = [setting.reset(visit, OWNER_ID, nonce, Language.ZH) for _ in range(2)]
    assert replies[0] == replies[1]
    assert len(counter.audit()) == 1


def test_card_that_differs_changes_nothing(counter: Counter, setting: CounterPasswords):
    visit = checked(counter)
    reply = setting.choose(visit, AGENT_ID, NEW, counter.nonce(), Language.ZH)
    assert (key(reply), reply.next, counter.audit()) == ("password_not_proven", "", [])


def test_cards_that_differ_are_wrong_tries_that_lock_the_password_and_tell_the_owner(
    counter: Counter, setting: CounterPasswords, built: Container
):
    for _ in range(3):
        setting.reset(checked(counter), AGENT_ID, counter.nonce(), Language.ZH)
    assert state(setting) is PasswordState.LOCKED
    assert len(built.store.receipts_of(NUMBER, None, MessageKind.NOTICE)) == 1
    reply = setting.reset(checked(counter), OWNER_ID, counter.nonce(), Language.ZH)
    assert (key(reply), state(setting)) == ("password_issued", PasswordState.INITIAL)


def test_form_with_a_card_that_differs_counts_once(counter: Counter, setting: CounterPasswords):
    visit, nonce = checked(counter), counter.nonce()
    for _ in range(3):
        setting.reset(visit, AGENT_ID, nonce, Language.ZH)
    assert state(setting) is PasswordState.CHOSEN


def test_refusal_before_identification_does_not_tell_whether_a_card_is_on_record(
    counter: Counter, setting: CounterPasswords
):
    visit = checked(counter)
    differs = setting.reset(visit, AGENT_ID, counter.nonce(), Language.ZH)
    counter.put_without_card()
    assert setting.reset(visit, AGENT_ID, counter.nonce(), Language.ZH) == differs


def test_agent_cannot_set_a_password(counter: Counter, setting: CounterPasswords):
    visit = checked(counter, AGENT_ID)
    reply = setting.reset(visit, OWNER_ID, counter.nonce(), Language.ZH)
    assert (key(reply), state(setting)) == ("password_owner_only", PasswordState.CHOSEN)


def test_first_card_needs_the_present_password(counter: Counter, setting: CounterPasswords):
    counter.put_without_card()
    visit = checked(counter)
    refused = setting.reset(visit, OWNER_ID, counter.nonce(), Language.ZH)
    assert key(refused) == "password_not_proven"
    counter.visits.enter_password(visit, PASSWORD, counter.nonce())
    visit = counter.again(visit)
    assert key(setting.choose(visit, OWNER_ID, NEW, counter.nonce(), Language.ZH)) == (
        "password_chosen"
    )


@pytest.mark.parametrize("new", ["111111", "123456", "802880", "491231"])
def test_weak_password_is_refused_with_its_reason(
    counter: Counter, setting: CounterPasswords, new: str
):
    reply = setting.choose(checked(counter), OWNER_ID, new, counter.nonce(), Language.ZH)
    assert key(reply).startswith("password_")
    assert (reply.next, counter.audit()) == ("", [])


def test_ended_visit_sets_nothing(counter: Counter, setting: CounterPasswords):
    visit = checked(counter)
    counter.visits.end(visit)
    with pytest.raises(VisitRefusedError):
        setting.reset(visit, OWNER_ID, counter.nonce(), Language.ZH)


def issue(counter: Counter, setting: CounterPasswords) -> None:
    """Make the customer's password a first value."""
    snapshot = setting.passwords.store.load(NUMBER, credentials=True)
    known = snapshot.credentials
    assert known is not None
    counter.put(
        setting.passwords.issued(snapshot, PASSWORD, known.password_digest, "a").credentials
    )


def test_first_value_at_the_keypad_is_no_wrong_try(counter: Counter, setting: CounterPasswords):
    visit = checked(counter)
    issue(counter, setting)
    status = counter.visits.enter_password(visit, PASSWORD, counter.nonce())
    assert (status, counter.again(visit).tries) == (PasswordStatus.MUST_CHANGE, 0)


def test_owner_without_a_card_on_record_replaces_a_first_value_and_is_identified(
    counter: Counter, setting: CounterPasswords
):
    counter.put_without_card()
    issue(counter, setting)
    visit = checked(counter)
    counter.visits.enter_password(visit, PASSWORD, counter.nonce())
    reply = setting.choose(counter.again(visit), OWNER_ID, NEW, counter.nonce(), Language.ZH)
    assert (key(reply), state(setting)) == ("password_chosen", PasswordState.CHOSEN)
    status = counter.visits.enter_password(counter.again(visit), NEW, counter.nonce())
    assert (status, counter.again(visit).state) == (PasswordStatus.RIGHT, VisitState.IDENTIFIED)


@pytest.mark.parametrize("later", ["another card", "a wrong password", "no first value"])
def test_first_value_without_a_card_on_record_proves_its_holder_alone(
    counter: Counter, setting: CounterPasswords, later: str
):
    counter.put_without_card()
    issue(counter, setting)
    visit = checked(counter)
    if later != "no first value":
        counter.visits.enter_password(visit, PASSWORD, counter.nonce())
    if later == "another card":
        counter.visits.check_ids(visit, IdentityMode.OWNER, AGENT_ID, None)
    if later == "a wrong password":
        counter.visits.enter_password(visit, "975310", counter.nonce())
    for owner in (OWNER_ID, AGENT_ID):
        reply = setting.choose(counter.again(visit), owner, NEW, counter.nonce(), Language.ZH)
        assert (key(reply), reply.next) == ("password_not_proven", "")
    with pytest.raises(VisitRefusedError):
        counter.act(counter.again(visit), "cancel")
    assert state(setting) in {PasswordState.INITIAL, PasswordState.INITIAL_LOCKED}
