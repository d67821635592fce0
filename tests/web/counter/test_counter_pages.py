"""Pages of the counter: find, identity, keypad, customer, acts, and the end of a visit."""

import pytest
from msgspec.structs import replace

from app.bootstrap import Container
from app.factory import create_app
from receipts.model.staff import StaffArea
from receipts.model.vocabulary import Channel, DisplayMode
from receipts.staff.counter.identity import check_digit
from tests.conftest import BEIJING, GUANGDONG, UNICOM, UNKNOWN, ZHEJIANG, Network, shipped_book
from tests.support.browser import Form
from tests.support.counter import AGENT_ID, OWNER_ID, PASSWORD, Counter
from tests.support.counter_pages import CounterBrowser, offers
from tests.support.fixtures import a_receipt, notices, stand, standing
from tests.support.metrics import counted
from tests.web.counter.conftest import Clerks

pytestmark = pytest.mark.usefixtures("customer")

WRONG = "975310"


def test_first_page_asks_for_a_number(clerk: Clerks):
    seen = clerk().goes()
    assert "Which number is it for?" in seen.text


@pytest.mark.parametrize("typed", ["", "7500", "12345", "+1 202 555 0123", "x" * 500, "139"])
def test_wrong_number_is_kept_in_its_field(clerk: Clerks, typed: str):
    browser = clerk()
    seen = browser.finds(typed)
    assert (seen.status, seen.value("number")) == (400, typed[:64])
    assert "11 digits" in seen.text


@pytest.mark.parametrize("number", [GUANGDONG, ZHEJIANG, BEIJING, UNICOM, UNKNOWN])
def test_each_number_gets_the_same_pages_before_its_identity_is_proven(clerk: Clerks, number: str):
    browser = clerk()
    found = browser.finds(number)
    assert "Check identity cards" in found.text
    browser.shows_cards()
    wrong = browser.keys(WRONG)
    assert wrong.status == 400
    said = "The identity is not proven: the identity number or the service password is not"
    assert said in wrong.text
    for page in ("", "/offer", "/confirm", "/cancel", "/services", "/receipts", "/charges"):
        seen = browser.goes(browser.visit + page)
        assert seen.answer.request.path == f"/counter/{browser.visit}/keypad"


def test_owner_is_identified_and_subscribes_by_text(
    clerk: Clerks, built: Container, network: Network
):
    browser = clerk()
    seen = browser.identifies()
    assert seen.state == "Not subscribed"
    assert "ID matches the record" in seen.text
    offer = browser.goes(f"{browser.visit}/offer")
    assert "China Mobile numbers" in offer.text
    seen = browser.act(offer, "open_by_text")
    assert "Waiting for the owner to confirm" in seen.text
    assert "Serial number" in seen.text
    assert standing(built, GUANGDONG).state == "pending"
    network.text(GUANGDONG, "是")
    assert browser.goes(browser.visit).state == "On"


def test_owner_signs_the_form(clerk: Clerks, built: Container):
    browser = clerk(language="zh")
    browser.identifies()
    seen = browser.act(browser.goes(f"{browser.visit}/offer"), "open_by_form")
    assert standing(built, GUANGDONG).state == "pending"
    seen = browser.act(seen, "signed")
    assert seen.state == "使用中"
    assert "短信回执已开通" in seen.text
    assert standing(built, GUANGDONG).state == "active"


def test_agent_has_no_form_to_sign(clerk: Clerks):
    browser = clerk()
    seen = browser.identifies(with_agent=True)
    assert "An agent for the owner" in seen.text
    offer = browser.goes(f"{browser.visit}/offer")
    assert offers(offer, "open_by_text")
    assert not offers(offer, "open_by_form")
    assert not offers(browser.act(offer, "open_by_text"), "signed")


@pytest.mark.parametrize(
    ("owner", "agent", "mode", "said"),
    [
        ("110105194912310021", "", "owner", "The check digit does not fit"),
        ("110105491231002", "", "owner", "an old number of 15 digits"),
        ("", "", "owner", "18 characters"),
        (OWNER_ID, "", "agent", "18 characters"),
        (OWNER_ID, OWNER_ID.lower(), "agent", "Agent and owner have the same number"),
        (OWNER_ID, "440524188001010015", "agent", "The check digit does not fit"),
        ("110105202702290026", "", "owner", "does not exist"),
    ],
)
def test_wrong_card_number_is_refused_with_its_reason(
    clerk: Clerks, owner: str, agent: str, mode: str, said: str
):
    browser = clerk()
    browser.finds()
    seen = browser.shows_cards(owner, agent, mode)
    assert seen.status == 400
    assert said in seen.text
    assert not owner or owner not in seen.html


