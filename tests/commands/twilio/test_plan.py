"""``sms-receipt twilio plan`` names each fault of an account before the first text."""

# ruff: noqa: ANN401 - JSON has no type
import os
import pty
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask, Response

from commands.twilio.faults import FAULTS
from tests.commands.twilio.conftest import (
    BASE,
    BRITON,
    FRIEND,
    NUMBER,
    SERVICE,
    SID,
    Account,
    registered,
)
from tests.support.product import COMMAND, surroundings
from tests.support.wsgi import serving

TOLL_FREE, SHORT = "+18885550199", "57500"
KEY = {"TWILIO_API_KEY": "SK" + "0" * 32, "TWILIO_API_SECRET": "a-pretend-secret"}
APPLICATION, BUNDLE = "AP" + "0" * 32, "BU" + "0" * 32
ELSEWHERE = "https://old.example.org/sms"
WITH_USER = BASE.replace("://", "://user:secretword@")


def number(**fields: Any) -> dict[str, Any]:
    """The account with some fields of its number changed."""
    held = registered()
    held["numbers"][NUMBER] |= fields
    return held


def service(**fields: Any) -> dict[str, Any]:
    """The account with some fields of its Messaging Service changed."""
    held = registered()
    held["services"][SERVICE] |= fields
    return held


@dataclass
class Case:
    """A fault, the settings and the account that have it, and words of its sentence."""

    fault: str
    settings: dict[str, str] = field(default_factory=dict)
    account: dict[str, Any] = field(default_factory=dict)
    says: str = ""
    people: str = ""

    @property
    def environ(self) -> dict[str, str]:
        people = ",".join(f"{each}=CN-GD" for each in self.people.split())
        return self.settings | ({"TRIAL_PEOPLE": people} if people else {})


