"""No input causes a 500, a 503 or a plain text response."""

from urllib.parse import quote, urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from tests.conftest import ACCOUNT, GUANGDONG, UNICOM
from tests.support.requests import DOORS, FORM, Knock

FUZZED = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
PATHS = st.sampled_from(sorted(DOORS))
NAMES = st.sampled_from(
    ["CallSid", "MessageSid", "From", "To", "Body", "Digits", "SpeechResult", "MessageStatus"]
)
VALUES = TEXT | st.sampled_from(
    [
        *(GUANGDONG, UNICOM, "anonymous", "KTDXHZ", "是", "STOP", "1", "#"),
        *("delivered", "failed", "30036"),
    ]
)
_LINK_NAMES = ("at", "lang", "as", "mode", "step", "silent", "wrong", "bodySHA256")
_LINK_VALUES = ("menu", "offer", "over", "zh", "en", "none", "active", "text", "flash", "2")
LINK = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(_LINK_NAMES, st.sampled_from(_LINK_VALUES) | TEXT)
)


def check_response(answer: TestResponse) -> None:
    assert answer.status_code in {200, 204, 400, 403, 404, 405, 413}, answer.data
    assert answer.mimetype != "text/plain"
    assert b"Traceback" not in answer.data


@FUZZED
@given(path=PATHS, fields=st.dictionaries(NAMES, VALUES))
def test_signed_request_with_any_fields_is_answered(
    knock: Knock, path: str, fields: dict[str, str]
):
    check_response(knock.form(path, DOORS[path] | fields))


@FUZZED
@given(fields=st.dictionaries(NAMES, VALUES), link=LINK)
def test_signed_request_to_any_link_is_answered(
    knock: Knock, fields: dict[str, str], link: dict[str, str]
):
    good = {"at": "menu", "lang": "zh", "as": "none", "mode": "flash"}
    good |= {"step": "2", "silent": "0", "wrong": "0"}
    path = f"/voice/key?{urlencode(good | link)}"
    check_response(knock.form(path, {"CallSid": "CA1", "From": GUANGDONG} | fields))


@FUZZED
@given(path=PATHS, body=st.binary(max_size=300), kind=st.sampled_from([FORM, "text/plain", None]))
def test_unsigned_request_with_any_body_is_refused(
    offline: Knock, path: str, body: bytes, kind: str | None
):
    assert offline.raw(path, body, kind, "x").status_code == 403


@FUZZED
@given(body=st.binary(max_size=300), query=st.binary(max_size=60), signature=st.text(max_size=40))
def test_unsigned_request_with_any_query_is_refused(
    offline: Knock, body: bytes, query: bytes, signature: str
):
    header = signature.encode("utf-8", "ignore").decode("latin-1")
    environ = {"QUERY_STRING": query.decode("latin-1"), "HTTP_X_TWILIO_SIGNATURE": header}
    answer = offline.client.post("/sms", data=body, content_type=FORM, environ_overrides=environ)
    assert answer.status_code == 403


@FUZZED
@given(pairs=st.lists(st.tuples(NAMES | TEXT, VALUES), max_size=12))
def test_any_form_signed_by_the_sdk_is_accepted(knock: Knock, pairs: list[tuple[str, str]]):
    """Names may be repeated, empty or in any script."""
    form = [*pairs, ("AccountSid", ACCOUNT)]
    validator = RequestValidator(knock.token)
    signature = validator.compute_signature(knock.base + "/sms", MultiDict(form))
    answer = knock.raw("/sms", urlencode(form).encode(), FORM, signature)
    assert answer.status_code in {200, 400}


@FUZZED
@given(receipt=TEXT, status=VALUES)
def test_any_receipt_id_is_answered(knock: Knock, receipt: str, status: str):
    path = f"/receipts/{quote(receipt, safe='')}/status"
    check_response(knock.form(path, {"MessageSid": "SM1", "MessageStatus": status}))


@FUZZED
@given(query=st.dictionaries(st.sampled_from(["id", "type", "secret", "x"]), VALUES))
def test_any_kannel_report_is_answered(knock: Knock, query: dict[str, str]):
    told = {"secret": "kannel-secret-of-the-tests", "id": "0-abc", "type": "1"} | query
    answer = knock.client.get("/kannel/report", query_string=told)
    assert answer.status_code in {204, 400, 403, 429}
