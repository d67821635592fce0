"""Unauthenticated and malformed requests are refused before the store is used.

The store of ``offline`` is unavailable: a refusal that used it would be a 503.
"""

from itertools import product

import pytest
import redis
from prometheus_client import REGISTRY
from werkzeug.test import TestResponse

from tests.conftest import ACCOUNT, GUANGDONG
from tests.support.fixtures import contents
from tests.support.requests import DOORS, FORM, Knock

ODD_SIGNATURES = (
    None, "", "x", "=", "bm9uc2Vuc2U=", "é", "a" * 5000, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", " ",
)  # fmt: skip


def test_wrong_signature_is_refused(offline: Knock):
    for (path, fields), signature in product(DOORS.items(), ODD_SIGNATURES):
        body = "&".join(f"{name}={value}" for name, value in fields.items())
        refused(offline.raw(path, body.encode(), FORM, signature), 403)


def test_signature_with_another_token_is_refused(offline: Knock):
    other = Knock(offline.client, token="f" * 32)
    for path, fields in DOORS.items():
        refused(other.form(path, fields), 403)


def test_another_account_is_refused(offline: Knock):
    others = ("AC" + "f" * 32, "", ACCOUNT.upper(), ACCOUNT + " ")
    for (path, fields), account in product(DOORS.items(), others):
        refused(offline.form(path, fields | {"AccountSid": account}), 403)


@pytest.mark.parametrize("path", DOORS)
def test_changed_request_is_refused(offline: Knock, path: str):
    fields = {"AccountSid": ACCOUNT, **DOORS[path]}
    signature = offline.sign(path, fields)
    for name in fields:
        body = "&".join(f"{k}={'x' if k == name else v}" for k, v in fields.items())
        refused(offline.raw(path, body.encode(), FORM, signature), 403)
    refused(offline.raw(path + ("&" if "?" in path else "?") + "a=1", b"", FORM, signature), 403)


#: Fields that Twilio leaves out at times; without them a request is as if they were empty.
OPTIONAL = {
    *((path, field) for path in DOORS for field in ("Digits", "CallStatus")),
    *(("/messages/status", field) for field in ("From", "To")),
}


def test_missing_field_is_named_in_the_refusal(offline: Knock):
    every = ((path, field) for path, fields in DOORS.items() for field in fields)
    for path, field in (each for each in every if each not in OPTIONAL):
        fields = {name: value for name, value in DOORS[path].items() if name != field}
        answer = offline.form(path, fields)
        refused(answer, 400)
        assert field in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", DOORS)
def test_other_content_types_have_no_fields(offline: Knock, path: str):
    body = b"MessageSid=SM1&CallSid=CA1&From=%2B8613802880000&Body=KTDXHZ"
    for kind in ("text/plain", "multipart/form-data; boundary=x", "application/xml", None, "☃"):
        refused(offline.raw(path, body, kind, offline.sign(path)), 400)
        refused(offline.raw(path, body, kind, "x"), 403)
    refused(offline.json(path, b'{"From": "+8613802880000"}'), 400)


def test_wrong_body_hash_is_refused(offline: Knock):
    for told in ("0" * 64, "取消", "%E5%8F%96", "%FF", "é" * 64, "x" * 9999):
        refused(offline.json("/sms", b'{"a": 1}', told), 403)


def test_sha_256_signature_of_a_body_is_accepted(offline: Knock):
    path = "/sms?bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    newer = Knock(offline.client, digest="sha256")
    settings = {"X_Twilio_Webhooks_Signature_Settings": "key=k,algorithm=HMAC_SHA256"}
    signature = newer.sign(path)
    refused(offline.raw(path, b"{}", "application/json", signature, **settings), 400)
    refused(offline.raw(path, b"{}", "application/json", signature), 403)


@pytest.mark.parametrize("path", DOORS)
def test_oversized_request_is_refused(offline: Knock, path: str):
    refused(offline.form(path, DOORS[path] | {"More": "x" * 70_000}), 413)
    refused(offline.form(path, DOORS[path] | {f"f{n}": "" for n in range(201)}), 413)
    refused(offline.raw(path, b"&" * 60_000, FORM, "x"), 413)


