"""What the terminal handset understands and how it draws what arrives."""

import re
import unicodedata
from collections.abc import Callable
from typing import Any

NOT_RUNNING = (
    "模拟网络没有运行，请先执行 make run 或 sms-receipt network。\n"
    "The network is not running: start it with `make run` or `sms-receipt network`."
)
HELP = """\
  text 7500 KTDXHZ        发短信 / send a text (also: text 13957112345 hello)
  > PT                    发短信到 7500 / the same, to 7500
  call 10086 [withheld]   打电话(可隐藏号码)/ call (number hidden if wished)
  1 2 3 * 0 #             通话中按键 / keys during a call
  say 开通                 对着电话说 / speak during a call
  hang                    挂断 / hang up
  dismiss                 关闭闪信 / take the flash message off the screen
  on, off                 开机，关机 / switch the phone on or off
  inbox                   看所有短信 / all texts so far
  wait [seconds]          等一会儿 / let time pass
  quit                    离开 / leave"""

_BOLD, _BLUE, _YELLOW, _GREY, _PLAIN = "\033[1m", "\033[36m", "\033[33m", "\033[90m", "\033[0m"
_WIDTH = 44

# Stand-ins for the two service numbers, which only the running network knows.
SERVICE, HOTLINE = "short_code", "hotline"

_Wish = tuple[str, dict[str, Any]]


def asked_for(line: str, *, in_call: bool) -> _Wish:
    """Return the wish in a typed line and what goes with it."""
    text = line.strip()
    if text.startswith((">", "》")):
        return "texts", {"to": SERVICE, "body": text[1:].strip()}
    if re.fullmatch(r"[0-9*#\s]+", text):
        return "call/keys", {"digits": re.sub(r"\s", "", text)}
    first, _, rest = text.partition(" ")
    known = _SENTENCES.get(first.lower())
    if known:
        return known(rest.strip())
    if not text:
        return "nothing", {}
    return ("call/keys", {"speech": text}) if in_call else ("help", {})


def described(event: dict[str, Any], *, colours: bool) -> str:
    """Return how an event looks in the terminal; an empty text when there is nothing to show."""
    draw = _DRAWINGS.get(event["kind"])
    if draw is None:
        return ""
    text, colour = draw(event)
    return f"{colour}{text}{_PLAIN}" if colours and text else text


def _text(rest: str) -> _Wish:
    to, _, body = rest.partition(" ")
    return ("texts", {"to": to, "body": body.strip()}) if body.strip() else ("help", {})


def _call(rest: str) -> _Wish:
    words = rest.split()
    return "call", {"to": words[0] if words else HOTLINE, "withheld": "withheld" in words[1:]}


def _wait(rest: str) -> _Wish:
    return "wait", {"seconds": float(rest) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?", rest) else 3.0}


_SENTENCES: dict[str, Callable[[str], _Wish]] = {
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


def _draw_text(event: dict[str, Any]) -> tuple[str, str]:
    if event["direction"] == "out":
        return f"[发给 to {event['peer']}] {event['body']}", _GREY
    return f"[短信 text {event['peer']}] {event['body']}", _BOLD


def _draw_flash(event: dict[str, Any]) -> tuple[str, str]:
    lines = ["闪信 FLASH", *_wrapped(event["body"])]
    edge = "═" * (_WIDTH + 2)
    middle = "\n".join(f"║ {line}{' ' * (_WIDTH - _breadth(line))} ║" for line in lines)
    return f"╔{edge}╗\n{middle}\n╚{edge}╝", _YELLOW


def _draw_call(event: dict[str, Any]) -> tuple[str, str]:
    words = {
        "ringing": "正在呼叫 calling",
        "in-progress": "已接通 connected",
        "ended": "通话结束 call ended",
    }
    return f"☎ {words.get(event['state'], event['state'])}", _GREY


def _draw_listening(event: dict[str, Any]) -> tuple[str, str]:
    ways = {"dtmf": "按键 keys", "speech": "说话 speech"}
    return f"  … {', '.join(ways[way] for way in event['input'])}", _GREY


_DRAWINGS: dict[str, Callable[[dict[str, Any]], tuple[str, str]]] = {
    "text": _draw_text,
    "flash": _draw_flash,
    "call": _draw_call,
    "listening": _draw_listening,
    "note": lambda e: (f"[网络 network] {e['zh']} / {e['en']}", _GREY),
    "spoken": lambda e: (f"☎ ({e['language']}) {e['text']}", _BLUE),
    "call_note": lambda e: (f"  ({e['zh']} / {e['en']})", _GREY),
    "power": lambda e: ("已开机 switched on" if e["on"] else "已关机 switched off", _GREY),
}


def _breadth(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for character in text.replace("\r", ""):
        if character == "\n" or _breadth(lines[-1] + character) > _WIDTH:
            lines.append("")
        if character != "\n":
            lines[-1] += character
    return lines
