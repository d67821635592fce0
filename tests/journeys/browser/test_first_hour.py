"""A first hour with the phones page: steps, states, clock, languages, keyboard, two phones."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.journeys.browser.conftest import Page
from tests.support.phones import Phone, Phones
from tests.support.product import Service

pytestmark = pytest.mark.browser

ZHEJIANG, HEBEI = "13957112345", "13903112345"


@pytest.fixture
def phone(phones: Phones, page: Page) -> Phone:
    """A phone of its own for each test, without the service."""
    fresh = phones.fresh()
    page.until(lambda: page.browser.find_elements(By.CSS_SELECTOR, of(fresh)), "the phone")
    return fresh


def of(phone: Phone, role: str = "") -> str:
    return f'[data-phone="{phone.number}"]' + (f' [data-role="{role}"]' if role else "")


def quick(page: Page, phone: Phone, text: str) -> None:
    button = page.find(f'{of(phone)} [data-quick="{text}"]')
    page.browser.execute_script("arguments[0].click()", button)


def focused(page: Page) -> str:
    return page.browser.execute_script("return document.activeElement.dataset.role ?? ''")


def done(page: Page) -> list[str]:
    steps = page.browser.find_elements(By.CSS_SELECTOR, ".steps .done")
    return [step.get_attribute("data-step") for step in steps]


def test_four_steps_light_up_and_stay_lit_after_a_reload(page: Page, phone: Phone):
    assert page.find("h1").text == "短信回执"
    quick(page, phone, "开通短信回执")
    page.shows(phone.number, "state", "等待确认")
    quick(page, phone, "是")
    page.shows(phone.number, "customer", "使用中 闪信")
    page.shows(phone.number, "money", "本月已产生费用 1.00 元")
    phone.text(ZHEJIANG, "晚上一起吃饭吗？")
    page.shows(phone.number, "flash", "已送达")
    page.click(phone.number, "flash-dismiss")
    quick(page, phone, "PT")
    page.shows(phone.number, "customer", "使用中 普通短信")
    page.until(lambda: done(page) == ["1", "2", "3", "4"], "four steps that are lit")
    page.opens()
    assert done(page) == ["1", "2", "3", "4"]
    page.keep("four-steps-1280", whole=True)


def test_flash_is_a_named_dialog_with_the_focus_and_escape_gives_it_back(page: Page, phone: Phone):
    phone.asks("开通短信回执")
    phone.asks("是")
    page.texts(phone.number, ZHEJIANG, "七点？")
    page.shows(phone.number, "flash", "已送达")
    flash = page.part(phone.number, "flash")
    assert (flash.aria_role, flash.accessible_name) == ("dialog", "来自 7500 的闪信")
    page.until(lambda: focused(page) == "flash-dismiss", "the focus in the flash")
    page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.hides(phone.number, "flash")
    assert focused(page) == "send"


def test_flash_takes_no_focus_from_a_text_that_is_written_on_another_phone(
    page: Page, phones: Phones, phone: Phone
):
    phone.asks("开通短信回执")
    phone.asks("是")
    page.reach(ZHEJIANG, "compose-body").send_keys("我在写")
    phone.text(HEBEI, "hi")
    page.shows(phone.number, "flash", "已送达")
    page.browser.switch_to.active_element.send_keys("字")
    assert page.part(ZHEJIANG, "compose-body").get_attribute("value") == "我在写字"
    phones.post(f"phones/{phone.number}/flash/dismiss")
    page.part(ZHEJIANG, "compose-body").clear()


def test_call_is_made_by_keyboard_alone(page: Page, phone: Phone):
    page.click(phone.number, "tab-calling")
    page.reach(phone.number, "dial").send_keys(Keys.ENTER)
    page.until(lambda: focused(page) == "hangup", "the focus on the way out of the call")
    state = page.part(phone.number, "call-state")
    page.until(lambda: state.get_attribute("data-state") == "listening", "the call to listen")
    page.browser.switch_to.active_element.send_keys("1")
    page.until(lambda: "1" in pressed(phone), "the key to be heard")
    page.until(lambda: state.get_attribute("data-state") == "listening", "the next question")
    page.browser.switch_to.active_element.send_keys(Keys.ENTER)
    page.shows(phone.number, "call-state", "通话结束")
    page.until(lambda: focused(page) == "dial", "the focus on the way to the next call")
    assert page.part(phone.number, "key-*").accessible_name == "星号"


def pressed(phone: Phone) -> list[str]:
    return [event["keys"] for event in phone.events() if event["kind"] == "pressed"]


def test_newest_message_comes_into_sight_unless_the_reader_looks_at_older_ones(
    page: Page, phones: Phones, phone: Phone
):
    friend = phones.standing(ZHEJIANG)
    for number in range(12):
        friend.text(phone.number, f"第 {number} 条")
    page.shows(phone.number, "thread", "第 11 条")  # the empty phone turned to the first message
    thread = page.part(phone.number, "thread")
    assert at_end(page, phone)
    page.browser.execute_script("arguments[0].scrollTop = 0", thread)
    friend.text(phone.number, "最新的一条")
    page.shows(phone.number, "newest", "最新的一条")
    assert page.browser.execute_script("return arguments[0].scrollTop", thread) == 0
    page.click(phone.number, "newest")
    page.hides(phone.number, "newest")
    assert at_end(page, phone)
    phone.text("7500", "查询短信回执")
    page.shows(phone.number, "newest", "短信回执")  # of another conversation


def at_end(page: Page, phone: Phone) -> bool:
    script = "const t = document.querySelector(arguments[0]);"
    script += "return t.scrollHeight - t.scrollTop - t.clientHeight < 2"
    return page.browser.execute_script(script, of(phone, "thread"))


def test_switch_changes_the_page_the_errors_and_the_texts_of_the_phones(page: Page, phone: Phone):
    page.find('[data-role="language"]').click()
    try:
        assert page.browser.title == "SMS Receipt · Try it on simulated phones"
        assert page.find("html").get_attribute("lang") == "en"
        quick(page, phone, "SUBSCRIBE")
        page.shows(phone.number, "thread", "Reply Y within 48 hours")
        quick(page, phone, "Y")
        page.shows(phone.number, "state", "On")
        button = page.find(f'{of(phone)} [data-quick="REGULAR"]')
        assert "regular texts" in button.text
        assert "stay in the inbox" in button.get_attribute("title")
        page.texts(phone.number, "x", "hi")
        page.shows(phone.number, "complaint", "is not a phone number")
        over = page.browser.execute_script(OVERLAPS, page.part(phone.number, "complaint"))
        assert over == []
        page.opens()
        assert page.find("h1").text == "SMS Receipt"
    finally:
        page.find('[data-role="language"]').click()
    page.texts(phone.number, "x", "hi")
    page.shows(phone.number, "complaint", "不是电话号码")
    # Chromium logs each answer of 400.
    logged = page.browser.get_log("browser")
    assert all("/texts - Failed to load resource" in entry["message"] for entry in logged)


#: The fields and buttons of its phone that an error covers.
OVERLAPS = """
const box = arguments[0].getBoundingClientRect();
return [...arguments[0].closest('.screen').querySelectorAll('button, input, textarea')]
  .filter((each) => each.offsetParent)
  .filter((each) => { const b = each.getBoundingClientRect();
    return b.top < box.bottom && b.bottom > box.top && b.left < box.right && b.right > box.left; })
  .map((each) => each.dataset.role);
