"""``sms-receipt twilio configure`` on a whole account: what wins, dry run, failures."""

import os
import pty
import subprocess

import pytest
import requests

from receipts.providers.twilio_webhooks import Step
from tests.commands.twilio.conftest import BASE, NUMBER, SERVICE, Account
from tests.support.product import COMMAND, surroundings

SECOND = "+14155550188"
TEXTS, FALLBACK = f"{BASE}/sms#rc=2&rp=5xx,ct,rt", f"{BASE}/sms#rc=5&rp=all"
APPLICATION = "AP" + "0" * 32


@pytest.fixture
def fresh(account: Account) -> Account:
    """An account whose number has no address yet, and is in no service."""
    account.plant(numbers={NUMBER: {}}, services={})
    return account


def test_configured_account_has_no_more_warnings_of_its_addresses(fresh: Account):
    def named() -> str:
        return str(fresh.plan()["findings"])

    assert "no address, not to this service" in named()
    done = fresh.run("configure", "--base-url", BASE)
    assert (done.exit_code, done.stderr) == (0, "")
    assert fresh.state.numbers[NUMBER].sms_url == TEXTS
    assert fresh.state.numbers[NUMBER].sms_fallback_url == FALLBACK
    assert "not to this service" not in named()
    assert "fallback" not in named()


def test_second_run_changes_no_field(fresh: Account):
    fresh.run("configure", "--base-url", BASE)
    before = repr(fresh.state)
    again = fresh.run("configure", "--base-url", BASE)
    assert (again.exit_code, again.stdout) == (0, f"{NUMBER}  already points here\n")
    assert repr(fresh.state) == before


def test_dry_run_shows_the_change_and_makes_none(fresh: Account):
    before = repr(fresh.state)
    done = fresh.run("configure", "--base-url", BASE, "--dry-run")
    assert done.exit_code == 0
    assert f"{NUMBER}  texts\n  before  (none)\n  would be  {TEXTS}\n" in done.stdout
    assert repr(fresh.state) == before


def test_second_installation_is_the_fallback(fresh: Account):
    second = "https://second.example.org"
    fresh.run("configure", "--base-url", BASE, FALLBACK_URL=second)
    assert fresh.state.numbers[NUMBER].sms_fallback_url == f"{second}/sms#rc=5&rp=all"
    assert fresh.state.numbers[NUMBER].voice_fallback_url == f"{second}/voice#rc=5&rp=all"
    assert fresh.state.numbers[NUMBER].sms_url == TEXTS


WINNERS = {
    "sms_application_sid": "texts application",
    "voice_application_sid": "calls application",
    "trunk_sid": "calls trunk",
}


@pytest.mark.parametrize("field", WINNERS)
def test_setting_that_wins_is_not_cleared_without_a_yes(fresh: Account, field: str):
    fresh.plant(numbers={NUMBER: {field: APPLICATION}})
    before = repr(fresh.state)
    refused = fresh.run("configure", "--base-url", BASE)
    assert refused.exit_code == 2
    assert "nothing is changed. Give --yes to clear what wins" in refused.stderr
    assert f"{NUMBER} {WINNERS[field]} {APPLICATION} -> (none)" in refused.stderr
    assert repr(fresh.state) == before
    done = fresh.run("configure", "--base-url", BASE, "--yes")
    assert done.exit_code == 0
    assert getattr(fresh.state.numbers[NUMBER], field) == ""
    assert fresh.state.numbers[NUMBER].sms_url == TEXTS


def test_service_of_others_is_told_to_ask_the_number(fresh: Account):
    old = {"inbound_request_url": "https://old.example.org", "senders": [NUMBER]}
    fresh.plant(services={SERVICE: old | {"use_inbound_webhook_on_number": False}})
    assert fresh.run("configure", "--base-url", BASE).exit_code == 2
    done = fresh.run("configure", "--base-url", BASE, "--yes")
    assert f"{SERVICE}  texts ask the number\n  before  false\n  after   true\n" in done.stdout
    assert fresh.state.services[SERVICE].use_inbound_webhook_on_number is True
    assert fresh.state.services[SERVICE].inbound_request_url == "https://old.example.org"
    assert not [each for each in fresh.plan()["findings"] if "Texts to" in each["what"]]


