"""Every route with its methods, guard and limits, as routes.txt lists them."""

import difflib
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
from flask import Flask
from prometheus_client import CollectorRegistry, make_wsgi_app
from werkzeug.routing import Rule
from werkzeug.test import Client

from app import factory
from app.bootstrap import Container
from app.edge.limits import door_of
from app.factory import create_app
from app.metrics import server as metrics_server
from app.pages.staff_guard import StaffGuard
from app.request_auth import RequestGuards
from app.settings import Settings
from callbacks.app import CallbackApp
from receipts.model.staff import Right
from tests.support.requests import FORM
from web.staff.access import StaffRoute

TABLE = Path(__file__).with_name("routes.txt")

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")

#: The checks of RequestGuards, and what a request must have to pass each of them.
CHECKS = {
    "public": "open",
    "twilio": "Twilio signature",
    "verified_form": "Twilio signature",
    "kannel": "KANNEL_SECRET",
    "verified_query": "KANNEL_SECRET",
    "verified_feed": "FEED_SECRET HMAC",
    "demo": "DEMO_SECRET",
    "anonymous": "SECRET_KEY set",
    "customer": "session",
    "staff": "staff session",
}


class Watched:
    """The application with a record of the checks that each request passes or fails."""

    def __init__(self) -> None:
        self.checks: list[str] = []
        self.right: Right | None = None
        self.callbacks: list[CallbackApp] = []
        self.app = Flask("not yet made")

    @property
    def rules(self) -> Iterator[Rule]:
        yield from self.app.url_map.iter_rules()
        for each in self.callbacks:
            yield from each.url_map.iter_rules()


@contextmanager
def watched(settings: Settings, built: Container) -> Iterator[Watched]:
    found = Watched()

    def checking(guards: type, name: str) -> object:
        original = getattr(guards, name)

        def check(self: object, *given: object) -> object:
            found.checks.append(name)
            if given and isinstance(given[0], StaffRoute):
                found.right = given[0].right
            return original(self, *given)

        return check

    def made(*given: object) -> CallbackApp:
        found.callbacks.append(callback_app(*given))  # type: ignore[arg-type] # as the factory gives
        return found.callbacks[-1]

    callback_app = factory.callback_app
    with ExitStack() as patches:
        for name in CHECKS:
            guards: type = StaffGuard if name == "staff" else RequestGuards
            patches.enter_context(patch.object(guards, name, checking(guards, name)))
        patches.enter_context(patch.object(factory, "callback_app", made))
        keys = {
            "secret_key": "a-secret-key-of-the-tests",
            "demo_secret": "a-demo-secret-of-the-tests",
        }
        found.app = create_app(replace(settings, **keys), built)
        yield found


def guard_of(method: str, checks: list[str], right: Right | None) -> str:
    words = dict.fromkeys(CHECKS[name] for name in checks)
    if "staff" in checks and right is not None:
        words[f"right {right}"] = None
    if "anonymous" in checks and method == "POST":
        words["form token"] = None
    return ", ".join(words) or "none"


def table(found: Watched, built: Container) -> list[str]:
    """A line for each path and guard; the methods are those that are not answered 405."""
    rows: dict[tuple[str, ...], list[str]] = defaultdict(list)
    client = Client(found.app)
    for path in sorted({rule.rule for rule in found.rules}):
        door = door_of(path)
        place = ("inside" if door.is_inside else "public", str(door.max_bytes))
        for method in METHODS:
            found.checks.clear()
            found.right = None
            status = client.open(an_address(path), method=method).status_code
            if status != 405:
                rows[path, *place, guard_of(method, found.checks, found.right), str(status)].append(
                    method
                )
    metrics = Client(make_wsgi_app(metrics_server.registry(built, CollectorRegistry())))
    for method in METHODS:
        status = metrics.open("/metrics", method=method).status_code
        if status != 405:
            rows["/metrics", metrics_server.LOOPBACK, "-", "open", str(status)].append(method)
    heads = ("path", "methods", "network", "body", "guard", "stranger")
    lines = [heads, *((row[0], " ".join(methods), *row[1:]) for row, methods in rows.items())]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]


def an_address(path: str) -> str:
    return re.sub("<.+?>", "0-abc", path)


def differences(now: list[str]) -> str:
    kept = TABLE.read_text().splitlines()
    return "\n".join(difflib.unified_diff(kept, now, TABLE.name, "the application", lineterm=""))


def test_routes_are_those_of_the_table(settings: Settings, built: Container) -> None:
    with watched(settings, built) as found:
        now = table(found, built)
    assert not differences(now), "\n".join(("", differences(now), "", TABLE.name, *now))


@pytest.mark.parametrize("change", ["another route", "a callback", "another method", "no guard"])
def test_change_of_a_route_differs_from_the_table(
    settings: Settings, built: Container, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if change == "no guard":
        guarded = vars(factory)["_GUARDED"]
        monkeypatch.setitem(guarded, "public", ("ivr.voice", *guarded["public"]))
    with watched(settings, built) as found:
        if change == "another route":
            found.app.url_map.add(Rule("/back-door", endpoint="front", methods=["GET"]))
        elif change == "a callback":
            new = Rule("/feed/more", endpoint="feed.feed_reports", methods=["POST"])
            found.callbacks[0].url_map.add(new)
        elif change == "another method":
            found.app.url_map.add(Rule("/sms", endpoint="keywords.sms", methods=["PUT"]))
        words = {
            "another route": "+/back-door ",
            "a callback": "+/feed/more ",
            "another method": "+/sms  ",
            "no guard": "+/voice  ",
        }
        assert f"\n{words[change]}" in differences(table(found, built))


def test_body_over_the_limit_of_its_row_is_refused_by_the_application_too(
    settings: Settings, built: Container
) -> None:
    with watched(settings, built) as found:
        client, refused = Client(found.app), {}
        for rule in found.rules:
            if "POST" in (rule.methods or ()):
                limit, address = door_of(rule.rule).max_bytes, an_address(rule.rule)
                refused[rule.rule] = [
                    client.post(address, data=b"x" * size, content_type=FORM).status_code == 413
                    for size in (limit, limit + 1)
                ]
    assert refused
    assert refused == {path: [False, True] for path in refused}
