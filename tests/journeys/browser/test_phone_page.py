"""The phone page in a browser, from the offer to the flash message."""

import pytest
from selenium.webdriver.common.by import By

from tests.journeys.browser.conftest import Page
from tests.support.phones import Phone, Phones

pytestmark = pytest.mark.browser

GUANGDONG, ZHEJIANG, JILIN = "13802880000", "13957112345", "13844012345"
OFF_NET, BEIJING = "13001012345", "13800138000"


@pytest.fixture
def customer(phones: Phones, page: Page) -> Phone:
    """The Guangdong phone with the service in flash mode and an empty screen."""
    phone = phones.standing(GUANGDONG)
    if "回复“是”" in phone.asks("KTDXHZ"):
        phone.asks("是")
    phone.asks("SX")
    phones.post(f"phones/{GUANGDONG}/flash/dismiss")
    page.hides(GUANGDONG, "flash")
    return phone


def test_page_shows_a_phone_of_each_kind(page: Page):
    numbers = (GUANGDONG, ZHEJIANG, JILIN, OFF_NET, BEIJING)
    for number, label in zip(numbers, ("广东", "浙江", "吉林", "其他运营商", "北京"), strict=True):
        assert label in page.part(number, "label").text
        assert page.part(number, "compose").is_displayed()
    assert len(page.browser.find_elements(By.CSS_SELECTOR, '[data-role="legend"] tr')) == 9
    page.keep("first-sight-1280", whole=True)


def test_receipt_of_a_text_flashes_over_the_screen(page: Page):
    page.texts(GUANGDONG, "7500", "KTDXHZ")
    page.shows(GUANGDONG, "thread", "回复“是”确认")
    page.texts(GUANGDONG, "7500", "是")
    page.shows(GUANGDONG, "thread", "短信回执已开通")
    page.keep("opened-1280")
    page.texts(GUANGDONG, ZHEJIANG, "晚上一起吃饭吗?")
    page.shows(GUANGDONG, "flash", f"发给{ZHEJIANG}的短信已")
    page.turns_to(ZHEJIANG, GUANGDONG)
    page.shows(ZHEJIANG, "thread", "晚上一起吃饭吗?")
    page.keep("flash-1280")
    page.keep("flash-whole-1280", whole=True)


def test_later_flash_replaces_the_earlier_one(page: Page, customer: Phone):
    for friend in (ZHEJIANG, JILIN):
        customer.text(friend, "hi")  # the flash covers the screen: not by hand
        page.shows(GUANGDONG, "flash", friend)
    assert ZHEJIANG not in page.part(GUANGDONG, "flash").text
    page.click(GUANGDONG, "flash-dismiss")
    page.hides(GUANGDONG, "flash")


def test_phone_that_keeps_flashes_files_the_earlier_one(page: Page, phones: Phones):
    phone = phones.standing(ZHEJIANG)
    phone.asks("KTHZ")
    phone.asks("是")
    for friend in (GUANGDONG, JILIN):
        phone.text(friend, "hi")
        page.shows(ZHEJIANG, "flash", friend)
    page.click(ZHEJIANG, "flash-dismiss")
    page.shows(ZHEJIANG, "thread", f"发给{GUANGDONG}的短信已")
    assert f"发给{JILIN}的短信" not in page.part(ZHEJIANG, "thread").text


@pytest.mark.usefixtures("customer")
def test_receipt_after_pt_is_in_the_inbox(page: Page):
    page.find(f'[data-phone="{GUANGDONG}"] [data-quick="PT"]').click()
    page.shows(GUANGDONG, "thread", "已改为普通短信")
    page.texts(GUANGDONG, ZHEJIANG, "七点?")
    page.shows(GUANGDONG, "thread", "七点?")
    page.turns_to(GUANGDONG, "7500")
    page.shows(GUANGDONG, "thread", f"发给{ZHEJIANG}的短信已")
    assert not page.part(GUANGDONG, "flash").is_displayed()
    page.keep("inbox-1280")


def test_each_phone_has_the_quick_words_of_its_province(page: Page, phones: Phones):
    phones.standing(ZHEJIANG)
    page.find(f'[data-phone="{ZHEJIANG}"] [data-quick="KTHZ"]').click()
    page.shows(ZHEJIANG, "thread", "您将开通短信回执")


