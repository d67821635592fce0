from collections.abc import Callable
from dataclasses import replace

import pytest
import redis
from flask import Flask
from werkzeug.test import Cookie

from app.settings import Settings
from tests.conftest import GUANGDONG
from tests.support.browser import KEY, Browser


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings that open the portal."""
    return replace(settings, secret_key=KEY)


Browsers = Callable[..., Browser]


@pytest.fixture
def browsers(app: Flask, raw: redis.Redis) -> Browsers:
    """Factory of browsers, each with its own cookies."""
    return lambda number=GUANGDONG, **more: Browser(app.test_client(), raw, number, **more)


def cookie(browser: Browser) -> Cookie:
    """The portal's cookie in a browser."""
    found = browser.client.get_cookie("hall", "sms.example.org", "/hall")
    assert found is not None
    return found


def copy_cookie(source: Browser, target: Browser) -> None:
    target.client.set_cookie("hall", cookie(source).value, domain="sms.example.org", path="/hall")


@pytest.fixture
def browser(browsers: Browsers) -> Browser:
    """A browser with a Guangdong phone."""
    return browsers()


@pytest.fixture
def customer(browser: Browser) -> Browser:
    """A browser that is signed in."""
    browser.signs_in()
    return browser
