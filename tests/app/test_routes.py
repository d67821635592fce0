"""Every route has a guard, is declared once, and is dispatched by one application."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import flask
import pytest
from flask import Flask
from prometheus_client import REGISTRY

from app.bootstrap import Container
from app.factory import callback_app, create_app
from app.request_auth import RequestGuards, UnguardedRouteError
from app.settings import Settings, SettingsError
from callbacks.app import CallbackApp
from receipts.delivery.status_updates import StatusUpdates
from receipts.reports.service import ReportService
from tests.conftest import GUANGDONG, PUBLIC_URL
from tests.support.requests import DOORS, FORM, Knock

#: Pages without secrets: for monitoring, and the front page that names them.
OPEN = {"/", "/healthz", "/readyz"}

#: Areas of pages, which need SECRET_KEY.
AREAS = ("/hall", "/counter", "/console")

CALLBACKS = {"/messages/status", "/receipts/<receipt_id>/status", "/feed/reports", "/kannel/report"}

TWILIO = {"PUBLIC_URL": PUBLIC_URL, "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t"}

SECRET = "kannel-secret-of-the-tests"
KANNEL_SMS = f"/kannel/sms?secret={SECRET}&id=1&from=%2B{GUANGDONG[1:]}&to=7500&text=KTDXHZ"
KANNEL_REPORT = f"/kannel/report?secret={SECRET}&id=0-abc&type=1"


@pytest.fixture
def callbacks(settings: Settings, built: Container) -> CallbackApp:
    return callback_app(built, built.lifecycle, RequestGuards(settings))


def test_unsigned_requests_reach_public_pages_only(app: Flask, callbacks: CallbackApp):
    client = app.test_client()
    seen = set()
    for rule in (*app.url_map.iter_rules(), *callbacks.url_map.iter_rules()):
        path = rule.rule.replace("<receipt_id>", "0-abc")
        for method in rule.methods or ():
            if client.open(path, method=method).status_code != 403:
                seen.add(rule.rule)
    assert seen == OPEN


def test_twilio_routes_accept_post_only(app: Flask, callbacks: CallbackApp):
    for rule in app.url_map.iter_rules():
        if rule.rule not in OPEN and not rule.rule.startswith(("/kannel", *AREAS)):
            assert rule.methods == {"POST"}
    for rule in callbacks.url_map.iter_rules():
        if not rule.rule.startswith("/kannel"):
            assert rule.methods == {"POST"}


METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")


def test_methods_that_a_route_does_not_list_are_refused(app: Flask, callbacks: CallbackApp):
    client, listed = app.test_client(), {}
    for rule in (*app.url_map.iter_rules(), *callbacks.url_map.iter_rules()):
        listed.setdefault(rule.rule, set()).update(rule.methods or ())
    for path, methods in listed.items():
        assert ("HEAD" in methods) == ("GET" in methods and not path.startswith("/kannel")), path
        for method in METHODS:
            answer = client.open(re.sub("<.+>", "0-abc", path), method=method)
            # These settings have no SECRET_KEY: no area of pages is open, whichever page is asked.
            is_closed = path.startswith(AREAS) and answer.status_code == 403
            is_refused = answer.status_code == 405
            assert is_closed or is_refused == (method not in methods), (method, path)
            if is_refused:
                assert set(answer.headers["Allow"].split(", ")) >= methods
            assert not (method == "HEAD" and answer.data)


def test_head_of_a_route_of_kannel_changes_nothing(knock: Knock):
    for path in (KANNEL_SMS, KANNEL_REPORT):
        answer = knock.client.head(path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


def test_each_path_is_declared_once(app: Flask, callbacks: CallbackApp):
    rules = (*app.url_map.iter_rules(), *callbacks.url_map.iter_rules())
    counts = Counter((rule.rule, method) for rule in rules for method in rule.methods or ())
    counts = Counter({key: n for key, n in counts.items() if key[1] not in {"OPTIONS", "HEAD"}})
    assert set(counts.values()) == {1}
    assert {rule.rule for rule in callbacks.url_map.iter_rules()} == CALLBACKS


@contextmanager
def dispatches(app: Flask) -> Iterator[list[str]]:
    """The endpoints of the requests that Flask dispatches meanwhile."""
    seen: list[str] = []

    def record(_: Flask, **__: object) -> None:
        seen.append(str(flask.request.endpoint))

    with flask.request_started.connected_to(record, app):
        yield seen


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/voice", "ivr.voice"),
        ("/voice/key", "ivr.voice_key"),
        ("/voice/ended", "ivr.voice_ended"),
        ("/sms", "keywords.sms"),
        ("/kannel/sms", "kannel.kannel_sms"),
        ("/hall/sign-in", "hall.sign_in"),
        ("/readyz", "pulse.readyz"),
    ],
)
def test_flask_dispatches_each_request_once(app: Flask, knock: Knock, path: str, endpoint: str):
    with dispatches(app) as seen:
        if form := next((door for door in DOORS if door.partition("?")[0] == path), None):
            status = knock.form(form, DOORS[form]).status_code
        else:
            status = knock.client.get({"/kannel/sms": KANNEL_SMS}.get(path, path)).status_code
    # These settings have no SECRET_KEY; Flask renders the portal's refusal too.
    assert status in ({403} if path.startswith("/hall") else {200, 204})
    assert seen == [endpoint]


def test_flask_dispatches_no_callback(app: Flask, knock: Knock):
    with dispatches(app) as seen:
        for path in DOORS:
            if path.startswith(("/messages", "/receipts")):
                assert knock.form(path, DOORS[path]).status_code == 204
        assert knock.client.get(KANNEL_REPORT).status_code == 204
        assert knock.client.post("/feed/reports").status_code == 403
    assert seen == []


@pytest.mark.parametrize(
    "path", ["/sms", "/messages/status", "/receipts/0-abc/status", "/feed/reports"]
)
def test_doubled_leading_slash_reaches_the_same_route(knock: Knock, path: str):
    doubled = {"PATH_INFO": f"/{path}"}
    assert knock.client.post("/", environ_overrides=doubled).status_code == 403


def test_signature_is_checked_once_a_request(knock: Knock):
    check = RequestGuards.verified_form
    paths = [path for path in DOORS if path.startswith(("/voice", "/sms"))]
    with patch.object(RequestGuards, "verified_form", autospec=True, side_effect=check) as checked:
        for path in paths:
            knock.form(path, DOORS[path])
    checked_paths = [request.path for (_, request), _ in checked.call_args_list]
    assert checked_paths == [path.partition("?")[0] for path in paths]


def answered(endpoint: str, status: str) -> float:
    labels = {"door": endpoint, "status": status}
    return REGISTRY.get_sample_value("sms_receipt_answered_total", labels) or 0


@pytest.mark.parametrize(
    ("path", "endpoint", "good"),
    [
        ("/voice", "ivr.voice", "200"),
        ("/voice/ended", "ivr.voice_ended", "204"),
        ("/sms", "keywords.sms", "200"),
        ("/messages/status", "twilio_status.message_status", "204"),
        ("/receipts/a-0123456789abcdef0123/status", "twilio_status.receipt_status", "204"),
    ],
)
def test_each_response_is_counted_once_under_its_endpoint(
    knock: Knock, path: str, endpoint: str, good: str
):
    counters = ((endpoint, good), (endpoint, "403"), ("none", "405"))
    before = [answered(*counter) for counter in counters]
    knock.form(path, DOORS[path])
    knock.raw(path, b"", FORM, "x")
    knock.client.get(path)
    assert [answered(*counter) for counter in counters] == [count + 1 for count in before]


def test_route_without_a_guard_prevents_the_start(settings: Settings):
    app = Flask("doors")
    app.add_url_rule("/back-door", "back_door", lambda: "in")
    guards = RequestGuards(settings)
    with pytest.raises(UnguardedRouteError, match="back_door"):
        guards.install(app, {"public": ["static"]})


@pytest.mark.parametrize(
    "missing", ["PUBLIC_URL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "KANNEL_SECRET"]
)
def test_missing_secret_prevents_the_start(built: Container, missing: str):
    given = TWILIO | {
        "KANNEL_URL": "http://k.example.org",
        "KANNEL_SECRET": "kannel-secret-of-the-tests",
    }
    del given[missing]
    with pytest.raises(SettingsError, match=missing):
        create_app(Settings.read(given), built)


def test_service_with_kannel_alone_needs_no_twilio_account(settings: Settings, built: Container):
    kannel = {
        "PUBLIC_URL": "http://127.0.0.1:8000", "TEXT_PROVIDER": "kannel",
        "KANNEL_URL": "http://127.0.0.1:13013", "KANNEL_USER": "u", "KANNEL_PASSWORD": "p",
        "KANNEL_SECRET": "kannel-secret-of-the-tests", "REDIS_URL": settings.redis_url,
    }  # fmt: skip
    client = create_app(Settings.read(kannel).need_providers(), built).test_client()
    for path in ("/voice", "/sms", "/messages/status"):
        assert client.post(path, headers={"X-Twilio-Signature": ""}).status_code == 403
    secret = {"secret": kannel["KANNEL_SECRET"], "id": "1", "from": "+8613802880000", "text": "KT"}
    assert client.get("/kannel/sms", query_string=secret).status_code == 200
    with pytest.raises(SettingsError, match="TWILIO_AUTH_TOKEN"):
        create_app(
            Settings.read(kannel | {"TWILIO_ACCOUNT_SID": TWILIO["TWILIO_ACCOUNT_SID"]}), built
        )


def test_kannel_report_is_refused_without_a_configured_secret(settings: Settings, built: Container):
    ours = Settings.read(TWILIO | {"REDIS_URL": settings.redis_url})
    client = create_app(ours, built).test_client()
    for secret in ("", "?secret=", "?secret=None"):
        assert client.get(f"/kannel/report{secret}").status_code == 403


def test_failing_callback_answers_503_without_a_stack_trace(
    knock: Knock, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ReportService, "ingest", broken)
    monkeypatch.setattr(StatusUpdates, "finish", broken)
    for path in ("/messages/status", "/receipts/a-0123456789abcdef0123/status"):
        answer = knock.form(path, DOORS[path])
        assert (answer.status_code, answer.mimetype) == (503, "application/json")
        assert answer.headers["Retry-After"] == "5"
        assert b"ZeroDivisionError" not in answer.data
