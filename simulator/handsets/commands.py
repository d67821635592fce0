"""Commands of the terminal handset: each typed line becomes an action with its fields."""

import re
from collections.abc import Callable
from typing import Any

HELP = """\
  text 7500 KTDXHZ        发短信 / send a text (also: text 13957112345 hello)
  > PT                    发短信到 7500 / the same, to 7500
  call 10086 [withheld]   打电话（可隐藏号码） / call (add "withheld" to hide your number)
  1 2 3 * 0 #             通话中按键 / keys during a call
  say 开通                 通话中说话 / speak during a call
  hang                    挂断电话 / hang up
  dismiss                 关闭闪信 / dismiss the flash message
  on, off                 开机、关机 / switch the phone on or off
  inbox                   查看全部短信 / show all texts
  wait [seconds]          等待（秒） / wait
  quit                    退出 / quit"""

# Placeholders for the two service numbers, which only the running network knows.
SHORT_CODE, HOTLINE = "short_code", "hotline"

# The name of an action, or the path of a handset API request, with its fields.
Command = tuple[str, dict[str, Any]]


def parse_command(line: str, *, in_call: bool) -> Command:
    """Return the action of a typed line and its fields."""
    text = line.strip()
    if text.startswith((">", "》")):
        return "texts", {"to": SHORT_CODE, "body": text[1:].strip()}
    if re.fullmatch(r"[0-9*#\s]+", text):
        return "call/keys", {"digits": re.sub(r"\s", "", text)}
    name, _, rest = text.partition(" ")
    parse = _PARSERS.get(name.lower())
    if parse:
        return parse(rest.strip())
    if not text:
        return "", {}
    return ("call/keys", {"speech": text}) if in_call else ("help", {})


def _text(rest: str) -> Command:
    to, _, body = rest.partition(" ")
    return ("texts", {"to": to, "body": body.strip()}) if body.strip() else ("help", {})


def _call(rest: str) -> Command:
    words = rest.split()
    return "call", {"to": words[0] if words else HOTLINE, "withheld": "withheld" in words[1:]}


def _wait(rest: str) -> Command:
    return "wait", {"seconds": float(rest) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?", rest) else 3.0}


_PARSERS: dict[str, Callable[[str], Command]] = {
    "text": _text,
    "call": _call,
    "wait": _wait,
    "say": lambda rest: ("call/keys", {"speech": rest}),
    "press": lambda rest: ("call/keys", {"digits": rest.replace(" ", "")}),
    "hang": lambda _: ("call/hangup", {}),
    "hangup": lambda _: ("call/hangup", {}),
    "dismiss": lambda _: ("flash/dismiss", {}),
    "on": lambda _: ("power", {"on": True}),
    "off": lambda _: ("power", {"on": False}),
    "inbox": lambda _: ("inbox", {}),
    "help": lambda _: ("help", {}),
    "quit": lambda _: ("quit", {}),
    "exit": lambda _: ("quit", {}),
}
