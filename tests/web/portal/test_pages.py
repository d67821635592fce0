"""Security headers, languages, error pages and fuzzed requests."""

import re
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings
from receipts.model.vocabulary import Msisdn
from tests.conftest import GUANGDONG, PUBLIC_URL, UNKNOWN, Network
from tests.support.browser import Browser, Form
from tests.support.requests import out_of_reach
from tests.web.portal.conftest import Browsers, copy_cookie

PAGES = ("", "open", "confirm", "cancel", "receipts", "charges", "services", "sign-in", "code")


def test_pages_load_no_foreign_content_and_are_not_cached(customer: Browser, network: Network):
    network.text(GUANGDONG, "开通短信回执")
    for page in (*PAGES, "nowhere"):
        seen = customer.goes(page)
        policy = seen.answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert seen.answer.headers["Cache-Control"] == "no-store"
        assert seen.answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "<script" not in seen.html
        assert " style=" not in seen.html
        for link in re.findall(r'(?:href|src|action)="([^"]*)"', seen.html):
            assert link.startswith("/hall/"), link
        assert Msisdn(GUANGDONG).national not in seen.html


def test_every_page_has_both_languages(browsers: Browsers, network: Network):
    for number in (GUANGDONG, UNKNOWN):
        network.text(number, "开通短信回执")
        browser = browsers(number)
        browser.signs_in()
        for language, other in (("chinese", "English"), ("english", "中文")):
            if browser.goes().offers(language):
                browser.presses(language)
            for page in PAGES[:7]:
                text = browser.goes(page).text.replace(other, "")
                chinese = bool(re.search(r"[\u4e00-\u9fff]", text))
                assert chinese == (language == "chinese"), f"{page}: {text}"


def test_title_names_the_page(customer: Browser):
    titles = {re.findall("<title>(.+)</title>", customer.goes(page).html)[0] for page in PAGES}
    assert {"登录 · 短信回执 · 网上营业厅", "费用明细 · 短信回执 · 网上营业厅"} <= titles
    assert len(titles) == 6  # without redirects


def test_static_files_are_cached(browser: Browser):
    files = {
        "static/hall.css": "text/css",
        "look/base.css": "text/css",
        "look/icon.svg": "image/svg+xml",
    }
    for name, kind in files.items():
        answer = browser.goes(name).answer
        assert (answer.status_code, answer.mimetype) == (200, kind)
        assert answer.headers["Cache-Control"] == "public, max-age=3600"
        answer.close()


def test_store_outage_has_an_error_page(customer: Browser, settings: Settings, built: Container):
    deaf = Browser(create_app(settings, out_of_reach(built)).test_client(), customer.raw)
    form = deaf.goes("sign-in").form("code")
    seen = deaf.sends(form, number=GUANGDONG)
    assert (seen.status, seen.answer.mimetype) == (503, "text/html")
    assert seen.answer.headers["Retry-After"] == "5"
    copy_cookie(customer, deaf)
    for page in PAGES[:7]:
        seen = deaf.goes(page)
        assert (seen.status, "请稍后再试" in seen.text) == (503, True)


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/hall/wish", 405), ("GET", "/hall/no/such", 404), ("PUT", "/hall/", 405),
    ("HEAD", "/hall/enter", 405), ("DELETE", "/hall/code", 405),
    ("POST", "/hall/receipts", 405),
    ("GET", "/hall/static/../texts.toml", 404), ("GET", "/hall/static/none.css", 404),
])  # fmt: skip
def test_wrong_url_or_method_has_an_error_page(
    browser: Browser, method: str, path: str, status: int
):
    answer = browser.client.open(path, method=method, base_url=PUBLIC_URL)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    if status == 405:
        assert answer.headers["Allow"]


def test_large_form_is_refused(browser: Browser):
    form = browser.goes("sign-in").form("code")
    seen = browser.sends(form, number="1" * 70_000)
    assert (seen.status, "太大" in seen.text) == (413, True)


FUZZED = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TEXT = st.text(st.characters(codec="utf-8"), max_size=80)
COOKIE = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=80)
NAMES = st.sampled_from(["number", "code", "wish", "given", "once", "csrf_token", "language"])
VALUES = TEXT | st.sampled_from(
    [GUANGDONG, "open", "yes", "cancel", "province", "CN-GD", "zh", "a" * 16, "123456", "%", "\0"]
)


@FUZZED
@given(
    path=st.sampled_from(["code", "enter", "wish", "language"]),
    fields=st.dictionaries(NAMES, VALUES),
    known=st.booleans(),
)
def test_any_form_gets_a_page(customer: Browser, path: str, fields: dict[str, str], known: bool):  # noqa: FBT001
    token = customer.goes("sign-in").form("code").fields["csrf_token"]
    given_ = fields | ({"csrf_token": token} if known else {})
    seen = customer.sends(Form(f"/hall/{path}", {}), **given_)
    assert seen.status in {200, 400, 403}, seen.html
    assert seen.answer.mimetype == "text/html"
    if "sign-out" not in customer.goes().html:
        customer.client.delete_cookie("hall", domain="sms.example.org", path="/hall")


@FUZZED
@given(path=TEXT, query=TEXT, cookie=COOKIE)
def test_any_url_and_cookie_get_a_page(customer: Browser, path: str, query: str, cookie: str):
    for address in (f"{quote(path)}?{quote(query)}", f"?done={quote(query)}", f"confirm?{query!r}"):
        assert customer.goes(address).status in {200, 404}
    stranger = customer.client.application.test_client()
    stranger.set_cookie("hall", cookie, domain="sms.example.org", path="/hall")
    answer = stranger.get("/hall/", base_url=PUBLIC_URL)
    assert answer.status_code == 303
