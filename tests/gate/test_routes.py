"""Every door has a guard, and the app does not start with one that has none."""

import pytest
from flask import Flask

from switchboard.app import create_app
from switchboard.gate import Gate, Unguarded
from switchboard.settings import Settings, SettingsWrong
from switchboard.wiring import Services
from tests.conftest import PUBLIC_URL

#: What anyone may see: pages for machines, and the front page that names them.
OPEN = {"/", "/healthz", "/readyz", "/metrics"}


def test_only_the_pages_for_machines_answer_whoever_asks(app: Flask):
    client = app.test_client()
    seen = set()
    for rule in app.url_map.iter_rules():
        path = rule.rule.replace("<receipt_id>", "0-abc")
        for method in rule.methods or ():
            if client.open(path, method=method).status_code != 403:
                seen.add(rule.rule)
    assert seen == OPEN


def test_every_route_of_the_provider_takes_posts_alone(app: Flask):
    for rule in app.url_map.iter_rules():
        if rule.rule not in OPEN and not rule.rule.startswith(("/kannel", "/hall")):
            assert rule.methods == {"POST", "OPTIONS"}


def test_a_route_without_a_guard_keeps_the_app_from_starting(settings: Settings):
    app = Flask("doors")
    app.add_url_rule("/back-door", "back_door", lambda: "in")
    gate = Gate(settings)
    with pytest.raises(Unguarded, match="back_door"):
        gate.stand_before(app, gate.table(anyone=["static"]))


@pytest.mark.parametrize(
    "missing", ["PUBLIC_URL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "KANNEL_SECRET"]
)
def test_doors_do_not_open_without_what_guards_them(built: Services, missing: str):
    given = {
        "PUBLIC_URL": PUBLIC_URL,
        "TWILIO_ACCOUNT_SID": "AC1",
        "TWILIO_AUTH_TOKEN": "t",
        "KANNEL_URL": "http://k.example.org",
        "KANNEL_SECRET": "s",
    }
    del given[missing]
    with pytest.raises(SettingsWrong, match=missing):
        create_app(Settings.read(given), built)


def test_without_kannel_its_door_stays_shut(settings: Settings, built: Services):
    """No secret set is not a secret of nothing."""
    ours = Settings.read(
        {
            "PUBLIC_URL": PUBLIC_URL,
            "TWILIO_ACCOUNT_SID": "AC1",
            "TWILIO_AUTH_TOKEN": "t",
            "REDIS_URL": settings.redis_url,
        }
    )
    client = create_app(ours, built).test_client()
    for secret in ("", "?secret=", "?secret=None"):
        assert client.get(f"/kannel/report{secret}").status_code == 403
