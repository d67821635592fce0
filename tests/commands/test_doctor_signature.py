"""`sms-receipt doctor signature` tells which URL was signed, and names the fix of a wrong one."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner, Result

from commands.main import main
from tests.conftest import ACCOUNT
from tests.conftest import PUBLIC_URL as PUBLIC
from tests.support.product import UNSET
from tests.support.signing import twilio_headers

FIELDS = {"AccountSid": ACCOUNT, "From": "+8613802880000", "Body": "KTDXHZ", "ForwardedFrom": ""}

Doctor = Callable[..., Result]


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """Run the command; ``settings`` are named in capitals."""

    def run(*words: str, data: bytes = b"", **settings: str) -> Result:
        account = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": "old-token,token"}
        env = UNSET | account | {"PUBLIC_URL": PUBLIC, "DATA_DIR": str(tmp_path)} | settings
        return CliRunner().invoke(main, ["doctor", "signature", *words], data, env=env)

    return run


def signed(url: str, fields: dict[str, str] = FIELDS, token: str = "token") -> str:
    return twilio_headers(token, url, fields)["X-Twilio-Signature"]


def options(url: str, signature: str, fields: dict[str, str] = FIELDS) -> list[str]:
    pairs = [word for name, value in fields.items() for word in ("--field", f"{name}={value}")]
    return ["--url", url, "--signature", signature, *pairs]


@pytest.mark.parametrize(
    ("public", "signed_url", "fixes"),
    [
        (PUBLIC, "http://sms.example.org/sms", ["make it https", f"--base-url {PUBLIC}`"]),
        (PUBLIC, f"{PUBLIC}/sms/", ["take the / off the end"]),
        (PUBLIC, f"{PUBLIC}//sms", ["write one / in place of //"]),
        (PUBLIC, "http://sms.example.org/sms/", ["take the / off the end", "make it https"]),
        (PUBLIC, f"{PUBLIC}:8443/sms", [f"set PUBLIC_URL={PUBLIC}:8443", "if not, correct"]),
        (PUBLIC, "https://www.sms.example.org/sms", ["set PUBLIC_URL=https://www.sms.example.org"]),
        (PUBLIC, f"{PUBLIC}/receipts/sms", [f"set PUBLIC_URL={PUBLIC}/receipts"]),
        (f"{PUBLIC}/receipts", f"{PUBLIC}/sms", [f"set PUBLIC_URL={PUBLIC};"]),
        ("http://sms.example.org", f"{PUBLIC}/sms", [f"set PUBLIC_URL={PUBLIC};"]),
        ("https://SMS.example.org", f"{PUBLIC}/sms", [f"set PUBLIC_URL={PUBLIC};"]),
    ],
)
def test_difference_of_the_signed_url_is_named_with_its_fix(
    doctor: Doctor, public: str, signed_url: str, fixes: list[str]
):
    seen = options(f"{public}/sms", signed(signed_url))
    headers = ["--header", "X-Forwarded-Prefix: /receipts", "--header", "Host: x:8443"]
    done = doctor(*seen, *headers, PUBLIC_URL=public)
    assert done.exit_code == 1
    assert f"no  it was signed as {signed_url} (token 2" in done.stdout
    for fix in fixes:
        assert fix in done.stdout


@pytest.mark.parametrize(
    "host", ["sms.example.org.evil", "sms.example.orgs", "sms-example.org", "127.0.0.1:8000"]
)
def test_look_alike_host_is_never_called_accepted(doctor: Doctor, host: str):
    url = f"https://{host}/sms"
    done = doctor(*options(url, signed(url)))
    assert done.exit_code == 1
    assert f"no  it was signed as {url}" in done.stdout
    assert f"set PUBLIC_URL=https://{host};" in done.stdout
    assert f"checked URL  {PUBLIC}/sms" in done.stdout


@pytest.mark.parametrize(
    ("public", "seen", "signed_url"),
    [
        (PUBLIC, f"{PUBLIC}/sms", f"{PUBLIC}/sms"),
        (PUBLIC, "http://localhost:8000/sms?a=b%20c", f"{PUBLIC}/sms?a=b%20c"),
        (PUBLIC, f"{PUBLIC}/sms", f"{PUBLIC}:443/sms"),
        (f"{PUBLIC}/receipts", f"{PUBLIC}/receipts/sms", f"{PUBLIC}/receipts/sms"),
        (f"{PUBLIC}/receipts", "/sms", f"{PUBLIC}/receipts/sms"),
    ],
)
def test_accepted_request_has_status_0(doctor: Doctor, public: str, seen: str, signed_url: str):
    done = doctor(*options(seen, signed(signed_url)), PUBLIC_URL=public)
    assert done.exit_code == 0, done.output
    assert "ok  it was signed as" in done.stdout


def capture(path: str, fields: dict[str, str], signature: str, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 10.0.0.7:8000", "X-Forwarded-Proto: https",
             "X-Forwarded-Host: sms.example.org", "Content-Type: application/x-www-form-urlencoded",
             f"X-Twilio-Signature: {signature}", *headers]  # fmt: skip
    return "\r\n".join([*lines, "", urlencode(fields)]).encode()


def test_captured_request_shows_urls_host_and_forwarded_headers(doctor: Doctor, tmp_path: Path):
    file = tmp_path / "request.txt"
    file.write_bytes(capture("/sms?a=1", FIELDS, signed("http://sms.example.org/sms?a=1")) + b"\n")
    done = doctor("--request", str(file))
    assert done.exit_code == 1
    shown = dict(line.split("  ", 1) for line in done.stdout.splitlines() if "  " in line)
    assert {name: value.strip() for name, value in shown.items() if name not in {"ok", "no"}} == {
        "method": "POST", "signed URL": "http://sms.example.org/sms?a=1",
        "checked URL": f"{PUBLIC}/sms?a=1", "seen URL": "http://10.0.0.7:8000/sms?a=1",
        "PUBLIC_URL": PUBLIC, "Host": "10.0.0.7:8000", "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "sms.example.org",
    }  # fmt: skip
    assert "make it https" in done.stdout


def test_json_has_the_urls_and_each_finding(doctor: Doctor):
    data = capture("/sms", FIELDS, signed(f"{PUBLIC}/sms/"))
    compared, finding = map(
        json.loads, doctor("--request", "-", "--json", data=data).stdout.splitlines()
    )
    assert compared["signed URL"] == f"{PUBLIC}/sms/"
    assert compared["X-Forwarded-Proto"] == "https"
    assert (finding["ok"], finding["fix"][:8]) == (False, "take the")


def test_body_may_come_from_a_file(doctor: Doctor, tmp_path: Path):
    (tmp_path / "body").write_text(urlencode(FIELDS) + "\n")
    words = ("--url", "/sms", "--header", f"X-Twilio-Signature: {signed(f'{PUBLIC}/sms')}")
    assert doctor(*words, "--body", str(tmp_path / "body")).exit_code == 0


def test_get_request_signs_no_form(doctor: Doctor):
    url = f"{PUBLIC}/sms?From=%2B8613802880000"
    done = doctor("--method", "GET", "--url", url, "--signature", signed(url, {}))
    assert done.exit_code == 0
    assert "method       GET" in done.stdout


def test_changed_form_is_named(doctor: Doctor):
    lost = {name: value for name, value in FIELDS.items() if value}
    done = doctor(*options(f"{PUBLIC}/sms", signed(f"{PUBLIC}/sms", lost)))
    assert done.exit_code == 1
    assert "the form is not as it was signed" in done.stdout
    spaced = FIELDS | {"From": " 8613802880000"}
    done = doctor(*options(f"{PUBLIC}/sms", signed(f"{PUBLIC}/sms"), spaced))
    assert "each + as %2B" in done.stdout


def test_changed_json_body_is_named(doctor: Doctor):
    body = b'{"a": 1}'
    url = f"{PUBLIC}/sms?bodySHA256={hashlib.sha256(body).hexdigest()}"
    head = f"POST {url} HTTP/1.1\nContent-Type: application/json\n"
    head += f"X-Twilio-Signature: {signed(url, {})}\n\n"
    assert doctor("--request", "-", data=head.encode() + body).exit_code == 0
    done = doctor("--request", "-", data=head.encode() + b'{"a":1}')
    assert done.exit_code == 1
    assert "no  the body is not the one that bodySHA256" in done.stdout


def test_other_account_and_other_token_are_named(doctor: Doctor):
    theirs = FIELDS | {"AccountSid": "AC99"}
    done = doctor(*options(f"{PUBLIC}/sms", signed(f"{PUBLIC}/sms", theirs), theirs))
    assert done.exit_code == 1
    assert "no  AccountSid is AC99" in done.stdout
    done = doctor(*options(f"{PUBLIC}/sms", signed(f"{PUBLIC}/sms", token="elsewhere")))
    assert done.exit_code == 1
    assert "none found" in done.stdout
    assert "primary token of the account" in done.stdout


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        (("--signature", "x"), "give the URL"),
        (("--url", "/sms"), "give X-Twilio-Signature"),
        (("--url", "/sms", "--signature", "x", "--field", "Body"), "give Name=Value"),
        (("--url", "/sms", "--header", "Host"), "give headers such as Host"),
        (("--request", "-"), "give a request line"),
    ],
)
def test_incomplete_request_is_refused_with_its_fix(
    doctor: Doctor, words: tuple[str, ...], fix: str
):
    done = doctor(*words)
    assert done.exit_code == 2
    assert fix in done.stderr
    assert done.stdout == ""


def test_missing_token_is_named(doctor: Doctor):
    done = doctor(*options("/sms", "x"), TWILIO_AUTH_TOKEN="")
    assert "TWILIO_AUTH_TOKEN is required but not set" in done.stderr
