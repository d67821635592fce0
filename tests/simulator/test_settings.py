import pytest

from simulator.settings import SimulatorSettingsError, read_settings

GOOD = {
    "PUBLIC_URL": "https://receipts.example/base/", "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": " new , old ", "KANNEL_USER": "u", "KANNEL_PASSWORD": "p",
}  # fmt: skip


def test_settings_are_read_with_their_defaults():
    settings = read_settings({**GOOD, "NETWORK_PHONES": "13912345678, +8613912345679"})
    assert (settings.port, settings.hotline, settings.short_code) == (7501, "10086", "7500")
    assert settings.public_url == settings.doors_url == "https://receipts.example/base"
    assert settings.auth_tokens == ("new", "old")
    assert settings.extra_phones == ("13912345678", "13912345679")


@pytest.mark.parametrize("name", GOOD)
def test_missing_setting_is_refused_by_name(name: str):
    with pytest.raises(SimulatorSettingsError, match=name):
        read_settings({**GOOD, name: " "})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NETWORK_PORT", "0"), ("NETWORK_PORT", "http"), ("PUBLIC_URL", "receipts.example"),
        ("PUBLIC_URL", "http://x:port"), ("PUBLIC_URL", "http://x/?q=1"), ("DOORS_URL", "ftp://x"),
        ("DOORS_URL", "http://x y"), ("PUBLIC_URL", "http://x/#"), ("PUBLIC_URL", "http://x/a b"),
        ("TWILIO_ACCOUNT_SID", "AC1"), ("TWILIO_AUTH_TOKEN", ","), ("HOTLINE", "ten"),
        ("SHORT_CODE", "1"), ("NETWORK_SPEECH", "-1"), ("NETWORK_SPEECH", "nan"),
        ("NETWORK_SILENCE", "fast"), ("NETWORK_PHONES", "7500"),
    ],
)  # fmt: skip
def test_wrong_setting_is_refused_by_name(name: str, value: str):
    with pytest.raises(SimulatorSettingsError, match=name):
        read_settings({**GOOD, name: value})


def test_secrets_are_not_in_the_printed_form():
    assert "new" not in repr(read_settings(GOOD))
