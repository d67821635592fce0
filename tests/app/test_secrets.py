"""Secrets: their length, placeholders, rotation, and the cost of wrong guesses."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.bootstrap import Container
from app.factory import create_app
from app.protection.client_address import ClientAddresses
from app.protection.secret_rules import is_placeholder
from app.settings import Settings, SettingsError
from tests.conftest import GUANGDONG
from tests.support.signing import feed_headers

OURS = ("KANNEL_SECRET", "FEED_SECRET", "SECRET_KEY")
GOOD = "q7Zr2m-XhT0w.9LkV"
OLD, NEW = "an-old-one-of-the-gateway", "a-new-one-of-the-gateway"


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("weak", ["k", "fifteen-letters", f"{GOOD},k", f"k,{GOOD}", ",", "x" * 64])
def test_weak_secret_is_refused_at_the_start(name: str, weak: str):
    with pytest.raises(SettingsError, match=f"{name} must "):
        Settings.read({name: weak})


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("given", [GOOD, f"{GOOD},{GOOD[::-1]}", f" {GOOD} , {OLD} "])
def test_secrets_of_a_rotation_are_read_in_order(name: str, given: str):
    settings = Settings.read({name: given})
    read = settings.kannel_secrets or settings.feed_secrets or settings.secret_keys
    assert read == tuple(part.strip() for part in given.split(","))
    assert GOOD not in repr(settings)


@pytest.mark.parametrize(
    "placeholder",
    [
        "changeme", "CHANGE-ME-sendsms", "changeme-changeme-changeme", "changeme1234567890",
        "secretsecretsecret", "secret-secret-secret", "secret1234567890", "my_secret_key_here",
        "<your secret goes here>", "xxxxxxxxxxxxxxxx", "0000000000000000", "1212121212121212",
        "1234567890123456", "passwordpassword", "PLACEHOLDER-PLACEHOLDER", "replace_this_token",
        "insert-your-secret-here", "example-secret-key", "test-test-test-test", "TODO-set-secret",
    ],
)  # fmt: skip
def test_placeholder_is_no_secret(placeholder: str):
    assert is_placeholder(placeholder)


@pytest.mark.parametrize(
    "secret",
    [
        GOOD, OLD, NEW, "0123456789abcdef0123456789abcdef", "correct horse battery staple",
        "a-key-of-at-least-sixteen-characters", "b7a90d55e81c4f02", "90817263545463728190aa",
    ],
)  # fmt: skip
def test_secret_made_at_random_is_no_placeholder(secret: str):
    assert not is_placeholder(secret)


@pytest.mark.parametrize("name", ["TWILIO_AUTH_TOKEN", "KANNEL_PASSWORD"])
def test_placeholder_for_a_secret_of_another_system_is_refused(name: str):
    with pytest.raises(SettingsError, match=f"{name} must .* placeholder"):
        Settings.read({name: "changeme"})


def kannel(app_client: FlaskClient, secret: str, address: str = "10.0.0.7") -> TestResponse:
    url = f"/kannel/sms?secret={secret}&id=1&from=%2B{GUANGDONG[1:]}&to=7500&text=KTDXHZ"
    return app_client.get(url, environ_overrides={"REMOTE_ADDR": address})


def test_both_secrets_pass_during_rotation(settings: Settings, built: Container):
    client = create_app(replace(settings, kannel_secret=f"{NEW},{OLD}"), built).test_client()
    assert [kannel(client, secret).status_code for secret in (OLD, NEW)] == [200, 200]
    assert kannel(client, f"{NEW},{OLD}").status_code == 403


def test_both_feed_secrets_pass_during_rotation(settings: Settings, built: Container):
    client = create_app(replace(settings, feed_secret=f"{NEW},{OLD}"), built).test_client()
    sent = [
        client.post("/feed/reports", data=b"", headers=feed_headers(secret, b"")).status_code
        for secret in (OLD, NEW, GOOD)
    ]
    assert sent == [200, 200, 403]


def test_wrong_secrets_are_slowed_down_and_the_right_one_passes(
    settings: Settings, built: Container
):
    client = create_app(settings, built).test_client()
    answers = [kannel(client, f"guess-{n}") for n in range(12)]
    assert [answer.status_code for answer in answers] == [403] * 10 + [429] * 2
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    assert kannel(client, "guess", "10.0.0.8").status_code == 403
    assert kannel(client, settings.kannel_secret).status_code == 200


def test_wrong_feed_signatures_are_slowed_down(settings: Settings, built: Container):
    client = create_app(settings, built).test_client()
    headers = feed_headers(GOOD, b"")
    sent = [client.post("/feed/reports", headers=headers).status_code for _ in range(11)]
    assert sent == [403] * 10 + [429]
    headers = feed_headers(settings.feed_secret, b"")
    assert client.post("/feed/reports", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1:4711", "1.2.3.4, 198.51.100.1:80, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "junk", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("2001:db8:1:2:3::4", "198.51.100.1", "2001:db8:1:2::/64"),
        ("10.0.0.1", "[2001:db8:1:2:3::4]:443", "2001:db8:1:2::/64"),
        ("", "198.51.100.1", ""),
    ],
)
def test_only_trusted_proxies_name_the_client(peer: str, forwarded: str, client: str):
    settings = Settings.read({"TRUSTED_PROXIES": "10.0.0.0/24"})
    environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}
    assert ClientAddresses(settings.trusted_proxies).of(environ) == client


def test_malformed_proxy_network_is_refused():
    with pytest.raises(SettingsError, match="TRUSTED_PROXIES=10"):
        Settings.read({"TRUSTED_PROXIES": "10.0.0.1/24"})