def test_request_with_150_fields_is_accepted(knock: Knock):
    more = {f"FromField{n}": str(n) for n in range(150)}
    assert knock.form("/sms", DOORS["/sms"] | more).status_code == 200


def test_wrong_method_is_refused_with_the_allowed_one(offline: Knock):
    for path, method in product(DOORS, ("GET", "PUT", "PATCH", "DELETE")):
        answer = offline.client.open(path, method=method)
        refused(answer, 405)
        assert "POST" in answer.headers["Allow"]


def test_unknown_paths_are_not_found_and_not_redirected(offline: Knock):
    paths = ("/nothing", "/sms/", "/SMS", "/voice/key/1", "/voice//key", "/receipts//status")
    for path in (*paths, "/receipts/a//status", "/sms%00", "/取消"):
        refused(offline.form(path, DOORS["/sms"]), 404)


def test_kannel_report_requires_the_secret(offline: Knock):
    near = ("kannel-secret-of-the-tests ", "KANNEL-SECRET-OF-THE-TESTS")
    for secret in ("", "wrong", "取消", "%FF", "\x00", *near):
        query = {"type": "1", "id": "0-abc", "secret": secret}
        assert offline.client.get("/kannel/report", query_string=query).status_code == 403
    assert offline.client.get("/kannel/report?type=1&id=0-abc").status_code == 403


@pytest.mark.parametrize("lacking", ["id", "type"])
def test_kannel_report_without_a_parameter_is_refused(offline: Knock, lacking: str):
    query = {"type": "1", "id": "0-abc", "secret": "kannel-secret-of-the-tests"}
    del query[lacking]
    answer = offline.client.get("/kannel/report", query_string=query)
    assert answer.status_code == 400
    assert lacking in answer.get_data(as_text=True)


def test_refusals_are_counted_by_reason(offline: Knock):
    def counted(why: str) -> float:
        return REGISTRY.get_sample_value("sms_receipt_refused_total", {"why": why}) or 0

    before = {why: counted(why) for why in ("signature", "account", "secret")}
    offline.raw("/sms", b"", FORM, None)
    offline.form("/sms", DOORS["/sms"] | {"AccountSid": "ACother"})
    offline.client.get("/kannel/report")
    assert {why: counted(why) - was for why, was in before.items()} == dict.fromkeys(before, 1)


def test_refusals_change_no_stored_data(knock: Knock, raw: redis.Redis):
    before = contents(raw)
    for path, fields in DOORS.items():
        knock.raw(path, b"From=%2B8613802880000", FORM, "x")
        knock.form(path, fields | {"AccountSid": "ACother"})
        knock.form(path, {"Body": GUANGDONG})
        knock.form(path, fields | {"More": "x" * 70_000})
        knock.client.get(path)
    assert contents(raw) == before


def test_unrelated_headers_do_not_affect_authentication(knock: Knock):
    for name, value in (
        ("X_Forwarded_Proto", "http"),
        ("X_Forwarded_Host", "evil.example"),
        ("X_Original_Host", "evil.example"),
        ("Host", "evil.example:99999"),
        ("I_Twilio_Idempotency_Token", "é"),
        ("X_Home_Region", "us1"),
        ("Cookie", "a=b; " * 100),
        ("Transfer_Encoding", "identity"),
        ("X_Twilio_Webhooks_Signature_Settings", ""),
        ("X_Twilio_Webhooks_Signature_Settings", "key=abc"),
        ("Accept", "text/plain"),
        ("Expect", "100-continue"),
    ):
        assert knock.form("/sms", DOORS["/sms"], **{name: value}).status_code == 200, name
        refused(knock.raw("/sms", b"From=1", FORM, "x", **{name: value}), 403)


def test_declared_algorithm_is_enforced(offline: Knock):
    for algorithm in ("HMAC_MD5", "none", "HMAC_SHA256"):
        told = {"X_Twilio_Webhooks_Signature_Settings": f"key=k,algorithm={algorithm}"}
        refused(offline.form("/sms", DOORS["/sms"], **told), 403)


def refused(answer: TestResponse, status: int) -> None:
    """A refusal in JSON, which no provider reads out or sends to the customer."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/json"
    assert answer.get_json()["error"]
    assert "Traceback" not in answer.get_data(as_text=True)
