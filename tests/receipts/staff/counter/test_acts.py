"""Acts at a counter: the same results as at the other doors, each with its evidence."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from receipts.model.vocabulary import Channel, DisplayMode, Language, Msisdn
from receipts.staff.counter.acts import OPEN_BY_FORM, OPEN_BY_TEXT, SHOWING, SIGNED
from receipts.staff.counter.visits import VisitRefusedError
from receipts.subscriptions.consent import evidence_for, first_broken_link
from receipts.subscriptions.shared_actions import offer_id, shared_actions
from tests.conftest import BEIJING, GUANGDONG, UNICOM, UNKNOWN, Network, TestClock, shipped_book
from tests.support.counter import AGENT_ID, LI, Counter
from tests.support.fixtures import notices, stand, standing

Keys = Callable[..., list[str]]


def charges(counter: Counter, number: str = GUANGDONG) -> list[int]:
    month = counter.built.clock.now().strftime("%Y-%m")
    return [each.fen for each in counter.built.store.charges_of(Msisdn(number), [month])]


def offered(counter: Counter, number: str = GUANGDONG) -> str:
    return offer_id(standing(counter.built, number))


def test_owner_confirms_the_request_by_text(counter: Counter, keys: Keys, network: Network):
    assert keys(counter.visit(), OPEN_BY_TEXT) == ["offer"]
    customer = standing(counter.built, GUANGDONG)
    assert (customer.state, customer.order.channel) == ("pending", Channel.COUNTER)
    assert charges(counter) == []
    (text,) = notices(counter.built, GUANGDONG)
    assert "天河店" in text
    assert "回复“是”" in text or "回“是”" in text
    network.text(GUANGDONG, "是")
    assert standing(counter.built, GUANGDONG).state == "active"
    assert charges(counter)
    order, confirmed = counter.audit()
    assert (order.channel, order.action, order.clerk, order.shop) == (
        "counter",
        "order",
        "li",
        "天河店",
    )
    assert (confirmed.channel, confirmed.clerk, confirmed.reply_text) == ("text", "", "是")


def test_owner_signs_the_form(counter: Counter, keys: Keys):
    visit = counter.visit()
    assert keys(visit, OPEN_BY_FORM) == ["offer"]
    assert notices(counter.built, GUANGDONG) == []
    assert keys(visit, SIGNED, offered(counter)) == ["opened"]
    customer = standing(counter.built, GUANGDONG)
    assert (customer.state, customer.channel) == ("active", Channel.COUNTER)
    assert [each.action for each in counter.audit()] == ["order", "confirm"]
    order, confirmed = counter.audit()
    assert (confirmed.reply_text, confirmed.clerk, confirmed.shop) == (SIGNED, "li", "天河店")
    assert confirmed.identity == "owner:id_matches"
    assert order.serial != confirmed.serial
    assert order.shown_text == confirmed.shown_text != ""
    (text,) = notices(counter.built, GUANGDONG)
    assert "天河店" in text
    assert "已开通短信回执" in text


def test_signed_form_is_evidence_for_the_charge(counter: Counter):
    visit = counter.visit()
    counter.act(visit, OPEN_BY_FORM)
    counter.act(visit, SIGNED, offered(counter))
    month = counter.built.clock.now().strftime("%Y-%m")
    (charge,) = counter.built.store.charges_of(Msisdn(GUANGDONG), [month])
    evidence = evidence_for(counter.audit(), charge)
    assert evidence is not None
    assert (evidence.offer.action, evidence.reply.reply_text) == ("order", SIGNED)
    assert first_broken_link(counter.audit(), standing(counter.built, GUANGDONG).chain) is None


def test_agent_cannot_sign_for_the_owner(counter: Counter, keys: Keys):
    visit = counter.visit(agent=AGENT_ID)
    assert keys(visit, OPEN_BY_FORM) == ["no_such_way"]
    assert standing(counter.built, GUANGDONG).state == "none"
    assert keys(visit, OPEN_BY_TEXT) == ["offer"]
    assert keys(visit, SIGNED, offered(counter)) == ["no_such_way"]
    assert standing(counter.built, GUANGDONG).state == "pending"
    assert {each.agent for each in counter.audit()} == {visit.agent}


def test_form_of_an_expired_offer_is_offered_again(counter: Counter, keys: Keys, clock: TestClock):
    visit = counter.visit()
    counter.act(visit, OPEN_BY_FORM)
    offer = offered(counter)
    clock.move(hours=49)
    assert keys(visit, SIGNED, offer) == ["offer_again"]
    assert standing(counter.built, GUANGDONG).state == "pending"
    assert charges(counter) == []


def test_form_of_another_offer_opens_nothing(counter: Counter, keys: Keys, clock: TestClock):
    visit = counter.visit()
    counter.act(visit, OPEN_BY_FORM)
    offer = offered(counter)
    clock.move(minutes=1)
    counter.act(visit, OPEN_BY_FORM)
    assert keys(visit, SIGNED, offer) == ["offer_again"]
    assert charges(counter) == []


def test_pending_request_is_cancelled(counter: Counter, keys: Keys):
    visit = counter.visit()
    counter.act(visit, OPEN_BY_TEXT)
    assert keys(visit, "no") == ["order_decline"]
    assert standing(counter.built, GUANGDONG).state == "none"


@pytest.mark.parametrize("act", ["cancel", "cancel_all"])
@pytest.mark.parametrize("agent", [None, AGENT_ID])
def test_cancelling_is_one_act_in_either_mode(
    counter: Counter, keys: Keys, network: Network, act: str, agent: None
):
    network.open()
    assert keys(counter.visit(agent=agent), act) == ["cancelled_later"]
    assert standing(counter.built, GUANGDONG).state == "ending"
    assert "已取消短信回执" in notices(counter.built, GUANGDONG)[0]


@pytest.mark.parametrize(
    ("act", "mode"), [("ordinary", DisplayMode.TEXT), ("flash", DisplayMode.FLASH)]
)
def test_mode_is_switched_and_each_time_on_record(
    counter: Counter, keys: Keys, act: str, mode: DisplayMode
):
    stand(counter.built, GUANGDONG, "active")
    visit = counter.visit()
    counter.act(visit, act)
    assert keys(visit, act) == [f"still_{mode}"]
    assert standing(counter.built, GUANGDONG).mode is mode
    assert len(counter.audit()) == 2


@pytest.mark.parametrize(("act", "language"), [("english", Language.EN), ("chinese", Language.ZH)])
def test_language_is_set_and_on_record(counter: Counter, act: str, language: Language):
    stand(counter.built, GUANGDONG, "active")
    counter.act(counter.visit(), act)
    assert standing(counter.built, GUANGDONG).language is language
    (entry,) = counter.audit()
    assert (entry.action, entry.clerk, entry.shop) == (act, "li", "天河店")


@pytest.mark.parametrize("act", ["news", "public_interest", "advertising", "no_messages"])
def test_extras_are_chosen(counter: Counter, act: str):
    stand(counter.built, GUANGDONG, "active")
    counter.act(counter.visit(), act)
    kind = {"no_messages": "none"}.get(act, act)
    assert standing(counter.built, GUANGDONG).promotions == kind
    assert counter.audit()[-1].shop == "天河店"


@pytest.mark.parametrize("act", SHOWING)
def test_what_is_shown_is_on_record_and_changes_nothing(counter: Counter, act: str):
    before = stand(counter.built, GUANGDONG, "active")
    counter.act(counter.visit(), act)
    after = standing(counter.built, GUANGDONG)
    assert replace(after, version=before.version, chain="") == before
    assert [each.action for each in counter.audit()] == [act]
    assert notices(counter.built, GUANGDONG) == []


def test_every_shared_action_is_an_act(counter: Counter):
    assert set(shared_actions(counter.built.policy)) <= counter.acts.names


def test_refused_act_changes_nothing_and_is_on_record(counter: Counter, keys: Keys):
    assert keys(counter.visit(), "cancel") == ["not_open"]
    assert standing(counter.built, GUANGDONG).state == "none"
    (entry,) = counter.audit()
    assert (entry.action, entry.state_before, entry.state_after) == ("cancel", "none", "none")
    assert notices(counter.built, GUANGDONG) == []


@pytest.mark.parametrize(
    ("number", "reason"),
    [(BEIJING, "not_covered"), (UNICOM, "not_on_net"), (UNKNOWN, "province_unknown")],
)
def test_number_that_is_not_served_is_refused(
    counter: Counter, keys: Keys, number: str, reason: str
):
    counter.knows(number)
    assert keys(counter.visit(number), OPEN_BY_FORM) == [reason]
    assert standing(counter.built, number).state == "none"


def test_province_without_counters_names_its_doors_and_still_cancels(counter: Counter):
    book = shipped_book()
    guangdong = book.provinces["CN-GD"]
    doors = tuple(each for each in guangdong.doors if each is not Channel.COUNTER)
    book = replace(book, provinces=book.provinces | {"CN-GD": replace(guangdong, doors=doors)})
    elsewhere = Counter(counter.built.with_changes(book))
    visit = counter.visit()
    (message,) = elsewhere.act(visit, OPEN_BY_FORM).messages
    assert message[0] == "door_missing"
    assert "7500" in message[1]["doors"]
    stand(counter.built, GUANGDONG, "active")
    assert elsewhere.act(visit, "cancel").messages[0][0] == "cancelled_later"


def test_unknown_province_is_chosen_once(counter: Counter):
    counter.knows(UNKNOWN)
    visit = counter.visit(UNKNOWN)
    counter.act(visit, "province", "CN-ZJ")
    counter.act(visit, "province", "CN-GD")
    counter.act(visit, "province", "nowhere")
    assert standing(counter.built, UNKNOWN).province == "CN-ZJ"


def test_form_sent_twice_counts_once(counter: Counter):
    stand(counter.built, GUANGDONG, "active")
    visit = counter.visit()
    first = counter.act(visit, "cancel", nonce="n" * 16)
    assert counter.act(visit, "cancel", nonce="n" * 16) == first
    assert len(counter.audit()) == 1
    assert len(notices(counter.built, GUANGDONG)) == 1
    assert counter.again(visit).acts == 1


def test_serial_numbers_count_the_acts_of_a_visit(counter: Counter):
    visit = counter.visit()
    serials = [counter.act(visit, "ask").next for _ in range(3)]
    assert [each.rpartition("-")[2] for each in serials] == ["1", "2", "3"]
    assert len({each.rpartition("-")[0] for each in serials}) == 1
    assert [each.serial for each in counter.audit()] == serials
    assert counter.act(counter.visit(), "ask").next not in serials


def test_repeat_after_the_visit_has_ended_gets_the_first_reply(counter: Counter):
    stand(counter.built, GUANGDONG, "active")
    visit = counter.visit()
    first = counter.act(visit, "cancel", nonce="n" * 16)
    counter.visits.end(visit)
    assert counter.act(visit, "cancel", nonce="n" * 16) == first
    with pytest.raises(VisitRefusedError):
        counter.act(visit, "ask")


def test_texts_to_the_number_are_in_the_customers_language(counter: Counter):
    stand(counter.built, GUANGDONG, "active", language=Language.EN)
    reply = counter.act(counter.visit(), "cancel")
    assert reply.language == "zh"
    (text,) = notices(counter.built, GUANGDONG)
    assert text.startswith(
        ("Done for you: SMS Receipt is cancelled", "At 天河店: SMS Receipt is cancelled")
    )


def test_available_acts_are_those_that_change_something(counter: Counter):
    customer = stand(counter.built, GUANGDONG, "active")
    available = counter.acts.available(customer, Language.ZH)
    assert available == {"cancel", "ordinary", "news", "public_interest", "advertising"}
    assert LI.member.shop == "天河店"
