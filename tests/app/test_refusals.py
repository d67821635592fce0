"""Who is not the provider, or says something odd, is turned away before anything is touched.

``deaf`` has no store: a refusal that had read or written anything would come back as 503.
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


def test_a_request_without_the_right_signature_is_refused_and_touches_nothing(deaf: Knock):
    for (path, fields), signature in product(DOORS.items(), ODD_SIGNATURES):
        body = "&".join(f"{name}={value}" for name, value in fields.items())
        refused(deaf.raw(path, body.encode(), FORM, signature), 403)


def test_a_request_signed_with_another_token_is_refused(deaf: Knock):
    other = Knock(deaf.client, token="f" * 32)
    for path, fields in DOORS.items():
        refused(other.form(path, fields), 403)


def test_a_request_of_another_account_is_refused(deaf: Knock):
    others = ("AC" + "f" * 32, "", ACCOUNT.upper(), ACCOUNT + " ")
    for (path, fields), account in product(DOORS.items(), others):
        refused(deaf.form(path, fields | {"AccountSid": account}), 403)


@pytest.mark.parametrize("path", DOORS)
def test_a_request_changed_on_its_way_is_refused(deaf: Knock, path: str):
    fields = {"AccountSid": ACCOUNT, **DOORS[path]}
    signature = deaf.sign(path, fields)
    for name in fields:
        body = "&".join(f"{k}={'x' if k == name else v}" for k, v in fields.items())
        refused(deaf.raw(path, body.encode(), FORM, signature), 403)
    refused(deaf.raw(path + ("&" if "?" in path else "?") + "a=1", b"", FORM, signature), 403)


def test_a_missing_field_is_refused_by_its_name(deaf: Knock):
    lacking = [(path, field) for path, fields in DOORS.items() for field in fields]
    for path, field in lacking:
        if field == "Digits":  # a caller may keep silent
            continue
        fields = {name: value for name, value in DOORS[path].items() if name != field}
        answer = deaf.form(path, fields)
        refused(answer, 400)
        assert field in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", DOORS)
def test_what_is_no_form_has_no_fields(deaf: Knock, path: str):
    """Even well signed: the first needed field is missing. Badly signed: 403."""
    body = b"MessageSid=SM1&CallSid=CA1&From=%2B8613802880000&Body=KTDXHZ"
    for kind in ("text/plain", "multipart/form-data; boundary=x", "application/xml", None, "☃"):
        refused(deaf.raw(path, body, kind, deaf.sign(path)), 400)
        refused(deaf.raw(path, body, kind, "x"), 403)
    refused(deaf.json(path, b'{"From": "+8613802880000"}'), 400)


def test_a_body_whose_hash_is_told_wrong_is_refused(deaf: Knock):
    for told in ("0" * 64, "取消", "%E5%8F%96", "%FF", "é" * 64, "x" * 9999):
        refused(deaf.json("/sms", b'{"a": 1}', told), 403)


def test_a_body_signed_with_sha_256_is_known_for_genuine(deaf: Knock):
    """Refused for its missing fields only."""
    path = "/sms?bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    newer = Knock(deaf.client, digest="sha256")
    settings = {"X_Twilio_Webhooks_Signature_Settings": "key=k,algorithm=HMAC_SHA256"}
    signature = newer.sign(path)
    refused(deaf.raw(path, b"{}", "application/json", signature, **settings), 400)
    refused(deaf.raw(path, b"{}", "application/json", signature), 403)


@pytest.mark.parametrize("path", DOORS)
def test_more_than_a_webhook_can_be_is_refused_unread(deaf: Knock, path: str):
    refused(deaf.form(path, DOORS[path] | {"More": "x" * 70_000}), 413)
    refused(deaf.form(path, DOORS[path] | {f"f{n}": "" for n in range(201)}), 413)
    refused(deaf.raw(path, b"&" * 60_000, FORM, "x"), 413)


def test_as_many_fields_as_a_provider_may_send_are_fine(knock: Knock):
    more = {f"FromField{n}": str(n) for n in range(150)}
    assert knock.form("/sms", DOORS["/sms"] | more).status_code == 200


def test_another_method_is_refused_with_the_right_one(deaf: Knock):
    for path, method in product(DOORS, ("GET", "PUT", "PATCH", "DELETE")):
        answer = deaf.client.open(path, method=method)
        refused(answer, 405)
        assert "POST" in answer.headers["Allow"]


def test_what_is_not_there_is_not_found(deaf: Knock):
    """Not sent on, either: a provider that follows drops what it had to say."""
    for path in (
        "/nothing",
        "/sms/",
        "/SMS",
        "/voice/key/1",
        "/voice//key",
        "/receipts//status",
        "/receipts/a//status",
        "/sms%00",
        "/取消",
    ):
        refused(deaf.form(path, DOORS["/sms"]), 404)


def test_kannels_door_opens_only_to_its_secret(deaf: Knock):
    for secret in ("", "wrong", "kannel-secret ", "取消", "%FF", "\x00", "KANNEL-SECRET"):
        query = {"type": "1", "id": "0-abc", "secret": secret}
        assert deaf.client.get("/kannel/report", query_string=query).status_code == 403
    assert deaf.client.get("/kannel/report?type=1&id=0-abc").status_code == 403


@pytest.mark.parametrize("lacking", ["id", "type"])
def test_kannels_report_without_a_needed_part_is_refused_by_its_name(deaf: Knock, lacking: str):
    query = {"type": "1", "id": "0-abc", "secret": "kannel-secret"}
    del query[lacking]
    answer = deaf.client.get("/kannel/report", query_string=query)
    assert answer.status_code == 400
    assert lacking in answer.get_data(as_text=True)


def test_a_refusal_is_counted_by_its_reason(deaf: Knock):
    def counted(why: str) -> float:
        return REGISTRY.get_sample_value("sms_receipt_refused_total", {"why": why}) or 0

    before = {why: counted(why) for why in ("signature", "account", "secret")}
    deaf.raw("/sms", b"", FORM, None)
    deaf.form("/sms", DOORS["/sms"] | {"AccountSid": "ACother"})
    deaf.client.get("/kannel/report")
    assert {why: counted(why) - was for why, was in before.items()} == {
        "signature": 1,
        "account": 1,
        "secret": 1,
    }


def test_refusals_leave_the_store_as_it_was(knock: Knock, raw: redis.Redis):
    before = contents(raw)
    for path, fields in DOORS.items():
        knock.raw(path, b"From=%2B8613802880000", FORM, "x")
        knock.form(path, fields | {"AccountSid": "ACother"})
        knock.form(path, {"Body": GUANGDONG})
        knock.form(path, fields | {"More": "x" * 70_000})
        knock.client.get(path)
    assert contents(raw) == before


def test_odd_headers_neither_open_the_door_nor_shut_it(knock: Knock):
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


def test_a_request_that_says_it_is_signed_otherwise_is_held_to_it(deaf: Knock):
    for algorithm in ("HMAC_MD5", "none", "HMAC_SHA256"):
        told = {"X_Twilio_Webhooks_Signature_Settings": f"key=k,algorithm={algorithm}"}
        refused(deaf.form("/sms", DOORS["/sms"], **told), 403)


def refused(answer: TestResponse, status: int) -> None:
    """A refusal that tells the caller why and could not be read out or texted to anybody."""
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/json"
    assert answer.get_json()["error"]
    assert "Traceback" not in answer.get_data(as_text=True)