def test_numbers_of_no_person_are_for_a_demo(clerk: Clerks, built: Container):
    assert not built.settings.movable_clock
    browser = clerk()
    browser.finds()
    assert (
        "the code of no place"
        in browser.shows_cards("00000019900101001" + check_digit("00000019900101001")).text
    )


def test_third_wrong_entry_ends_the_tries(clerk: Clerks, built: Container):
    browser = clerk()
    browser.finds()
    browser.shows_cards()
    browser.keys(WRONG)
    browser.keys(WRONG)
    seen = browser.keys(WRONG)
    assert "No more tries in this visit" in seen.text
    assert browser.goes(f"{browser.visit}/keypad").answer.request.path.endswith("/locked")
    assert len(notices(built, GUANGDONG)) == 1
    assert "Which number" in browser.sends(seen.form_to("end")).text


def test_password_and_card_numbers_are_in_no_address(
    clerk: Clerks, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
):
    browser = clerk()
    seen = browser.identifies(with_agent=True)
    captured = capsys.readouterr()
    logged = caplog.text + captured.out + captured.err
    for secret in (PASSWORD, OWNER_ID, AGENT_ID, GUANGDONG[3:]):
        assert secret not in seen.answer.request.url
        assert secret not in logged


def test_cancel_shows_its_effect_first(clerk: Clerks, built: Container, network: Network):
    network.open()
    browser = clerk()
    assert browser.identifies().state == "On"
    seen = browser.act(browser.goes(f"{browser.visit}/cancel"), "cancel")
    assert "SMS Receipt is cancelled" in seen.text
    assert standing(built, GUANGDONG).state == "ending"


def test_switch_language_and_extras(clerk: Clerks, built: Container):
    stand(built, GUANGDONG, "active")
    browser = clerk()
    seen = browser.act(browser.identifies(), "ordinary")
    assert standing(built, GUANGDONG).mode is DisplayMode.TEXT
    assert "regular texts" in seen.text
    browser.acts("english")
    browser.acts("news")
    customer = standing(built, GUANGDONG)
    assert (customer.language, customer.promotions) == ("en", "news")


def test_look_ups_have_a_serial_number(clerk: Clerks, built: Container, customer: Counter):
    stand(built, GUANGDONG, "active")
    a_receipt(built, GUANGDONG)
    browser = clerk()
    seen = browser.identifies()
    pages = {"ask": "Status", "receipts": "13957112345", "charges": "Why was I charged?"}
    for act, word in (pages | {"list_all": "All subscriptions"}).items():
        shown = browser.act(seen, act)
        assert word in shown.text
        assert "Serial number" in shown.text
    assert [each.action for each in customer.audit()] == [*pages, "list_all"]
    assert {each.shop for each in customer.audit()} == {"天河店"}


def test_list_cancels_all(clerk: Clerks, built: Container):
    stand(built, GUANGDONG, "active")
    browser = clerk()
    browser.act(browser.act(browser.identifies(), "list_all"), "cancel_all")
    assert standing(built, GUANGDONG).state == "ending"


def test_form_sent_twice_acts_once(clerk: Clerks, built: Container, customer: Counter):
    stand(built, GUANGDONG, "active")
    browser = clerk()
    form = browser.goes(browser.identifies().answer.request.path.removeprefix("/counter/"))
    button = next(each for each in form.forms if each.fields.get("act") == "ordinary")
    first, second = browser.sends(button), browser.sends(button)
    assert first.answer.request.path == second.answer.request.path
    assert len(customer.audit()) == 1


