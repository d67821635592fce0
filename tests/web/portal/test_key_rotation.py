"""SECRET_KEY rotates: forms, passcodes and sessions of the earlier key go on."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings
from tests.support.browser import KEY, Browser

NEW = "the-next-key-of-the-portal"
Rotated = Callable[[str], None]


@pytest.fixture
def rotated(browser: Browser, settings: Settings, built: Container) -> Rotated:
    """Give the browser, with its cookie, an application under other keys."""

    def rotate(keys: str) -> None:
        ours = replace(settings, secret_key=keys)
        client = create_app(ours, replace(built, settings=ours)).test_client()
        if found := browser.client.get_cookie("hall", "sms.example.org", "/hall"):
            client.set_cookie("hall", found.value, domain="sms.example.org", path="/hall")
        browser.client = client

    return rotate


def test_form_and_passcode_outlive_a_rotation(browser: Browser, rotated: Rotated):
    browser.goes("sign-in")
    browser.presses("code", number=browser.number)
    rotated(f"{NEW},{KEY}")
    assert "退出登录" in browser.presses("enter", code=browser.code()).text
    rotated(NEW)
    assert "退出登录" in browser.goes().text


def test_session_outlives_a_rotation(browser: Browser, rotated: Rotated):
    browser.signs_in()
    rotated(f"{NEW},{KEY}")
    assert "退出登录" in browser.opens().text
    assert browser.seen.state


def test_removed_key_ends_its_sessions(browser: Browser, rotated: Rotated):
    browser.signs_in()
    rotated(NEW)
    assert "退出登录" not in browser.goes().text