TRIAL = {"type": "Trial", "verified_callers": [FRIEND]}
CASES = [
    Case("address_unset", {"PUBLIC_URL": ""}),
    *(
        Case("address", {"PUBLIC_URL": url}, says=why)
        for url, why in (
            ("https://localhost", "this machine"),
            ("https://192.168.0.7", "private or reserved"),
            ("https://203.0.113.7", "private or reserved"),
            ("https://[fd00::1]", "private or reserved"),
            ("https://printer", "no dot"),
            ("https://box.local", "this machine or network"),
            ("https://sms_receipt.example.org", "underscore"),
            ("https://sms.example.org.", "ends with a dot"),
            ("https://短信.example.org", "xn--"),
            ("https://sms.example.org/" + "a" * 3_900, "characters"),
        )
    ),
    Case("address_http", {"PUBLIC_URL": "http://sms.example.org"}),
    Case("address_user", {"PUBLIC_URL": "https://twilio:secretword@sms.example.org"}),
    Case("address_ngrok", {"PUBLIC_URL": "https://your-name.ngrok-free.app"}),
    Case(
        "no_token",
        {"TWILIO_AUTH_TOKEN": "", **KEY},
    ),
    Case("credentials", {"TWILIO_AUTH_TOKEN": "the-token-of-another-account"}, says=SID),
    Case("api_key", {"TWILIO_API_KEY": "SK1", "TWILIO_API_SECRET": "a-wrong-secret"}, says="SK1"),
    Case("test_credentials", account={"unreadable": {f"/{SID}.json": 20008}}),
    Case("account_missing", account={"unreadable": {f"/{SID}.json": 404}}),
    Case("suspended", account={"status": "suspended"}),
    Case("closed", account={"status": "closed"}),
    Case("subaccount", account={"owner": "AC" + "f" * 32}, says="AC" + "f" * 32),
    Case("balance_empty", account={"balance": "-0.42"}, says="-0.42 USD"),
    Case("balance_low", account={"balance": "0.42"}),
    Case("trial", account=TRIAL),
    Case("unverified", account=TRIAL, people=BRITON, says=BRITON),
    Case("agent_unverified", {"AGENT_NUMBER": BRITON}, TRIAL, says=BRITON),
    Case("sender_missing", {"TWILIO_FROM": ""}),
    Case("sender_name", {"TWILIO_FROM": "Receipts"}),
    Case("number_missing", {"TWILIO_FROM": "+14155550177"}, says="+14155550177"),
    Case("number_missing", {"TWILIO_FROM": "57599"}, says="57599"),
    Case("no_texts", account=number(texts=False)),
    Case("no_calls", account=number(calls=False)),
    Case("fax", account=number(receive_mode="fax")),
    Case("address_required", account=number(address_requirements="local"), says="local"),
    Case(
        "bundle",
        account=number(bundle_sid=BUNDLE) | {"bundles": {BUNDLE: "twilio-rejected"}},
        says="twilio-rejected",
    ),
    Case("bundle", account=number(bundle_sid=BUNDLE), says="missing"),
    Case("profile", account={"profiles": ["in-review"]}, says="in-review"),
    Case("profile", account={"profiles": []}),
    Case("service_missing", {"TWILIO_MESSAGING_SERVICE_SID": "MG9"}, says="MG9"),
    Case("service_empty", {"TWILIO_MESSAGING_SERVICE_SID": SERVICE}, service(senders=[])),
    Case("sender_outside", {"TWILIO_MESSAGING_SERVICE_SID": SERVICE}, service(senders=[TOLL_FREE])),
    Case("a2p_service", account={"services": {}}, says="no brand"),
    Case("a2p_service", account=service(campaigns=[]) | {"brands": ["PENDING"]}, says="PENDING"),
    Case("a2p_campaign", account=service(campaigns=["IN_PROGRESS"]), says="IN_PROGRESS"),
    Case("toll_free_none", {"TWILIO_FROM": TOLL_FREE}, {"numbers": {TOLL_FREE: {}}}),
    Case(
        "toll_free_state",
        {"TWILIO_FROM": TOLL_FREE},
        {"numbers": {TOLL_FREE: {}}, "toll_free": {TOLL_FREE: "IN_REVIEW"}},
        says="IN_REVIEW",
    ),
    Case("text_country", account={"no_texts_to": ["GB"]}, people=BRITON, says="GB"),
    Case(
        "own_number",
        {"TWILIO_MESSAGING_SERVICE_SID": SERVICE},
        service(senders=[NUMBER, FRIEND]),
        people=FRIEND,
    ),
    Case("china", people="+8613802880000", says="+8613802880000"),
    Case("call_country", {"AGENT_NUMBER": BRITON}, {"no_calls_to": ["GB"]}, says="GB"),
    Case("trunk", account=number(trunk_sid="TK1"), says="TK1"),
    Case("voice_application", account=number(voice_application_sid=APPLICATION), says="no address"),
    Case(
        "sms_application",
        account=number(sms_application_sid=APPLICATION)
        | {"applications": {APPLICATION: {"sms_url": ELSEWHERE}}},
        says=ELSEWHERE,
    ),
    Case(
        "service_inbound",
        account=service(use_inbound_webhook_on_number=False, inbound_request_url=ELSEWHERE),
        says=ELSEWHERE,
    ),
    Case("service_drops", account=service(use_inbound_webhook_on_number=False)),
    Case("elsewhere", account=number(voice_url=ELSEWHERE), says=ELSEWHERE),
    Case("elsewhere", account=number(sms_method="GET"), says="GET"),
    Case(
        "elsewhere",
        {"PUBLIC_URL": WITH_USER},
        account=number(sms_url=f"{WITH_USER}/sms", sms_method="GET"),
        says="with GET",
    ),
    Case("elsewhere", account=number(status_callback=""), says="no address"),
    Case("no_people", says=NUMBER),
    Case("fallback", account=number(sms_fallback_url=""), says="texts"),
    Case("pace", {"TWILIO_PACE": "100"}, says="TWILIO_PACE=100"),
    Case("keywords"),
]  # fmt: skip
#: An answer that Twilio may give, and the simulated account does not.
NOT_PLANTED = {"text_country_unknown"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.fault} {case.says[:20]}".strip())
def test_fault_is_named_with_its_code_and_mend(account: Account, case: Case):
    account.plant(**case.account)
    answer = account.plan(**case.environ)
    expected = FAULTS[case.fault]
    beginning = expected.what.partition("{")[0] or expected.what.partition("}")[2].partition("{")[0]
    named = [
        each
        for each in answer["findings"]
        if beginning in each["what"] and case.says in each["what"] and each["code"] == expected.code
    ]
    assert len(named) == 1, answer["findings"]
    assert named[0]["result"] == ("block" if expected.blocks else "warn")
    assert named[0]["fix"]
    assert "secretword" not in str(answer)
    if expected.blocks:
        assert answer["ready"] is False


def test_every_fault_is_planted():
    assert {case.fault for case in CASES} | NOT_PLANTED == set(FAULTS)


