"""What a person with a browser sees and does, from the offer to the flash over the screen."""

import pytest
from selenium.webdriver.common.by import By

from tests.journeys.browser.conftest import Page
from tests.support.phones import Phone, Phones

pytestmark = pytest.mark.browser

GUANGDONG, ZHEJIANG, JILIN = "13802880000", "13957112345", "13844012345"
OFF_NET, BEIJING = "13001012345", "13800138000"


@pytest.fixture
def customer(phones: Phones, page: Page) -> Phone:
    """The Guangdong phone holds the service, by flash, and nothing is on its screen."""
    phone = phones.standing(GUANGDONG)
    if "确认开通" in phone.asks("KTDXHZ"):
        phone.asks("是")
    phone.asks("SX")
    phones.post(f"phones/{GUANGDONG}/flash/dismiss")
    page.until(lambda: not page.part(GUANGDONG, "flash").is_displayed(), "the screen to be free")
    return phone


def test_the_page_shows_a_phone_of_every_kind(page: Page) -> None:
    for number, label in (
        (GUANGDONG, "广东"),
        (ZHEJIANG, "浙江"),
        (JILIN, "吉林"),
        (OFF_NET, "网外"),
        (BEIJING, "北京"),
    ):
        assert label in page.part(number, "label").text
        assert page.part(number, "compose").is_displayed()
    assert len(page.browser.find_elements(By.CSS_SELECTOR, '[data-role="legend"] tr')) == 9
    page.keep("first-sight-1280", whole=True)


def test_open_by_text_text_a_friend_and_the_receipt_flashes_over_the_screen(page: Page) -> None:
    page.texts(GUANGDONG, "7500", "KTDXHZ")
    page.shows(GUANGDONG, "thread", "回复“是”确认")
    page.texts(GUANGDONG, "7500", "是")
    page.shows(GUANGDONG, "thread", "短信回执已开通")
    page.keep("opened-1280")
    page.texts(GUANGDONG, ZHEJIANG, "晚上一起吃饭吗?")
    page.shows(GUANGDONG, "flash", f"您发送给{ZHEJIANG}的短信已于")
    page.shows(GUANGDONG, "flash", "成功送达")
    page.turns_to(ZHEJIANG, GUANGDONG)
    page.shows(ZHEJIANG, "thread", "晚上一起吃饭吗?")
    page.keep("flash-1280")
    page.keep("flash-whole-1280", whole=True)


def test_the_later_of_two_flashes_takes_the_place_of_the_one_before(
    page: Page, customer: Phone
) -> None:
    for friend in (ZHEJIANG, JILIN):
        customer.text(friend, "hi")  # the flash covers the screen: not by hand
        page.shows(GUANGDONG, "flash", friend)
    assert ZHEJIANG not in page.part(GUANGDONG, "flash").text
    page.click(GUANGDONG, "flash-dismiss")
    page.until(lambda: not page.part(GUANGDONG, "flash").is_displayed(), "the flash to be gone")


def test_a_phone_that_keeps_flashes_files_the_earlier_one_in_its_inbox(
    page: Page, phones: Phones
) -> None:
    phone = phones.standing(ZHEJIANG)
    phone.asks("KTHZ")
    phone.asks("是")
    for friend in (GUANGDONG, JILIN):
        phone.text(friend, "hi")
        page.shows(ZHEJIANG, "flash", friend)
    page.click(ZHEJIANG, "flash-dismiss")
    page.shows(ZHEJIANG, "thread", f"您发送给{GUANGDONG}的短信已于")
    assert f"您发送给{JILIN}" not in page.part(ZHEJIANG, "thread").text


@pytest.mark.usefixtures("customer")
def test_after_pt_the_next_receipt_lies_in_the_inbox(page: Page) -> None:
    page.find(f'[data-phone="{GUANGDONG}"] [data-quick="PT"]').click()
    page.shows(GUANGDONG, "thread", "已改为普通短信")
    page.texts(GUANGDONG, ZHEJIANG, "七点?")
    page.shows(GUANGDONG, "thread", "七点?")
    page.turns_to(GUANGDONG, "7500")
    page.shows(GUANGDONG, "thread", f"您发送给{ZHEJIANG}的短信已于")
    assert not page.part(GUANGDONG, "flash").is_displayed()
    page.keep("inbox-1280")