@pytest.mark.parametrize(("name", "shop"), [("wang", "天河店"), ("wang", "越秀店")])
def test_another_clerk_is_refused_and_counted(
    clerk: Clerks, built: Container, name: str, shop: str
):
    stand(built, GUANGDONG, "active")
    browser, other = clerk(), clerk(name, shop)
    browser.identifies()
    before = counted("sms_receipt_refused", why="visit of another clerk")
    seen = other.goes(browser.visit)
    assert seen.status == 403
    assert GUANGDONG[3:] not in seen.html
    fields = other.goes().form_to("find").fields
    tried = other.sends(Form(f"/counter/{browser.visit}/act", fields | {"act": "cancel"}))
    assert tried.status == 403
    assert standing(built, GUANGDONG).state == "active"
    assert counted("sms_receipt_refused", why="visit of another clerk") == before + 2


def test_visit_ends_with_its_button_and_with_the_session(clerk: Clerks):
    browser = clerk()
    seen = browser.identifies()
    visit = browser.visit
    assert "The visit has ended" in browser.sends(seen.form_to("end")).text
    assert "That visit has ended" in browser.goes(visit).text
    seen = browser.identifies()
    browser.sends(seen.form_to("sign-out"))
    browser.signs_in_at_shop()
    assert "That visit has ended" in browser.goes(browser.visit).text


def test_form_of_another_shop_is_refused_and_counted(clerk: Clerks):
    browser, same, other = clerk(), clerk("wang"), clerk("zhou", "越秀店")
    browser.identifies()
    html = browser.acts("ask").html
    form = html[html.index("/counter/form/") :].partition('"')[0].removeprefix("/counter/")
    before = counted("sms_receipt_refused", why="form of another shop")
    assert [each.goes(form).status for each in (browser, same, other)] == [200, 200, 403]
    assert counted("sms_receipt_refused", why="form of another shop") == before + 1


@pytest.mark.parametrize("page", ["", "/offer"])
def test_visit_goes_on_after_a_switch_of_language(clerk: Clerks, page: str):
    browser = clerk()
    browser.identifies()
    seen = browser.sends(browser.goes(browser.visit + page).form_to("language"))
    assert seen.answer.request.path == f"/counter/{browser.visit}{page}"
    assert '<html lang="zh-CN">' in seen.html


def test_two_tabs_serve_two_customers(clerk: Clerks, customer: Counter):
    customer.knows(ZHEJIANG)
    browser = clerk()
    first, one = browser.identifies(), browser.visit
    second, two = browser.identifies(ZHEJIANG), browser.visit
    assert one != two
    assert GUANGDONG[3:] in browser.goes(one).text
    assert ZHEJIANG[3:] in browser.goes(two).text
    del first, second


@pytest.mark.parametrize("act", ["", "opens", "open", "ACT", "x" * 99, "../", "set_mode"])
def test_unknown_act_is_refused(clerk: Clerks, customer: Counter, act: str):
    browser = clerk()
    browser.identifies()
    assert browser.acts(act).status == 400
    assert customer.audit() == []


def test_act_without_its_key_is_refused(clerk: Clerks, customer: Counter):
    browser = clerk()
    browser.identifies()
    assert browser.acts("ask", once="short").status == 400
    assert customer.audit() == []


def test_province_without_counters_says_so_and_names_the_doors(
    clerk: Clerks, built: Container, customer: Counter
):
    del customer
    book = shipped_book()
    guangdong = book.provinces["CN-GD"]
    doors = tuple(each for each in guangdong.doors if each is not Channel.COUNTER)
    changed = replace(guangdong, doors=doors)
    book = replace(book, provinces=book.provinces | {"CN-GD": changed})
    browser = clerk()
    elsewhere = create_app(built.settings, built.with_changes(book)).test_client()
    other = CounterBrowser(elsewhere, StaffArea.COUNTER, browser.name, "en", shop=browser.shop)
    other.signs_in_at_shop()
    seen = other.identifies()
    assert "This cannot be done at a store in Guangdong" in seen.text
    assert "7500" in seen.text
    assert not offers(seen, "open_by_text")
    assert other.goes(f"{other.visit}/offer").answer.request.path == f"/counter/{other.visit}"


def test_unknown_province_is_chosen(clerk: Clerks, built: Container, customer: Counter):
    customer.knows(UNKNOWN)
    browser = clerk()
    seen = browser.identifies(UNKNOWN)
    form = next(each for each in seen.forms if each.fields.get("act") == "province")
    browser.sends(form, given="CN-ZJ")
    assert standing(built, UNKNOWN).province == "CN-ZJ"
