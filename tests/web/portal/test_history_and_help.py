"""History of changes, unpaid fees, and the help page."""

import re

import pytest
import redis
from msgspec import structs

from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings
from ivr.menu import main_menu_keys
from receipts.model.charge import AuditEntry
from receipts.model.vocabulary import Intent, Language, Msisdn
from receipts.ports.changes import ChangeSet
from receipts.rulebook.schema import LocalizedName
from receipts.staff.counter.acts import CounterActs
from receipts.staff.counter.passwords import CHOOSE, RESET
from statemachines.receipt import STAFF
from statemachines.subscription import SubscriptionEvent
from tests.conftest import GUANGDONG, Network, TestClock
from tests.support.browser import Browser
from tests.support.fixtures import GUANGXI, HEBEI, SHANXI, stand
from tests.support.months import Months
from tests.web.portal.conftest import Browsers


@pytest.mark.fixed_day
def test_history_lists_changes_newest_first_with_the_price_shown(
    customer: Browser, network: Network, clock: TestClock
):
    assert "暂无变更记录" in customer.goes("history").text
    network.text(GUANGDONG, "KTDXHZ")
    clock.move(minutes=1)
    network.text(GUANGDONG, "Y")
    clock.move(minutes=1)
    customer.goes()
    customer.presses("ordinary")
    text = customer.goes("history").text
    acts = ("更改回执接收方式", "确认开通短信回执", "申请开通短信回执")
    places = [text.index(act) for act in acts]
    assert places == sorted(places)
    assert "2026-11-22 12:02 网上营业厅" in text
    assert text.count("7500短信 当时告知您的内容") == 2
    assert "每月1元" in text[places[2] :]
    assert "已改为普通短信" in text
    english = customer.presses("english")
    assert english.status == 200
    assert "Requested SMS Receipt" in customer.goes("history").text
    assert "by text to 7500" in customer.seen.text


def test_request_within_a_service_is_about_keeping_it(customer: Browser):
    customer.opens()
    customer.goes("cancel")
    customer.presses("cancel")
    customer.opens()
    text = customer.goes("history").text
    assert "确认继续使用短信回执" in text
    assert text.index("申请继续使用短信回执") < text.index("取消短信回执，月底生效")


def test_act_of_staff_shows_shop_and_form_and_no_words_of_theirs(
    customer: Browser, built: Container
):
    at, held = built.clock.now(), built.store.load(Msisdn(GUANGDONG)).subscription
    entry = AuditEntry(at, held.number, "counter", "counter:x", "none", "none",
                       action=RESET, shop="天河营业厅", serial="TH-0001")  # fmt: skip
    console = AuditEntry(at, held.number, "console", "receipt:1", "none", "none",
                         shown_text="unsure > sent", action="staff_sent")  # fmt: skip
    built.store.commit(ChangeSet(held.number, audit=(entry, console)))
    text = customer.goes("history").text
    assert "重置服务密码" in text
    assert "营业厅（天河营业厅） · 单号TH-0001" in text
    assert "核实一条回执：已发出" in text
    assert "由工作人员处理" in text
    assert "unsure" not in text


@pytest.mark.fixed_day
def test_act_of_the_clock_is_not_called_the_customers(
    browsers: Browsers, built: Container, network: Network, clock: TestClock
):
    network.text(GUANGDONG, "KTDXHZ")
    months = Months(built, clock)
    months.pass_to("2026-11-30 09:00")
    browser = browsers()
    browser.signs_in()
    text = browser.goes("history").text
    assert "未在期限内确认，申请失效 2026-11-30 09:00 系统自动处理" in text


def test_history_has_pages(customer: Browser, clock: TestClock):
    customer.opens()
    for index in range(33):
        clock.move(seconds=1)
        customer.goes()
        customer.presses("flash" if index % 2 else "ordinary")
    first = customer.goes("history")
    assert first.text.count("更改回执接收方式") == 30
    second = customer.goes(first.link("next"))
    assert second.text.count("更改回执接收方式") == 3
    assert "确认开通短信回执" in second.text
    assert customer.goes(second.link("prev")).text == first.text
    for odd in ("0", "-1", "x", "9" * 9):
        assert customer.goes(f"history?page={odd}").text == first.text
    assert "暂无变更记录" in customer.goes("history?page=9").text


def test_every_change_has_its_words(built: Container):
    texts = built.portal(lambda: Msisdn(GUANGDONG)).catalogue
    acts = {event.value for event in SubscriptionEvent} - {"consent"}
    acts |= {f"consent_{kind}" for kind in ("news", "public_interest", "advertising")}
    acts |= {f"keep_{event}" for event in ("order", "confirm", "decline", "lapse")}
    acts |= {event.value for event in STAFF} | {CHOOSE, RESET}
    acts |= CounterActs(built.store, built.policy, built.lifecycle, built.clock, str).names
    for act in acts:
        assert f"act.{act}" in texts, act


