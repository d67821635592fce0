"""Escape codes of a dlr-url, filled in as Kannel's smsbox does before it requests the URL."""

import re
from time import gmtime, strftime, time
from urllib.parse import quote

from simulator.network.messages import Message

_REPORT_TEXTS = {
    1: "stat:DELIVRD err:000",
    2: "stat:UNDELIV err:{code}",
    8: "ACK/",
    16: "NACK/0x0000000b/Invalid destination",
}


#: MAP errors (3GPP TS 29.002) for the error codes of the scenarios, as an SMSC reports them.
_MAP_ERRORS = {"30003": "027", "30005": "001"}


def fill_report_url(message: Message, report_type: int) -> str:
    """Return the URL to request: known codes replaced and escaped, others kept."""
    values = _values(message, report_type)
    # %A0 to %FF may be a code and a digit, or one escaped byte: it is kept as the byte.
    return re.sub(
        r"%(?![A-Fa-f][0-9A-Fa-f])([%a-zA-Z])",
        lambda match: quote(values[match[1]], safe="") if match[1] in values else match[0],
        message.callback,
    )


def _values(message: Message, report_type: int) -> dict[str, str]:
    text = _REPORT_TEXTS[report_type]
    if report_type in {1, 2}:
        date = strftime("%y%m%d%H%M", gmtime())
        text = text.format(code=_MAP_ERRORS.get(message.error_code, "000"))
        text = f"id:{message.sid} sub:001 dlvrd:001 submit date:{date} done date:{date} {text}"
    words = message.body.split()
    return {
        "d": str(report_type),
        "A": text,
        "a": " ".join(words),
        "b": message.body,
        "k": (words or [""])[0],
        "i": message.smsc,
        "I": message.sid,
        "F": message.sid,
        "t": strftime("%Y-%m-%d %H:%M:%S", gmtime()),
        "T": str(int(time())),
        "p": message.sender,
        "P": message.to,
        "q": message.sender,
        "Q": message.to,
        "m": "0" if message.flash else "",
        "n": "sms-receipt",
        "c": "2",
        "C": "UTF-8",
        "%": "%",
    }
