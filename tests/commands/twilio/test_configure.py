"""``sms-receipt twilio configure`` sets the webhooks of numbers."""

from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl

import pytest
import responses
from click.testing import CliRunner, Result

from commands.main import main

API = "https://api.example.org/2010-04-01/Accounts/AC1"
BASE = "https://sms.example.org"
NUMBER = {"sid": "PN1", "sms_url": "https://old.example.org/s", "voice_url": ""}


Api = responses.RequestsMock
Configure = Callable[..., Result]


@pytest.fixture
def api() -> Iterator[Api]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Runs the command with usual settings; keywords replace some of them."""
    monkeypatch.chdir("/")
    given = {
        "TWILIO_ACCOUNT_SID": "AC1",
        "TWILIO_AUTH_TOKEN": "token",
        "TWILIO_FROM": "+8613802880000",
        "TWILIO_API_URL": "https://api.example.org",
        "PUBLIC_URL": BASE,
    }

    def run(*words: str, **more: str) -> Result:
        return CliRunner().invoke(main, ["twilio", "configure", *words], env=given | more)

    return run


def listed(api: Api, held: list[dict[str, str]]) -> None:
    body = {"incoming_phone_numbers": held, "next_page_uri": None}
    api.get(f"{API}/IncomingPhoneNumbers.json", json=body)


def no_services(api: Api) -> None:
    body = {"services": [], "meta": {"key": "services", "next_page_url": None}}
    api.get("https://api.example.org/v1/Services", json=body)


def told(api: Api) -> dict[str, str]:
    """The form of the last request."""
    return dict(parse_qsl(str(api.calls[-1].request.body)))


def test_number_gets_all_webhooks(api: Api, configure: Configure):
    listed(api, [NUMBER])
    no_services(api)
    doors = {
        "sms_url": f"{BASE}/sms#rc=2&rp=5xx,ct,rt",
        "sms_fallback_url": f"{BASE}/sms#rc=5&rp=all",
        "voice_url": f"{BASE}/voice#rc=2&rp=5xx,ct,rt",
        "voice_fallback_url": f"{BASE}/voice#rc=5&rp=all",
        "status_callback": f"{BASE}/voice/ended#rc=5&rp=all",
    }
    api.post(f"{API}/IncomingPhoneNumbers/PN1.json", json=NUMBER | doors)
    end = configure("--base-url", f"{BASE}/")
    assert (end.exit_code, end.stderr) == (0, "")
    assert "PhoneNumber=%2B8613802880000" in str(api.calls[0].request.url)
    assert told(api) == {
        "SmsUrl": doors["sms_url"],
        "SmsMethod": "POST",
        "SmsFallbackUrl": doors["sms_fallback_url"],
        "SmsFallbackMethod": "POST",
        "VoiceUrl": doors["voice_url"],
        "VoiceMethod": "POST",
        "VoiceFallbackUrl": doors["voice_fallback_url"],
        "VoiceFallbackMethod": "POST",
        "StatusCallback": doors["status_callback"],
        "StatusCallbackMethod": "POST",
    }
    assert end.stdout.splitlines()[:3] == [
        "+8613802880000  texts",
        "  before  https://old.example.org/s",
        f"  after   {doors['sms_url']}",
    ]
    assert "before  (none)" in end.stdout


def test_short_code_gets_the_text_webhook_only(api: Api, configure: Configure):
    code = {"sid": "SC1", "sms_url": ""}
    api.get(f"{API}/SMS/ShortCodes.json", json={"short_codes": [code], "next_page_uri": None})
    no_services(api)
    now = code | {"sms_url": f"{BASE}/sms#rc=2&rp=5xx,ct,rt"}
    api.post(f"{API}/SMS/ShortCodes/SC1.json", json=now)
    end = configure("--base-url", BASE, "--number", "7500")
    assert end.exit_code == 0
    assert told(api) == {
        "SmsUrl": f"{BASE}/sms#rc=2&rp=5xx,ct,rt",
        "SmsMethod": "POST",
        "SmsFallbackUrl": f"{BASE}/sms#rc=5&rp=all",
        "SmsFallbackMethod": "POST",
    }
    assert "calls" not in end.stdout


def test_address_other_than_public_url_is_warned_about(api: Api, configure: Configure):
    listed(api, [NUMBER])
    no_services(api)
    api.post(f"{API}/IncomingPhoneNumbers/PN1.json", json=NUMBER)
    end = configure("--base-url", "https://new.example.org")
    assert end.exit_code == 0
    assert end.stderr.startswith("Set PUBLIC_URL=https://new.example.org")


def test_unknown_number_changes_nothing(api: Api, configure: Configure):
    listed(api, [])
    end = configure("--base-url", BASE)
    assert (end.exit_code, len(api.calls)) == (2, 1)
    assert end.stderr == ("sms-receipt: +8613802880000: the account has no number +8613802880000\n")


def test_provider_refusal_is_reported_without_the_token(api: Api, configure: Configure):
    body = {"code": 20003, "message": "Authenticate", "status": 401}
    api.get(f"{API}/IncomingPhoneNumbers.json", json=body, status=401)
    end = configure("--base-url", BASE)
    assert end.exit_code == 2
    assert end.stderr == "sms-receipt: +8613802880000: twilio refused: 401\n"


@pytest.mark.parametrize(
    ("words", "more", "why"),
    [
        (
            ("--base-url", "sms.example.org"),
            {},
            "--base-url=sms.example.org is not a public address",
        ),
        (("--base-url", f"{BASE}?a=1"), {}, f"--base-url={BASE}?a=1 is not a public address"),
        (("--base-url", f"{BASE}?"), {}, f"--base-url={BASE}? is not a public address"),
        (
            ("--base-url", "https://sms example.org"),
            {},
            "--base-url=https://sms example.org is not",
        ),
        (
            ("--base-url", "http://localhost:7500"),
            {},
            "--base-url=http://localhost:7500 cannot be called by Twilio: localhost is a name of",
        ),
        (
            ("--base-url", "https://192.168.1.9"),
            {},
            "--base-url=https://192.168.1.9 cannot be called by Twilio: 192.168.1.9 is a private",
        ),
        (("--base-url", BASE), {"TWILIO_FROM": ""}, "name the numbers with --number"),
        (
            ("--base-url", BASE),
            {"TWILIO_ACCOUNT_SID": ""},
            "TWILIO_ACCOUNT_SID is required but not set",
        ),
    ],
)
def test_wrong_settings_are_refused_before_any_request(
    configure: Configure, words: tuple[str, ...], more: dict[str, str], why: str
):
    end = configure(*words, **more)
    assert end.exit_code == 2
    assert end.stderr.startswith(f"sms-receipt: {why}")
