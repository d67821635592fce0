"""Portal actions: idempotency, offers, eligibility, language, promotions."""

import datetime as dt
from itertools import product

import pytest
import redis

from app.bootstrap import Container
from receipts.model.customer import Order
from receipts.model.vocabulary import Channel, Language, Msisdn
from receipts.model.vocabulary import Network as Operator
from statemachines.subscription import SubscriptionState
from tests.conftest import BEIJING, GUANGDONG, JILIN, UNICOM, UNKNOWN, ZHEJIANG, Network, TestClock
from tests.support.browser import Browser
from tests.support.fixtures import (
    HEBEI,
    SHAANXI,
    audit,
    charges,
    contents,
    notices,
    stand,
    standing,
)
from tests.web.portal.conftest import Browsers


def test_double_click_runs_an_action_once(customer: Browser, built: Container, raw: redis.Redis):
    customer.goes("open")
    customer.presses("open")
    form = customer.seen.form("yes")
    first = customer.sends(form)
    before = contents(raw)
    again = customer.sends(form)
    assert again.told == first.told == ["短信回执已开通：每月1元，接收方式闪信。"]
    assert contents(raw) == before
    assert charges(built, GUANGDONG) == [("monthly", 100)]
    assert len(notices(built, GUANGDONG)) == 1
    # POST/redirect/GET: a reload shows the same reply.
    assert customer.goes(customer.addresses[-1].removeprefix("/hall/")).told == first.told


def test_resent_form_does_not_undo_later_actions(customer: Browser, built: Container):
    customer.opens()
    customer.goes("cancel")
    form = customer.seen.form("cancel")
    customer.sends(form)
    customer.opens()
    assert standing(built, GUANGDONG).state == "active"
    customer.sends(form)
    assert standing(built, GUANGDONG).state == "active"
    assert charges(built, GUANGDONG) == [("monthly", 100)]


def test_yes_to_an_outdated_offer_gets_a_new_one(
    customer: Browser, built: Container, clock: TestClock, network: Network
):
    customer.goes("open")
    customer.presses("open")
    stale = customer.seen.form("yes")
    clock.move(minutes=1)
    network.text(GUANGDONG, "开通短信回执")  # replaces the offer
    seen = customer.sends(stale)
    assert seen.told[0].startswith("您上次的申请已失效")
    assert (standing(built, GUANGDONG).state, charges(built, GUANGDONG)) == ("pending", [])
    late = customer.seen.form("yes")
    clock.move(hours=49)  # the expiry timer has not fired
    customer.signs_in()
    late.fields["csrf_token"] = customer.seen.form("sign-out").fields["csrf_token"]
    assert customer.sends(late).told[0].startswith("您上次的申请已失效")
    assert (standing(built, GUANGDONG).state, charges(built, GUANGDONG)) == ("pending", [])
    assert customer.presses("yes").state == "使用中"


def test_offer_and_answers_are_audited(customer: Browser, raw: redis.Redis):
    customer.opens()
    ordered, confirmed = audit(raw, GUANGDONG)
    assert (ordered["door"], ordered["heard"]) == ("web", "open")
    assert (confirmed["door"], confirmed["heard"]) == ("web", "yes")
    for entry in (ordered, confirmed):
        for fact in ("每月1元", "当月按整月收费", "QXDXHZ"):
            assert fact in entry["shown"]


@pytest.mark.parametrize(("number", "words"), [
    (UNICOM, "短信回执仅限中国移动客户使用"), (BEIJING, "您号码归属的北京暂未提供短信回执业务"),
    (HEBEI, "河北暂不支持网上办理，请通过7500短信、10086热线或"),
    (SHAANXI, "陕西暂不支持网上办理，请通过7500短信或营业厅办理。"),
])  # fmt: skip
def test_refusal_names_the_reason_and_other_channels(
    browsers: Browsers, built: Container, number: str, words: str
):
    # Only a number that may use the portal gets a code: this one may no longer.
    stand(built, number, "none", province="CN-GD", network=Operator.CHINA_MOBILE)
    browser = browsers(number)
    browser.signs_in()
    stand(built, number, "none", province=None, network=None)
    seen = browser.goes()
    assert words in seen.text
    assert not seen.offers("open")
    assert 'data-role="open"' not in seen.html
    assert browser.goes("open").text == seen.text
    assert words in browser.wishes("open").told[0]
    assert standing(built, number).state == "none"


def test_holder_can_cancel_in_a_province_without_portal(
    browsers: Browsers, built: Container, network: Network
):
    network.open(HEBEI)
    browser = browsers(HEBEI)
    browser.signs_in()
    browser.goes("cancel")
    assert "截至本月的费用照收" in browser.seen.text
    assert (
        browser.presses("cancel").told[0]
        == "短信回执已取消，立即生效，截至本月的费用照收，之后不再收费。"
    )
    assert standing(built, HEBEI).state == "none"


def test_unknown_province_is_asked_for(browsers: Browsers, built: Container):
    browser = browsers(UNKNOWN)
    seen = browser.signs_in()
    assert "您的号码归属哪个省" in seen.text
    assert "资费" not in seen.text
    for odd in ("", "CN-BJ", "CN-XX", "广东", "1"):
        browser.wishes("province", odd)
        assert standing(built, UNKNOWN).province is None
    assert "每月0.5元" in browser.goes().text or browser.presses("province", given="CN-JL")
    assert standing(built, UNKNOWN).province == "CN-JL"
    assert browser.opens().state == "使用中"
    assert standing(built, UNKNOWN).tariff == jilin_tariff(browsers, built)