# -- unpaid fees


@pytest.mark.fixed_day
def test_unpaid_fee_is_shown_with_its_month_amount_and_end(
    browsers: Browsers, built: Container, clock: TestClock, network: Network
):
    months = Months(built, clock)
    network.open(GUANGDONG)
    months.pass_to("2026-12-03 09:00")
    months.collected(GUANGDONG, "2026-11", paid=False)
    browser = browsers()
    browser.signs_in()
    text = browser.goes().text
    assert "未缴费用 合计 1元" in text
    assert "月功能费（2026年11月） 1元" in text
    assert "最迟于2月1日终止" in text
    assert "可致电10086" in text
    browser.presses("english")
    assert "it ends on 1 February at the latest" in browser.goes().text
    months.pass_to("2027-02-01 00:01")
    browser.signs_in()
    assert "they are still unpaid" in browser.goes().text
    assert browser.seen.state == "Not subscribed"
    months.collected(GUANGDONG, "2026-11", paid=True)
    assert "unpaid" not in browser.goes().text


def test_rule_book_says_how_to_pay(
    settings: Settings, built: Container, raw: "redis.Redis", network: Network
):
    network.open(GUANGDONG)
    stand(built, GUANGDONG, "active", unpaid=("2026-11",))
    payment = LocalizedName(zh="请用手机缴费。", en="Please pay by phone.")
    ours = built.with_changes(structs.replace(built.book, payment=payment))
    browser = Browser(create_app(settings, ours).test_client(), raw)
    text = browser.signs_in().text
    assert "请用手机缴费。" in text
    assert "请咨询中国移动" not in text
    browser.presses("english")
    assert "Please pay by phone." in browser.goes().text


# -- help


def test_help_of_a_customer_is_about_the_own_province(browsers: Browsers):
    for number, name, word, price in (
        (GUANGDONG, "广东", "KTDXHZ", "每月1元"), (SHANXI, "山西", "KTHZ", "每条送达回执0.1元"),
    ):  # fmt: skip
        browser = browsers(number)
        browser.signs_in()
        text = browser.goes("help?province=CN-SN").text
        assert f"以下是{name}的办理方式和资费" in text
        assert word in text
        assert price in text
        assert "选择其他省" not in text
        assert "6个月" in text


def test_help_of_a_visitor_lists_provinces_and_shows_one(browser: Browser, built: Container):
    text = browser.goes("help").text
    for province in built.book.provinces.values():
        assert province.names.zh in text
    here = browser.goes(browser.seen.link("吉林")).text
    assert "以下是吉林的办理方式和资费" in here
    assert "KTHZ" in here
    assert "拨打10086" not in here  # Jilin has no hotline
    hebei = browser.goes("help?province=CN-HE").text
    assert "取消立即生效" in hebei
    assert "登录本页面" not in hebei
    for odd in ("CN-XX", "", "%00", "CN-GD" * 50):
        assert browser.goes(f"help?province={odd}").text == text


def test_visitor_changes_the_language_of_help_and_stays_there(browser: Browser):
    browser.goes("help")
    browser.presses("language", language="en")
    assert browser.seen.text.startswith("SMS Receipt")
    assert "How long we keep your data" in browser.seen.text
    browser.sends(browser.seen.form("language"), language="zh", page="//example.org")
    assert browser.addresses[-1] == "/hall/sign-in"


def test_every_key_of_the_hotline_and_keyword_has_its_words(built: Container):
    texts = built.portal(lambda: Msisdn(GUANGDONG)).catalogue
    keys = main_menu_keys(with_agent=True)
    assert set("123456*#09") == set(keys)
    assert all(f"help.key.{name}" in texts for names in keys.values() for name in names)
    answers = {Intent.YES, Intent.NO}
    assert all(f"help.word.{intent}" in texts for intent in set(Intent) - answers)


def test_agent_is_offered_only_where_there_is_one(built: Container):
    assert "0" not in main_menu_keys(with_agent=False)
    assert "0" not in built.portal(lambda: Msisdn(GUANGDONG)).hotline_keys


@pytest.mark.parametrize("number", [GUANGDONG, GUANGXI, HEBEI])
def test_help_is_wholly_in_english(browsers: Browsers, number: str, network: Network):
    network.open(number)
    browser = browsers(number, language="en")
    for path in ("help", "help?province=CN-GX"):
        text = browser.goes(path).text.replace("中文", "")
        assert not re.search(r"[\u4e00-\u9fff]", text), text
    assert Language.EN.value in browser.seen.html