def test_call_shows_its_prompts_and_takes_keys(page: Page, customer: Phone):
    assert "普通短信" in customer.asks("PT")
    page.click(GUANGDONG, "tab-calling")
    page.shows(GUANGDONG, "dialled", "10086")
    page.keep("keypad-1280")
    page.click(GUANGDONG, "dial")
    page.shows(GUANGDONG, "spoken", "改收闪信请按 6")
    page.keep("call-1280")
    state = page.part(GUANGDONG, "call-state")
    page.until(lambda: state.get_attribute("data-state") == "listening", "the call to listen")
    page.click(GUANGDONG, "key-6")
    page.shows(GUANGDONG, "spoken", "今后回执以闪信")
    page.click(GUANGDONG, "hangup")
    page.shows(GUANGDONG, "call-state", "通话结束")
    page.click(GUANGDONG, "tab-messages")
    page.shows(GUANGDONG, "thread", "您致电10086已办理")
    page.keep("after-the-call-1280")


@pytest.mark.usefixtures("customer")
def test_caller_speaks_instead_of_pressing_keys(page: Page):
    page.click(GUANGDONG, "tab-calling")
    page.click(GUANGDONG, "dial")
    page.shows(GUANGDONG, "spoken", "查询状态和费用")
    page.part(GUANGDONG, "say-words").send_keys("查询")
    page.click(GUANGDONG, "say-send")
    page.shows(GUANGDONG, "spoken", "您已开通短信回执")
    page.click(GUANGDONG, "hangup")
    page.shows(GUANGDONG, "call-state", "通话结束")


@pytest.mark.parametrize(
    ("number", "words"), [(OFF_NET, "不属于中国移动"), (BEIJING, "北京暂未提供")]
)
def test_ineligible_number_reads_the_reason(page: Page, number: str, words: str):
    page.texts(number, "7500", "KTDXHZ")
    page.shows(number, "thread", words)


def test_page_switches_to_english(page: Page):
    button = page.find('[data-role="language"]')
    button.click()
    assert page.find("h1").text == "SMS Receipt"
    assert page.part(GUANGDONG, "label").text == "Guangdong, Guangzhou"
    page.keep("english-1280", whole=True)
    page.find('[data-role="language"]').click()
    assert page.find("h1").text == "短信回执"


def test_reloaded_page_shows_its_history(page: Page, customer: Phone):
    told = customer.asks("CXDXHZ")
    page.opens()
    page.shows(GUANGDONG, "thread", told)


@pytest.mark.usefixtures("customer")
def test_page_fits_a_narrow_screen(page: Page):
    page.as_wide_as(390, 844, phone=True)
    width = page.browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= 390
    page.texts(GUANGDONG, ZHEJIANG, "在路上")
    page.shows(GUANGDONG, "flash", "短信已")
    page.keep("flash-390")
    page.click(GUANGDONG, "flash-dismiss")
    page.hides(GUANGDONG, "flash")
    page.keep("messages-390")
    page.click(GUANGDONG, "tab-calling")
    page.keep("keypad-390")
    page.keep("whole-390", whole=True)


@pytest.mark.usefixtures("customer")
def test_phone_has_no_part_cut_off(page: Page):
    for width, height in ((1280, 1000), (390, 844)):
        page.as_wide_as(width, height, phone=width < 600)
        for view in ("messages", "calling"):
            page.click(GUANGDONG, f"tab-{view}")
            cut = page.browser.execute_script(
                "const s = document.querySelector(`[data-phone='${arguments[0]}'] .screen`);"
                "const edge = s.getBoundingClientRect();"
                "return [...s.querySelectorAll('button, input, textarea')]"
                ".filter((e) => e.offsetParent && !e.closest('.peers, .spoken, .thread'))"
                ".filter((e) => { const b = e.getBoundingClientRect();"
                " return b.right > edge.right + 1 || b.bottom > edge.bottom + 1"
                " || b.left < edge.left - 1; }).map((e) => e.dataset.role)",
                GUANGDONG,
            )
            assert cut == [], f"{view} at {width}"


def test_added_phone_appears_on_the_page(page: Page):
    page.find('[data-role="add-number"]').send_keys("13912345678")
    page.find('[data-role="add-phone"] button').click()
    added = '[data-phone="13912345678"]'
    page.until(lambda: page.browser.find_elements(By.CSS_SELECTOR, added), "the added phone")
