"""Rendering of phone events in the terminal handset."""

from collections.abc import Callable
from typing import Any

from rich.cells import chop_cells, set_cell_size

NOT_RUNNING = (
    "模拟网络没有运行，请先执行 make run 或 sms-receipt network。\n"
    "The network is not running: start it with `make run` or `sms-receipt network`."
)

_BOLD, _BLUE, _YELLOW, _GREY, _PLAIN = "\033[1m", "\033[36m", "\033[33m", "\033[90m", "\033[0m"
_BOX_COLUMNS = 44


def render_event(event: dict[str, Any], *, colours: bool) -> str:
    """Return an event as text; empty for an event that the terminal does not show."""
    render = _RENDERERS.get(event["kind"])
    if render is None:
        return ""
    text, colour = render(event)
    return f"{colour}{text}{_PLAIN}" if colours and text else text


def _render_text(event: dict[str, Any]) -> tuple[str, str]:
    if event["direction"] == "out":
        return f"[发给 to {event['peer']}] {event['body']}", _GREY
    return f"[短信 text {event['peer']}] {event['body']}", _BOLD


def _render_flash(event: dict[str, Any]) -> tuple[str, str]:
    lines = ["闪信 FLASH"]
    for line in event["body"].replace("\r", "").split("\n"):
        lines += chop_cells(line, _BOX_COLUMNS) or [""]
    edge = "═" * (_BOX_COLUMNS + 2)
    middle = "\n".join(f"║ {set_cell_size(line, _BOX_COLUMNS)} ║" for line in lines)
    return f"╔{edge}╗\n{middle}\n╚{edge}╝", _YELLOW


def _render_call(event: dict[str, Any]) -> tuple[str, str]:
    states = {
        "ringing": "正在呼叫 calling",
        "in-progress": "已接通 connected",
        "ended": "通话结束 call ended",
    }
    return f"☎ {states.get(event['state'], event['state'])}", _GREY


def _render_listening(event: dict[str, Any]) -> tuple[str, str]:
    inputs = {"dtmf": "按键 keys", "speech": "说话 speech"}
    return f"  … {', '.join(inputs[kind] for kind in event['input'])}", _GREY


_RENDERERS: dict[str, Callable[[dict[str, Any]], tuple[str, str]]] = {
    "text": _render_text,
    "flash": _render_flash,
    "call": _render_call,
    "listening": _render_listening,
    "note": lambda e: (f"[网络 network] {e['zh']} / {e['en']}", _GREY),
    "spoken": lambda e: (f"☎ ({e['language']}) {e['text']}", _BLUE),
    "call_note": lambda e: (f"  ({e['zh']} / {e['en']})", _GREY),
    "power": lambda e: ("已开机 switched on" if e["on"] else "已关机 switched off", _GREY),
}