def test_registered_number_has_no_fault_that_stops_a_text(account: Account):
    people = {"TRIAL_PEOPLE": f"{FRIEND}=CN-GD"}
    answer = account.plan(**people)
    assert answer["ready"] is True
    assert [each["code"] for each in answer["findings"]] == [FAULTS["keywords"].code]
    assert answer["account"] == f"{SID} (Full, active)"
    assert answer["numbers"] == [
        {"number": NUMBER, "kind": "long number US", "texts": True, "calls": True}
    ]
    assert account.plan("--base-url", f"{BASE}/")["ready"] is True
    for wrong in (
        "https://localhost",
        "sms.example.org",
        f"{BASE}#rc=2",
        f"{BASE}?a=1",
        "https://[",
    ):
        assert account.plan("--base-url", wrong)["ready"] is False


def test_terminal_gets_tables_and_the_next_step(account: Account):
    def shown() -> str:
        ours, theirs = pty.openpty()
        environ = surroundings(**account.settings, COLUMNS="160", TERM="dumb")
        words = [COMMAND, "twilio", "plan"]
        with subprocess.Popen(words, env=environ, stdout=theirs) as running:
            os.close(theirs)
            output = b""
            with suppress(OSError):  # the end of a terminal
                while part := os.read(ours, 65536):
                    output += part
        os.close(ours)
        return output.decode() + f"status {running.returncode}"

    ready = shown()
    assert f"{SID} (Full, active)" in ready
    assert f"Next: sms-receipt twilio configure --base-url {BASE}" in ready
    assert ready.endswith("status 0")
    account.plant(status="suspended")
    stopped = shown()
    assert "30002, 10001" in stopped
    assert "Faults that stop the first text or call: 1." in stopped
    assert stopped.endswith("status 1")


def test_plan_changes_no_part_of_the_account(account: Account):
    account.plant(**TRIAL, **number(sms_url="", sms_application_sid=APPLICATION))
    before = repr(account.state)
    account.plan()
    assert repr(account.state) == before


UNREADABLE = {
    f"/{SID}.json": "the account", "/Balance": "the balance",
    "/IncomingPhoneNumbers": f"the number {NUMBER}", "/OutgoingCallerIds": "the verified callers",
    "/v1/Services": "the Messaging Services", "/Usa2p": f"the A2P campaigns of {SERVICE}",
    "/CustomerProfiles": "the customer profiles",
    "/GeoPermissions": "the permission of texts to US",
    "/DialingPermissions": "the permission of calls to GB",
}  # fmt: skip


@pytest.mark.parametrize("status", [403, 500, 429])
@pytest.mark.parametrize("path", UNREADABLE)
def test_unreadable_resource_is_named_and_is_no_all_clear(account: Account, path: str, status: int):
    kind = {"type": "Trial"} if "Caller" in path else {}
    account.plant(unreadable={path: status}, **kind)
    answer = account.plan(AGENT_NUMBER=BRITON, TRIAL_PEOPLE=f"{FRIEND}=CN-GD")
    assert answer["ready"] is False
    if path == f"/{SID}.json" and status == 403:
        assert answer["findings"][0]["code"] == "20003"
        return
    named = [each["what"] for each in answer["findings"] if each["result"] == "unread"]
    assert [each for each in named if f"{UNREADABLE[path]} (HTTP {status}" in each]


def test_account_that_does_not_answer_is_unread(account: Account):
    answer = account.plan(TWILIO_API_URL="http://127.0.0.1:9")
    assert answer["ready"] is False
    assert "could not be read: the account (no answer" in answer["findings"][0]["what"]


STRANGE = [
    "", "null", "[]", "{}", '"text"', "<html>", "7", '{"code": 20003}', '{"meta": {"key": "x"}}',
    '{"sid": 7, "status": [], "type": {}, "balance": "much", "owner_account_sid": 5}',
    '{"incoming_phone_numbers": [7], "services": [null], "meta": {"key": "services"}}',
    '{"incoming_phone_numbers": [{"phone_number": "+14155550199", "capabilities": "sms"}]}',
    '{"permissions": [1], "results": {}, "data": "x"}',
]  # fmt: skip


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("body", STRANGE)
def test_strange_answers_are_neither_a_crash_nor_an_all_clear(
    account: Account, body: str, status: int
):
    app = Flask("strange")
    app.route("/<path:_>")(lambda _: Response(body, status, content_type="application/json"))
    with serving(app) as port:
        people = {"TRIAL_PEOPLE": f"{FRIEND}=CN-GD", "AGENT_NUMBER": BRITON}
        answer = account.plan(TWILIO_API_URL=f"http://127.0.0.1:{port}", **people)
    assert answer["ready"] is False
    assert {each["result"] for each in answer["findings"]} & {"unread", "block"}
