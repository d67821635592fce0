"""Only recent, signed batches of limited size are accepted."""

import time
from dataclasses import replace

import pytest
import redis

from app import request_auth
from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings
from tests.callbacks.conftest import Centre, a_line, batch
from tests.support.fixtures import contents
from tests.support.reports import told as arrived

BODY = batch(a_line())


@pytest.mark.usefixtures("customer")
def test_signed_batch_is_accepted(centre: Centre, built: Container):
    assert centre.post(BODY).get_json() == {"accepted": 1, "repeated": 0, "refused": []}
    assert [receipt.message_id for receipt in arrived(built)] == ["1"]


ZEROS = "sha256=" + "0" * 64
WRONG_HEADERS = {
    "none": (False, None),
    "no signature": (True, None),
    "no timestamp": (False, ZEROS),
    "a wrong one": (True, ZEROS),
    "not hex": (True, "sha256=é"),
    "empty": (True, ""),
}


@pytest.mark.parametrize(("timed", "signature"), WRONG_HEADERS.values(), ids=WRONG_HEADERS)
def test_unsigned_batch_is_refused_and_changes_nothing(
    centre: Centre, raw: "redis.Redis", *, timed: bool, signature: str | None
):
    headers = {"X-Feed-Timestamp": str(int(time.time()))} if timed else {}
    headers |= {} if signature is None else {"X-Feed-Signature": signature}
    before = contents(raw)
    assert centre.knock(BODY, headers).status_code == 403
    assert contents(raw) == before


def test_signature_covers_secret_body_and_time(centre: Centre):
    assert centre.post(BODY, secret="other").status_code == 403
    now = int(time.time())
    signed = centre.post(BODY, stamp=str(now)).request.headers
    assert centre.knock(BODY, dict(signed)).status_code == 200
    assert centre.knock(BODY + b" ", dict(signed)).status_code == 403
    later = dict(signed) | {"X-Feed-Timestamp": str(now + 1)}
    assert centre.knock(BODY, later).status_code == 403


@pytest.mark.parametrize(
    ("off", "status"), [(-301, 403), (-299, 200), (0, 200), (299, 200), (301, 403)]
)
def test_batch_is_accepted_within_five_minutes_of_its_time(
    centre: Centre, monkeypatch: pytest.MonkeyPatch, off: int, status: int
):
    monkeypatch.setattr(request_auth.time, "time", lambda: 1_800_000_000.0)
    assert centre.post(BODY, stamp=str(1_800_000_000 + off)).status_code == status


@pytest.mark.parametrize("stamp", ["", "now", "-1", "1e9", "1.5", "²", "9" * 5000, " 1"])
def test_signed_malformed_timestamp_is_refused(centre: Centre, stamp: str):
    assert centre.post(BODY, stamp=stamp).status_code == 403


def test_unset_secret_refuses_every_batch(settings: Settings, built: Container):
    app = create_app(replace(settings, feed_secret=""), built)
    assert Centre(app.test_client()).post(BODY, secret="").status_code == 403


def test_body_over_four_megabytes_is_refused(centre: Centre):
    body = b"\n".join([b" " * 1023] * 4096)
    assert centre.post(body).status_code == 200
    assert centre.post(body + b"\n  ").status_code == 413


def test_get_is_refused(centre: Centre):
    assert centre.client.get("/feed/reports").status_code == 405
