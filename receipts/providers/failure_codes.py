"""Codes with which providers fail our receipts: their meaning and the next step, for staff."""

import re
from collections.abc import Mapping

from receipts.delivery.results import NO_CODE

#: Twilio's error dictionary (twilio.com/docs/api/errors).
_TWILIO: Mapping[str, str] = {
    "20003": "wrong credentials; correct the account, token or API key",
    "20404": "the account or sender does not exist; correct TWILIO_ACCOUNT_SID and the sender",
    "20429": "too many requests; lower TWILIO_PACE",
    "21211": "not a valid number; correct the customer list",
    "21212": "the sender is not valid; correct TWILIO_FROM",
    "21408": "this region is not enabled; enable it in the account's geographic permissions",
    "21606": "the sender cannot send texts from this account; correct TWILIO_FROM",
    "21608": "a trial account sends to verified numbers only; upgrade the account",
    "21609": "the status callback URL was refused; correct PUBLIC_URL",
    "21610": "the customer opted out with the carrier (STOP); only a START from that phone ends it",
    "21611": "the sender's queue is full; lower TWILIO_PACE or add senders",
    "21612": "no route from this sender to the number; use another sender",
    "21614": "not a mobile number; correct the customer list",
    "21617": "the text is too long; shorten it in the rule book",
    "21659": "the sender is not a number of this account; correct TWILIO_FROM",
    "21704": "the Messaging Service has no sender; add one",
    "30001": "the sender's queue is full; lower TWILIO_PACE or add senders",
    "30002": "the account is suspended; see its notices",
    "30003": "the phone is switched off or out of reach; nothing to do for a single one",
    "30004": "the phone or its carrier blocks the sender; see the account's opt-outs",
    "30005": "the number does not exist; update the customer list",
    "30006": "a landline, or a carrier that cannot be reached; check the customer list",
    "30007": "a carrier filtered the text as unwanted; check wording and registration with Twilio",
    "30008": "the carrier gave no reason; ask Twilio if many fail",
    "30010": "the text costs more than the account's maximum price; raise it",
    "30018": "the destination wants a registered sender; register it",
    "30022": "the brand or campaign sends more than its A2P 10DLC limit; lower TWILIO_PACE",
    "30023": "the brand's A2P 10DLC limit of the day is used up; ask for a higher one",
    "30024": "the sender's registration is not active at the carrier yet; ask Twilio",
    "30032": "the toll-free number is not verified; verify it",
    "30034": "the sender is not registered for A2P 10DLC; register brand, campaign and number",
    "30027": "the carrier's limit of a day is used up; ask for a higher one",
    "30035": "the sender's A2P 10DLC registration is not complete; see the account",
    "30036": "the validity period ended in the queue; lower the load or add senders",
    "30410": "the carrier did not answer in time; ask Twilio if many fail",
    "30039": "stopped as a loop of texts; ask Twilio",
    "30450": "stopped by SMS Pumping Protection; exempt our receipts in the account",
    "30500": "an internal error of Twilio; see its status page",
    "63038": "the account's limit of a day is used up; upgrade it",
}

#: SMPP command statuses (3.4, 5.1.3), MAP errors (3GPP TS 29.002) and states of an SMSC's report.
_SMSC: Mapping[str, str] = {
    "1": "the number does not exist; update the customer list",
    "5": "the network does not know the number; update the customer list",
    "6": "the phone is out of reach; nothing to do for a single one",
    "9": "the customer is not known to the message centre; update the customer list",
    "11": "the service is not provisioned for the number; ask the carrier",
    "13": "texts to the number are barred; the customer asks the carrier",
    "21": "the number's network has no texts; ask the carrier",
    "27": "the phone is switched off; nothing to do for a single one",
    "31": "the phone did not answer; nothing to do for a single one",
    "32": "the phone's memory is full; the customer deletes texts",
    "34": "a failure of the network; ask the carrier if many fail",
    "0x08": "the message centre has a system error; ask the carrier",
    "0x0a": "the message centre refuses our sender; correct SHORT_CODE or the contract",
    "0x0b": "the message centre refuses the number; check the customer list",
    "0x0e": "wrong password of the SMPP account; correct Kannel's group smsc",
    "0x14": "the message centre's queue is full; lower KANNEL_PACE",
    "0x45": "the message centre refused the text; ask the carrier",
    "0x58": "faster than the contract allows; lower KANNEL_PACE",
    "403": "Kannel refuses our password; correct KANNEL_USER and KANNEL_PASSWORD",
    "EXPIRED": "the validity period ended before the phone was reached",
    "REJECTD": "the message centre refused the text; ask the carrier",
    "UNDELIV": "not deliverable, without a reason; ask the carrier if many fail",
    "UNKNOWN": "the message centre does not know the text any more; ask the carrier",
}

_UNKNOWN_TWILIO = "see twilio.com/docs/api/errors/{code}"
_UNKNOWN_SMSC = "not in our table; ask the carrier"

_TWILIO_CODE = re.compile(r"(?<![\w.])([1-9][0-9]{4})(?![\w.])", re.ASCII)
_NACK = re.compile(r"\bNACK/(0x[0-9a-f]{1,8}|[0-9]{1,8})", re.IGNORECASE | re.ASCII)
_REPORT = re.compile(r"type \d{1,2} (\w{1,16})(?: (\w{1,16}))?", re.ASCII)
_HTTP = re.compile(r"\bkannel ([1-5][0-9]{2})\b", re.ASCII)
_FEW_DIGITS = 4

_STATES = frozenset({"EXPIRED", "DELETED", "UNDELIV", "UNKNOWN", "REJECTD"})


def read_failure(provider: str, raw: str) -> tuple[str, str]:
    """The code in a provider's raw status or error, and its meaning with the next step.

    Codes are short and few; a failure without one has ``NO_CODE`` and no meaning.
    """
    if provider == "twilio":
        code = _TWILIO_CODE.search(raw)
        return (code[1], explain(provider, code[1])) if code else (NO_CODE, "")
    code_of_smsc = _smsc_code(raw)
    return code_of_smsc, explain(provider, code_of_smsc)


def explain(provider: str, code: str) -> str:
    """The meaning of a code with the next step; empty for none."""
    if code == NO_CODE:
        return ""
    if provider == "twilio":
        return _TWILIO.get(code) or _UNKNOWN_TWILIO.format(code=code)
    return _SMSC.get(code, _UNKNOWN_SMSC)


def _smsc_code(raw: str) -> str:
    """The command status of a refusal, else the error of a report, else its state."""
    if nack := _NACK.search(raw):
        status = int(nack[1], 16 if nack[1].lower().startswith("0x") else 10)
        return f"0x{status:02x}"
    if http := _HTTP.search(raw):
        return http[1]
    report = _REPORT.match(raw)
    if report is None:
        return NO_CODE
    state, error = report[1].upper(), (report[2] or "").lstrip("0")
    if error.isdigit() and len(error) <= _FEW_DIGITS:
        return error
    return state if state in _STATES else NO_CODE
