"""No address in a response comes from a request: PUBLIC_URL alone names this service."""

import re
from dataclasses import replace

import pytest
from flask import Flask

from app.settings import Settings
from tests.conftest import GUANGDONG, PUBLIC_URL
from tests.support.requests import DOORS, Knock

EVIL = {
    "Host": "evil.example.com:8080",
    "X-Forwarded-Host": "evil.example.com",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Port": "8080",
    "X-Original-URL": "https://evil.example.com/",
    "Forwarded": "host=evil.example.com;proto=http",
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, secret_key="a-key-of-at-least-sixteen-characters")


def paths(app: Flask) -> list[str]:
    """Each route as it is, without and with a last slash, and with doubled ones."""
    found = set()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "x", rule.rule)
        found |= {path, path.rstrip("/"), f"{path}/", f"/{path}", f"//evil.example.com{path}"}
    return sorted(path for path in found if path)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_redirect_never_follows_the_host_of_the_request(app: Flask, method: str):
    client = app.test_client()
    redirected = 0
    for path in paths(app):
        answer = client.open(
            "/", method=method, headers=EVIL, environ_overrides={"PATH_INFO": path}
        )
        location = answer.headers.get("Location")
        assert location is None or re.match(r"/[^/\\]", location), (path, location)
        assert b"evil.example.com" not in answer.data, path
        redirected += location is not None
    assert method == "POST" or redirected > 5


def test_addresses_in_twiml_are_those_of_public_url(knock: Knock):
    for path in DOORS:
        answer = knock.form(path, DOORS[path] | {"From": GUANGDONG}, **EVIL)
        assert "evil" not in answer.text
        for address in re.findall(r'https?://[^"<\s]+', answer.text):
            assert address.startswith(f"{PUBLIC_URL}/"), path
