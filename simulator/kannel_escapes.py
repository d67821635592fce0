"""Fills Kannel's percent codes into a dlr-url, as its smsbox does before it calls."""

import re
from time import gmtime, strftime, time
from urllib.parse import quote

from simulator.messages import Message

_REPLIES = {
    1: "stat:DELIVRD err:000",
    2: "stat:UNDELIV err:001",
    4: "stat:ENROUTE err:000",
    8: "ACK/",
    16: "NACK/0x0000000b/Invalid destination",
}


def fill(message: Message, kind: int) -> str:
    """Return the address to call: every code replaced and escaped, unknown ones left."""
    values = _values(message, kind)
    # %A0 to %FF could be a code and a digit or one escaped byte; it is taken for the byte.
    return re.sub(r"%([%a-zA-Z])", lambda found: _replace(found, values), message.callback)


def _replace(found: re.Match[str], values: dict[str, str]) -> str:
    code = found.group(1)
    following = found.string[found.end() : found.end() + 1]
    if re.fullmatch(r"[A-Fa-f]", code) and re.fullmatch(r"[0-9A-Fa-f]", following):
        return found.group(0)
    return quote(values[code], safe="") if code in values else found.group(0)


def _values(message: Message, kind: int) -> dict[str, str]:
    reply = _REPLIES[kind]
    if kind in {1, 2, 4}:
        moment = strftime("%y%m%d%H%M", gmtime())
        reply = (
            f"id:{message.sid} sub:001 dlvrd:001 submit date:{moment} done date:{moment} {reply}"
        )
    return {
        "d": str(kind),
        "A": reply,
        "a": " ".join(message.body.split()),
        "b": message.body,
        "k": (message.body.split() or [""])[0],
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
