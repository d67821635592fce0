"""Published test vectors of twilio-python, -node, -java and -go, and of the security page."""

import pytest

from receipts.providers.twilio_signature import (
    is_valid_body_signature,
    is_valid_signature,
    signature,
)

KEY = ("12345",)
U = "https://mycompany.com/myapp.php?foo=1&bar=2"
P = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
DOCS = P | {"Caller": "+14158675310", "From": "+14158675310"}
JSON = b'{"property": "value", "boolean": true}'
HASH = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
EMPTY_HASH = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
BINDING = "MessagingBinding.Address"
TWICE = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234")]

FORMS = {
    "python node java go": (U, P, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    "a port that was not signed": (
        U.replace(".com", ".com:1234"), P, "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
    ),
    "https signed with 443": (U, P, "kvajT1Ptam85bY51eRf/AJRuM3w="),
    "http, a port that was not signed": (
        U.replace("https", "http").replace(".com", ".com:1234"), P, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=",
    ),
    "http signed with 80": (U.replace("https", "http"), P, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    "a field twice": (U, TWICE, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
    "a field twice, one value again": (
        U, [*TWICE, ("Digits", "1234")], "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
    ),
    "two addresses": (
        U, [(BINDING, "+1325xxxxxxx"), (BINDING, "+1415xxxxxxx")], "83O6e2vORAoJHUNzJjDWN1jz+BA=",
    ),
    "two addresses, other order": (
        U, [(BINDING, "+1415xxxxxxx"), (BINDING, "+1325xxxxxxx")], "83O6e2vORAoJHUNzJjDWN1jz+BA=",
    ),
    "node, user and password": (
        U.replace("//", "//user:pass@"), P, "CukzLTc1tT5dXEDIHm/tKBanW10=",
    ),
    "node, user and password, signed with 443": (
        U.replace("//", "//user:pass@"), P, "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI=",
    ),
    "java, no fields": (U, {}, "zYQTYrRWXE7LtzbG4PfP7/bkkGo="),
    "java, no query": ("https://mycompany.com/myapp.php", P, "1xaxFBvyzXYvWplzNOSs28HWO94="),
    "java, escapes in the query": (
        "https://mycompany.com/myapp.php?foo=hello%20world&bar=test%2Bvalue",
        P, "er2tvAP1Wx+iuTTE2BPgvEaN1cs=",
    ),
    "java, odd characters": (
        U,
        {"Message": "Hello & goodbye! @#$%^*()", "From": "+1 (415) 867-5309",
         "Special": "unicode: ñáéíóú"},
        "dCPiR4WtQ6QFN6pJh81CtlCcWLQ=",
    ),
    "java, empty fields": (
        U, {"Digits": "", "CallSid": "CA1234567890ABCDE", "EmptyParam": ""},
        "9HHp/OqQMEwdrVebHDdA/+tqjX8=",
    ),
    "java, names that differ in case": (
        U, {"callSid": "lowercase", "CallSid": "uppercase", "CALLSID": "allcaps"},
        "jDK7WKT8wiNrwggd4ceTv4e1MJ4=",
    ),
    "java, letters beyond ASCII in the URL": (
        "https://mycompany.com/webhook/España?año=2023", P, "G/Hx6mqqnjUNlPAoi2Sp9bGst0g=",
    ),
    "node, an apostrophe signed as %27": (
        U + "&Body=It's+amazing", P, "TfZzewPq8wqrGlMfyAud8+/IvJ0=",
    ),
    "python, an apostrophe as it is": (
        U + "&Body=It's+amazing", P, "dsq4Ehbj6cs+KdTkpF5sSSplOWw=",
    ),
    "documentation": (
        "https://example.com/myapp.php?foo=1&bar=2", DOCS, "L/OH5YylLD5NRKLltdqwSvS0BnU=",
    ),
    "older documentation": (U, DOCS, "GvWf1cFY/Q7PnoempGyD5oXAezc="),
    "ours, in Chinese": (
        "https://example.com/sms", {"Body": "取消", "From": "+8613800138000", "To": "7500"},
        "mN1Ah49DpxKcMnvMrLULC8Ac66U=",
    ),
}  # fmt: skip

BODIES = {
    "python node java go": (U + f"&bodySHA256={HASH}", JSON, HASH, "a9nBmqA0ju/hNViExpshrM61xv4="),
    "node java go, nothing else in the query": (
        f"https://mycompany.com/myapp.php?bodySHA256={HASH}", JSON, HASH,
        "y77kIzt2vzLz71DgmJGsen2scGs=",
    ),
    "node, an empty object": (
        U + f"&bodySHA256={EMPTY_HASH}", b"{}", EMPTY_HASH, "Ldidvp12m26NI7eqEvxnEpkd9Hc=",
    ),
}  # fmt: skip


def pairs(fields: object) -> list[tuple[str, str]]:
    return list(fields.items()) if isinstance(fields, dict) else list(fields)  # type: ignore[call-overload]


@pytest.mark.parametrize(("url", "fields", "given"), FORMS.values(), ids=FORMS)
def test_published_vectors_are_accepted(url: str, fields: object, given: str):
    assert is_valid_signature(KEY, given, url, pairs(fields))


@pytest.mark.parametrize(("url", "fields", "given"), FORMS.values(), ids=FORMS)
def test_changed_vectors_are_refused(url: str, fields: object, given: str):
    form = pairs(fields)
    assert not is_valid_signature(("54321",), given, url, form)
    assert not is_valid_signature(KEY, given, url + "x", form)
    assert not is_valid_signature(KEY, given, url, [*form, ("Extra", "")])
    assert not is_valid_signature(KEY, given[1:] + given[0], url, form)
    assert not is_valid_signature(KEY, given.lower(), url, form)
    assert not is_valid_signature(KEY, given, url, form, "HMAC_SHA256")


@pytest.mark.parametrize(("url", "body", "told", "given"), BODIES.values(), ids=BODIES)
def test_signed_body_is_accepted(url: str, body: bytes, told: str, given: str):
    assert is_valid_body_signature(KEY, given, url, body, told)
    assert not is_valid_body_signature(KEY, given, url, body + b" ", told)
    assert not is_valid_body_signature(KEY, given, url, body, "0" * 64)
    assert not is_valid_body_signature(("54321",), given, url, body, told)


def test_declared_sha_256_signature_is_accepted():
    given = "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s="
    assert is_valid_signature(KEY, given, U, pairs(P), "HMAC_SHA256")
    assert not is_valid_signature(KEY, given, U, pairs(P))


def test_declared_sha_256_signature_of_a_body_is_accepted():
    url = f"{U}&bodySHA256={HASH}"
    given = signature("12345", url, (), "sha256")
    assert is_valid_body_signature(KEY, given, url, JSON, HASH, "HMAC_SHA256")
    assert not is_valid_body_signature(KEY, given, url, JSON, HASH)


@pytest.mark.parametrize("algorithm", ["", "NONE", "HMAC_MD5", "hmac_sha1", "HMAC_SHA1 "])
def test_unknown_algorithm_is_refused(algorithm: str):
    assert not is_valid_signature(KEY, "RSOYDt4T1cUTdK1PDd93/VVr8B8=", U, pairs(P), algorithm)


@pytest.mark.parametrize("told", ["取消", "", "é" * 64, HASH + "0", "\udc80"])
def test_malformed_body_hash_is_refused(told: str):
    assert not is_valid_body_signature(KEY, "x", U, JSON, told)


@pytest.mark.parametrize(
    "given", ["", "=", "取消", "\x00", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "a" * 9999]
)
def test_malformed_signature_is_refused(given: str):
    assert not is_valid_signature(KEY, given, U, pairs(P))


def test_each_key_is_accepted_during_rotation():
    given = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert is_valid_signature(("new", "12345"), given, U, pairs(P))
    assert is_valid_signature(("12345", "old"), given, U, pairs(P))
    assert not is_valid_signature(("new", "old"), given, U, pairs(P))
    assert not is_valid_signature((), given, U, pairs(P))