"""


def test_clock_moves_for_the_whole_service_and_back(page: Page, phone: Phone, service: Service):
    phone.asks("开通短信回执")
    page.shows(phone.number, "state", "等待确认")
    try:
        page.find('[data-move="+48h"]').click()
        page.shows_in('[data-role="moved"]', "快 2 天")
        page.find('[data-move="+1h"]').click()
        page.shows_in('[data-role="moved"]', "快 2 天 1 小时")
        page.shows(phone.number, "state", "未开通")  # the request has expired
        page.find('[data-move="month_end"]').click()
        page.shows_in('[data-role="time"]', "月1日 00:0")
    finally:
        page.find('[data-move="now"]').click()
    moved = page.find('[data-role="moved"]')
    page.until(lambda: moved.text == "真实时间", "the real time")  # not: ahead of the real time
    assert not (service.folder / "clock").exists()


def test_removed_phone_leaves_every_open_page_after_a_question(page: Page, phone: Phone):
    page.click(phone.number, "remove")
    page.shows_in('[data-role="confirm"]', f"移除 {phone.number}？")
    page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.until(lambda: not page.find('[data-role="confirm"]').is_displayed(), "no question")
    assert page.part(phone.number, "label").is_displayed()
    page.click(phone.number, "remove")
    page.find('[data-role="confirm-yes"]').click()
    page.until(lambda: not page.browser.find_elements(By.CSS_SELECTOR, of(phone)), "no phone")


def test_text_to_a_friend_leads_to_its_journey_on_the_console(
    page: Page, phone: Phone, service: Service
):
    page.texts(phone.number, ZHEJIANG, "在路上")
    page.shows(phone.number, "thread", "这条短信的全过程")
    link = page.find(f"{of(phone)} .thread a").get_attribute("href")
    sent = [event["id"] for event in phone.events() if event.get("direction") == "out"]
    assert link == f"http://127.0.0.1:{service.port}/console/journey?id={sent[0]}"


def test_start_afresh_asks_first_and_no_is_the_first_answer(page: Page):
    page.until(lambda: page.find('[data-role="afresh"]').is_displayed(), "the way to start afresh")
    page.find('[data-role="afresh"]').click()
    page.shows_in('[data-role="confirm"]', "全部数据都会删除")
    assert page.browser.switch_to.active_element.text == "取消"
    page.browser.switch_to.active_element.send_keys(Keys.ENTER)
    page.until(lambda: not page.find('[data-role="confirm"]').is_displayed(), "no question")
