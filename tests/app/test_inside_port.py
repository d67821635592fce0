"""Kannel reports to the port that has its routes."""

import pytest

from app.settings import Settings, SettingsError

PUBLIC = {"PUBLIC_URL": "https://sms.example.org"}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, "https://sms.example.org"),
        ({"INSIDE_HOST": "10.0.0.5"}, "https://sms.example.org"),
        ({"INSIDE_PORT": "8001"}, "http://127.0.0.1:8001"),
        ({"INSIDE_PORT": "8001", "INSIDE_HOST": "10.0.0.5"}, "http://10.0.0.5:8001"),
        ({"INSIDE_PORT": "8001", "INSIDE_HOST": "fd00::5"}, "http://[fd00::5]:8001"),
    ],
)
def test_kannel_reports_to_the_inside_port(given: dict[str, str], wanted: str):
    assert Settings.read(PUBLIC | given).kannel_report_url == wanted


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]"])
def test_inside_host_that_kannel_cannot_call_is_refused(host: str):
    with pytest.raises(SettingsError, match="INSIDE_HOST"):
        Settings.read(PUBLIC | {"INSIDE_HOST": host})