def test_dial_and_press_keys_and_what_is_spoken_is_shown(page: Page, customer: Phone) -> None:
    assert "普通短信" in customer.asks("PT")
    page.click(GUANGDONG, "tab-calling")
    page.shows(GUANGDONG, "dialled", "10086")
    page.keep("keypad-1280")
    page.click(GUANGDONG, "dial")
    page.shows(GUANGDONG, "spoken", "改为闪信接收")
    page.keep("call-1280")
    page.until(
        lambda: page.part(GUANGDONG, "call-state").get_attribute("data-state") == "listening",
        "the line to listen",
    )
    page.click(GUANGDONG, "key-2")
    page.shows(GUANGDONG, "spoken", "已改为闪信接收")
    page.click(GUANGDONG, "hangup")
    page.shows(GUANGDONG, "call-state", "通话结束")
    page.click(GUANGDONG, "tab-messages")
    page.shows(GUANGDONG, "thread", "您刚才致电10086办理了")
    page.keep("after-the-call-1280")


@pytest.mark.usefixtures("customer")
def test_a_caller_may_speak_instead_of_pressing_keys(page: Page) -> None:
    page.click(GUANGDONG, "tab-calling")
    page.click(GUANGDONG, "dial")
    page.shows(GUANGDONG, "spoken", "查询业务状态")
    page.part(GUANGDONG, "say-words").send_keys("查询")
    page.click(GUANGDONG, "say-send")
    page.shows(GUANGDONG, "spoken", "您的短信回执使用中")
    page.click(GUANGDONG, "hangup")
    page.shows(GUANGDONG, "call-state", "通话结束")


@pytest.mark.parametrize(
    ("number", "words"), [(OFF_NET, "不属于中国移动"), (BEIJING, "北京尚未开通")]
)
def test_who_cannot_be_served_reads_why(page: Page, number: str, words: str) -> None:
    page.texts(number, "7500", "KTDXHZ")
    page.shows(number, "thread", words)


def test_the_page_speaks_english_too(page: Page) -> None:
    button = page.find('[data-role="language"]')
    button.click()
    assert page.find("h1").text == "The simulated network"
    assert page.part(GUANGDONG, "label").text == "Guangdong, Guangzhou"
    page.keep("english-1280", whole=True)
    page.find('[data-role="language"]').click()
    assert page.find("h1").text == "模拟网络"


def test_a_page_opened_anew_shows_what_was_there(page: Page, customer: Phone) -> None:
    told = customer.asks("CXDXHZ")
    page.opens()
    page.shows(GUANGDONG, "thread", told)


@pytest.mark.usefixtures("customer")
def test_on_a_narrow_screen_nothing_is_wider_than_the_screen(page: Page) -> None:
    page.as_wide_as(390, 844, phone=True)
    width = page.browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= 390
    page.texts(GUANGDONG, ZHEJIANG, "在路上")
    page.shows(GUANGDONG, "flash", "成功送达")
    page.keep("flash-390")
    page.click(GUANGDONG, "flash-dismiss")
    page.until(lambda: not page.part(GUANGDONG, "flash").is_displayed(), "the flash to be gone")
    page.keep("messages-390")
    page.click(GUANGDONG, "tab-calling")
    page.keep("keypad-390")
    page.keep("whole-390", whole=True)


@pytest.mark.usefixtures("customer")
def test_no_phone_of_the_page_has_anything_cut_off(page: Page) -> None:
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


def test_a_phone_added_by_its_number_appears_on_the_page(page: Page) -> None:
    page.find('[data-role="add-number"]').send_keys("13912345678")
    page.find('[data-role="add-phone"] button').click()
    page.until(
        lambda: page.browser.find_elements(By.CSS_SELECTOR, '[data-phone="13912345678"]'),
        "the added phone to be there",
    )