def jilin_tariff(browsers: Browsers, built: Container) -> str | None:
    browser = browsers(JILIN)
    browser.signs_in()
    browser.opens()
    return standing(built, JILIN).tariff


def test_known_province_cannot_be_changed(customer: Browser, built: Container):
    customer.wishes("province", "CN-FJ")
    assert standing(built, GUANGDONG).province is None
    assert "每月1元" in customer.goes("open").text


@pytest.mark.fixed_day
def test_trial_renewal_is_confirmed_or_declined(
    browsers: Browsers, built: Container, clock: TestClock
):
    ends = clock.now() + dt.timedelta(days=1)
    tariff = built.book.provinces["CN-ZJ"].tariffs[0].version
    order = Order(Channel.TEXT, clock.now(), ends, tariff)
    facts = {"trial": True, "trial_used": True, "charged_from": ends, "order": order}
    for answer, state in (("yes", "使用中"), ("no", "已取消，可用至11月23日")):
        stand(built, ZHEJIANG, "active", tariff=tariff, **facts)
        browser = browsers(ZHEJIANG)
        browser.signs_in()
        assert "11月23日" in browser.goes("confirm").text
        assert "首30天免费" not in browser.seen.text
        assert browser.presses(answer).state == state
        assert charges(built, ZHEJIANG) == []
        clock.move(minutes=2)


def test_customer_in_arrears_can_cancel_but_not_order(browsers: Browsers, built: Container):
    stand(built, GUANGDONG, "suspended", unpaid=("2026-10",))
    browser = browsers()
    seen = browser.signs_in()
    assert seen.state == "因欠费暂停"
    assert 'data-role="open"' not in seen.html
    assert "欠费已暂停" in browser.wishes("open").told[0]
    assert browser.wishes("cancel").state == "未开通"
    assert "未缴清" in browser.wishes("open").told[0]


def test_chosen_language_is_stored(customer: Browser, built: Container, network: Network):
    seen = customer.presses("english")
    assert seen.told == ["From now on, pages, calls and texts will be in English."]
    assert 'lang="en"' in seen.html
    assert standing(built, GUANGDONG).language == "en"
    assert b"SMS Receipt" in network.text(GUANGDONG, "CXDXHZ").data
    customer.opens()
    assert "Online Services: SMS Receipt is on" in notices(built, GUANGDONG)[-1]


def test_english_browser_gets_english_pages(browsers: Browsers, built: Container):
    browser = browsers(language="en-GB,en;q=0.8")
    assert "Sign in" in browser.goes("sign-in").text
    assert "Sign out" in browser.signs_in().text
    browser.goes("open")
    browser.presses("open")
    assert standing(built, GUANGDONG).language == "en"


def test_promotion_consent_is_given_and_withdrawn(
    browser: Browser, built: Container, raw: redis.Redis
):
    assert 'data-role="messages"' not in browser.signs_in().html
    browser.opens()
    assert 'value="no_messages" checked' in browser.seen.html
    form = browser.seen.form("advertising")
    seen = browser.sends(form, wish="advertising")
    assert seen.told[0].startswith("已保存：回执字数有剩余时附带广告")
    assert 'value="advertising" checked' in seen.html
    assert standing(built, GUANGDONG).promotions == "advertising"
    entry = audit(raw, GUANGDONG)[-1]
    assert (entry["act"], entry["door"]) == ("consent_advertising", "web")
    assert entry["shown"].startswith("已保存：回执字数有剩余时附带广告")
    assert "回执可附带广告" in notices(built, GUANGDONG)[-1]
    browser.wishes("no_messages")
    assert standing(built, GUANGDONG).promotions == "none"
    assert audit(raw, GUANGDONG)[-1]["act"] == "withdraw"


@pytest.mark.parametrize("state", list(SubscriptionState))
def test_every_action_in_every_state_has_a_reply_in_both_languages(
    customer: Browser, built: Container, state: SubscriptionState
):
    actions = built.portal(lambda: Msisdn(GUANGDONG)).actions.names
    for action, language in product(actions, Language):
        stand(built, GUANGDONG, state.value, order=None, language=language)
        assert customer.wishes(action).status == 200, f"{action} when {state}"


@pytest.mark.parametrize("odd", [{"wish": "free"}, {"once": ""}, {"once": "../x"}, {"wish": ""}])
def test_unknown_action_or_nonce_changes_nothing(
    customer: Browser, raw: redis.Redis, odd: dict[str, str]
):
    before = contents(raw)
    seen = customer.sends(customer.goes().form("english"), **odd)
    assert (seen.status, "请求有误" in seen.text) == (400, True)
    assert contents(raw) == before


def test_nonce_counts_only_for_its_number(browsers: Browsers, built: Container):
    one, other = browsers(), browsers("+8613802880016")
    for each in (one, other):
        each.signs_in()
    one.wishes("english", once="a" * 16)
    other.wishes("chinese", once="a" * 16)
    assert standing(built, other.number).language == "zh"
    assert other.goes("?done=" + "a" * 16).told == ["今后的页面、短信和电话将使用中文。"]