def test_own_service_answers_for_all_of_its_senders(fresh: Account):
    fresh.plant(services={SERVICE: {"senders": [NUMBER], "use_inbound_webhook_on_number": False}})
    done = fresh.run("configure", "--base-url", BASE, TWILIO_MESSAGING_SERVICE_SID=SERVICE)
    assert done.exit_code == 0
    held = fresh.state.services[SERVICE]
    assert (held.inbound_request_url, held.fallback_url) == (TEXTS, FALLBACK)
    assert held.use_inbound_webhook_on_number is False
    assert fresh.state.numbers[NUMBER].sms_url == TEXTS


def test_own_service_with_an_address_of_others_is_asked_about(fresh: Account):
    old = {"inbound_request_url": "https://old.example.org", "senders": [NUMBER]}
    fresh.plant(services={SERVICE: old | {"use_inbound_webhook_on_number": False}})
    own = {"TWILIO_MESSAGING_SERVICE_SID": SERVICE}
    assert "https://old.example.org" in fresh.run("configure", "--base-url", BASE, **own).stderr
    assert fresh.run("configure", "--base-url", BASE, "--yes", **own).exit_code == 0
    assert fresh.state.services[SERVICE].inbound_request_url == TEXTS


def test_missing_second_number_changes_not_even_the_first(fresh: Account):
    numbers = ("--number", NUMBER, "--number", SECOND)
    done = fresh.run("configure", "--base-url", BASE, *numbers)
    assert done.exit_code == 2
    assert done.stderr == f"sms-receipt: {SECOND}: the account has no number {SECOND}\n"
    assert fresh.state.numbers[NUMBER].sms_url == ""


def test_failure_in_the_middle_names_what_was_changed(
    fresh: Account, monkeypatch: pytest.MonkeyPatch
):
    fresh.plant(numbers={NUMBER: {}, SECOND: {}})
    apply, cut = Step.apply, requests.ConnectionError("cut")

    def failing(step: Step) -> object:
        if step.subject == SECOND:
            monkeypatch.setattr(
                requests.Session, "send", lambda *_, **__: (_ for _ in ()).throw(cut)
            )
        return apply(step)

    monkeypatch.setattr(Step, "apply", failing)
    numbers = ("--number", NUMBER, "--number", SECOND)
    done = fresh.run("configure", "--base-url", BASE, *numbers)
    assert done.exit_code == 2
    assert f"{SECOND}: twilio ConnectionError; changed: {NUMBER}\n" in done.stderr
    assert fresh.state.numbers[NUMBER].sms_url == TEXTS
    assert fresh.state.numbers[SECOND].sms_url == ""


def test_services_that_cannot_be_read_are_named(fresh: Account):
    fresh.plant(unreadable={"/v1/Services": 403})
    done = fresh.run("configure", "--base-url", BASE)
    assert done.exit_code == 0
    assert "Could not read the Messaging Services: HTTP 403" in done.stderr


@pytest.mark.parametrize(("answer", "cleared"), [("y\n", True), ("n\n", False)])
def test_terminal_is_asked_before_clearing(fresh: Account, answer: str, *, cleared: bool):
    fresh.plant(numbers={NUMBER: {"trunk_sid": "TK1"}})
    ours, theirs = pty.openpty()
    os.write(ours, answer.encode())
    words = [COMMAND, "twilio", "configure", "--base-url", BASE]
    done = subprocess.run(
        words, env=surroundings(**fresh.settings), stdin=theirs, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    os.close(theirs)
    os.close(ours)
    assert "Clear them?" in done.stdout
    assert (fresh.state.numbers[NUMBER].trunk_sid == "") is cleared
    assert (done.returncode == 0) is cleared
