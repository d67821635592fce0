"""The cookie shows nothing, and every page bears the headers that protect it."""

import base64
import re
from dataclasses import replace

import pytest
from flask import Flask

from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings
from tests.conftest import GUANGDONG, PUBLIC_URL
from tests.support.browser import Browser
from tests.web.portal.conftest import Browsers, cookie

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000",
}


def pages(app: Flask) -> list[str]:
    """An address for each route of the portal, and for some that there are not."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/hall")]
    files = {"hall.static", "hall.look"}
    known = [re.sub(r"<[^>]+>", "x", rule.rule) for rule in rules if rule.endpoint not in files]
    assert len(known) > 10
    return [*known, "/hall", "/hall/none/such", "/hall/static/none.css", "/hall/look/none"]


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "PUT", "OPTIONS"])
def test_every_page_bears_the_security_headers(app: Flask, customer: Browser, method: str):
    for path in pages(app):
        answer = customer.client.open(path, method=method, base_url=PUBLIC_URL)
        found = {name: answer.headers.get(name) for name in HEADERS}
        assert found == HEADERS, (path, answer.status_code)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy


def test_http_address_sends_no_order_to_use_https(settings: Settings, built: Container):
    plain = replace(settings, public_url="http://127.0.0.1:8000")
    client = create_app(plain, replace(built, settings=plain)).test_client()
    answer = client.get("/hall/sign-in", base_url=plain.public_url)
    assert "Strict-Transport-Security" not in answer.headers


def decoded(text: str) -> bytes:
    """The text and each part of it read as base64, as far as it is."""
    found = text.encode()
    for part in re.split(r"[^A-Za-z0-9_-]", text):
        for cut in range(4):
            whole = part[cut : cut + (len(part) - cut) // 4 * 4]
            found += base64.urlsafe_b64decode(whole)
    return found


def test_cookie_shows_no_number_before_and_after_login(browser: Browser):
    browser.goes("sign-in")
    browser.presses("code", number=GUANGDONG)
    shown = decoded(cookie(browser).value)
    browser.signs_in()
    shown += decoded(cookie(browser).value)
    for secret in (GUANGDONG[3:], GUANGDONG[-8:], "customer", "csrf", "visit"):
        assert secret.encode() not in shown


def test_changed_cookie_signs_nobody_in(customer: Browser, browsers: Browsers):
    value = cookie(customer).value
    for at in range(0, len(value) - 2, 7):
        other = browsers()
        changed = value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]
        other.client.set_cookie("hall", changed, domain="sms.example.org", path="/hall")
        assert other.client.get("/hall/", base_url=PUBLIC_URL).status_code == 303


def test_login_replaces_the_cookie_set_before(browser: Browser, browsers: Browsers):
    browser.goes("sign-in")
    before = cookie(browser).value
    browser.signs_in()
    thief = browsers()
    thief.client.set_cookie("hall", before, domain="sms.example.org", path="/hall")
    assert thief.client.get("/hall/", base_url=PUBLIC_URL).status_code == 303
    assert browser.client.get("/hall/", base_url=PUBLIC_URL).status_code == 200
