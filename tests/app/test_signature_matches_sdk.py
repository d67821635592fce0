"""The signature check agrees with the provider's Python SDK on any input."""

import string
from urllib.parse import parse_qsl, urlencode, urlparse

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator, get_signature_algorithm
from werkzeug.datastructures import MultiDict

from app.request_auth import form_pairs
from receipts.providers.twilio_signature import algorithm_of, is_valid_signature, signature

KEYS = st.text(min_size=1, max_size=40)
TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
#: Some names come more than once.
FORM = st.lists(st.tuples(TEXT | st.sampled_from(["From", "A", "a"]), TEXT), max_size=8)

HOST = st.from_regex(r"[a-z0-9]{1,10}(\.[a-z]{2,5})?(:[1-9][0-9]{0,3})?", fullmatch=True)
PATH = st.text(string.ascii_letters + string.digits + "-._~!$&()*+,;=:@%/", max_size=30)
QUERY = st.lists(st.tuples(TEXT, TEXT), max_size=4).map(urlencode)


@st.composite
def urls(draw: st.DrawFn) -> str:
    query = draw(QUERY)
    scheme = draw(st.sampled_from(["https", "http"]))
    url = f"{scheme}://{draw(HOST)}/{draw(PATH).lstrip('/')}"
    url = f"{url}?{query}" if query else url
    # The SDK loses an empty parameter ("/;") where it puts an address together again.
    assume(urlparse(url).geturl() == url)
    return url


@settings(deadline=None)
@given(key=KEYS, url=urls(), form=FORM)
def test_signature_equals_the_sdks(key: str, url: str, form: list[tuple[str, str]]):
    theirs = RequestValidator(key).compute_signature(url, MultiDict(form))
    assert signature(key, url, form) == theirs


@settings(deadline=None)
@given(key=KEYS, url=urls(), form=FORM, data=st.data())
def test_validation_agrees_with_the_sdk(
    key: str, url: str, form: list[tuple[str, str]], data: st.DataObject
):
    validator = RequestValidator(key)
    similar = [url, url.replace("://", "://x", 1), url + "&a=b", url.replace("https:", "http:")]
    similar += [with_port(url, port) for port in (":443", ":80", "")]
    other = data.draw(st.sampled_from(similar))
    given_ = data.draw(st.just(signature(key, other, form)) | TEXT.filter(bool))
    ours = is_valid_signature([key], given_, url, form)
    assert ours == validator.validate(url, MultiDict(form), given_)


def test_unnormalised_address_is_accepted():
    """The SDK loses the empty parameter and refuses this address."""
    url = "https://sms.example.org/;"
    assert is_valid_signature(["key"], signature("key", url, []), url, [])


PIECES = st.sampled_from([*"=, ", "key", "algorithm", "HMAC_SHA256", "HMAC_SHA1", "x"])


@settings(deadline=None)
@given(header=st.none() | TEXT | st.lists(PIECES).map("".join))
def test_algorithm_is_parsed_like_the_sdk(header: str | None):
    assert algorithm_of(header) == get_signature_algorithm(header).upper()


def with_port(url: str, port: str) -> str:
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.partition(':')[0]}{port}{slash}{path}"


@settings(deadline=None)
@given(pieces=st.lists(TEXT | st.sampled_from([*"&=+%;", "%20", "%E4%BD", "a=b", "%zz"])))
def test_form_is_parsed_like_parse_qsl(pieces: list[str]):
    body = "".join(pieces).encode()
    assert form_pairs(body) == parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
