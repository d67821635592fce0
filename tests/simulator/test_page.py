# ruff: noqa: ANN401 - fixtures reach the tests without their types
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
GUANGDONG, ZHEJIANG = "13802880000", "13957112345"
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (BROWSER and DRIVER), reason="needs chromium and chromedriver"),
]


class Page:
    def __init__(self, driver: Any, until: Any) -> None:
        self.driver = driver
        self._until = until

    def part(self, phone: str, role: str) -> Any:
        where = f'[data-phone="{phone}"] [data-role="{role}"]'
        return self._until(lambda: self.driver.find_elements(By.CSS_SELECTOR, where))[0]

    def click(self, phone: str, role: str) -> None:
        self.part(phone, role).click()

    def find(self, where: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, where)

    def text(self, phone: str, role: str) -> str:
        return str(self.part(phone, role).get_attribute("textContent"))


@pytest.fixture
def page(network: Any, until: Any, tmp_path: Path) -> Iterator[Page]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for flag in (*QUIET, f"--user-data-dir={tmp_path / 'browser'}", "--window-size=1280,1000"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.get(network.url)
    until(lambda: driver.find_element(By.TAG_NAME, "body").get_attribute("data-ready"))
    yield Page(driver, until)
    complaints = driver.get_log("browser")
    driver.quit()
    assert complaints == []


def test_a_person_texts_calls_and_sees_a_flash_on_the_page(
    page: Page, network: Any, product: Any, until: Any
) -> None:
    product.answer("/sms", "<Response><Message>请回复 是</Message></Response>")
    product.answer(
        "/voice",
        '<Response><Gather action="/voice/key" numDigits="1" timeout="60">'
        '<Say language="cmn-CN">请按1</Say></Gather></Response>',
    )
    product.answer("/voice/key", "<Response><Say>bye</Say></Response>")

    page.find(f'[data-phone="{GUANGDONG}"] [data-quick="KTDXHZ"]').click()
    until(lambda: "请回复 是" in page.text(GUANGDONG, "thread"))

    page.part(GUANGDONG, "compose-to").clear()
    page.part(GUANGDONG, "compose-to").send_keys(ZHEJIANG)
    page.part(GUANGDONG, "compose-body").send_keys("吃饭吗")
    page.click(GUANGDONG, "send")
    until(lambda: network.texts(ZHEJIANG) == ["吃饭吗"])

    for text in ("first", "second"):
        network.session.get(
            f"{network.url}/cgi-bin/sendsms",
            params={
                "username": "kannel",
                "password": "a-pretend-password",
                "from": "7500",
                "to": GUANGDONG,
                "text": text,
                "mclass": "0",
            },
            timeout=5,
        )
        until(lambda text=text: page.text(GUANGDONG, "flash-body") == text)
    assert page.part(GUANGDONG, "flash").is_displayed()
    page.click(GUANGDONG, "flash-dismiss")
    until(lambda: not page.part(GUANGDONG, "flash").is_displayed())

    page.click(GUANGDONG, "tab-calling")
    page.click(GUANGDONG, "dial")
    until(lambda: "请按1" in page.text(GUANGDONG, "spoken"))
    page.click(GUANGDONG, "key-1")
    until(lambda: "bye" in page.text(GUANGDONG, "spoken"))
    until(lambda: page.part(GUANGDONG, "hangup").get_attribute("disabled"))

    page.find('[data-role="language"]').click()
    assert "simulated network" in page.find("h1").text
    page.find('[data-role="add-number"]').send_keys("13912345678")
    page.find('[data-role="add-phone"] button').click()
    page.part("13912345678", "send")
    page.driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": False},
    )
    assert page.driver.execute_script("return document.documentElement.scrollWidth") <= 390
