"""Registry of phones: power, screen and inbox of each; a message arrives once at most."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any
from uuid import uuid4

from simulator.errors import HandsetError, PhoneNotFoundError
from simulator.network.events import Event, EventLog

_TABLE = tomllib.loads(Path(__file__).with_name("phones.toml").read_text("utf-8"))
#: Words that every province takes, for a phone whose province is not known.
_COMMON: dict[str, list[str]] = _TABLE["common"]
_WORDS = ("words", "words_en")


@dataclass
class Phone:
    """State of one handset."""

    number: str
    labels: dict[str, str]
    built_in: bool = False
    keeps_flash: bool = False
    words: dict[str, list[str]] = field(default_factory=_COMMON.copy)
    on: bool = True
    flash: Event | None = None
    received_ids: set[str] = field(default_factory=set)

    def accepts(self, message_id: str) -> bool:
        """Note a message as received; False when the phone is off or has it already."""
        if not self.on or message_id in self.received_ids:
            return False
        self.received_ids.add(message_id)
        return True

    def to_json(self) -> dict[str, Any]:
        """Return this phone as the JSON API shows it."""
        return {
            "number": self.number,
            "on": self.on,
            "standing": self.built_in,
            "keeps_flash": self.keeps_flash,
            "flash": self.flash and {key: self.flash[key] for key in ("id", "peer", "body")},
            **self.words,
            **self.labels,
        }


class PhoneRegistry:
    """All phones of the page; each change is recorded in the event log."""

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self._lock = RLock()
        self._phones = {row["number"]: _built_in(row) for row in _TABLE["phone"]}

    def all(self) -> list[Phone]:
        """Return the phones, the built-in ones first."""
        with self._lock:
            return list(self._phones.values())

    def get(self, number: str) -> Phone:
        """Return the phone of this number. Raises: PhoneNotFoundError."""
        phone = self._phones.get(number)
        if phone is None:
            zh, en = (
                f"本页没有号码为 {number} 的手机",
                f"no phone on this page has the number {number}",
            )
            raise PhoneNotFoundError(zh, en)
        return phone

    def get_switched_on(self, number: str) -> Phone:
        """Return a phone that is on. Raises: PhoneNotFoundError, HandsetError."""
        phone = self.get(number)
        if not phone.on:
            raise HandsetError(f"{number} 已关机", f"the phone {number} is switched off")
        return phone

    def has(self, number: str) -> bool:
        """Tell whether a phone of this number is on the page."""
        return number in self._phones

    def add(self, number: str, label: str = "") -> Phone:
        """Put a phone on the page; a number that is there already keeps its phone."""
        labels = {"zh": label or "添加的手机", "en": label or "Added phone"}
        built_in = (_built_in(row) for row in _TABLE["phone"] if row["number"] == number)
        with self._lock:
            phone = self._phones.get(number) or next(built_in, Phone(number, labels))
            return self._phones.setdefault(number, phone)

    def remove(self, number: str) -> None:
        """Take a phone off the page and forget its events. Raises: PhoneNotFoundError."""
        with self._lock:
            self.get(number)
            del self._phones[number]
            self._events.forget(number)
            self._events.record(number, "removed")

    def set_power(self, number: str, *, on: bool) -> Phone:
        """Switch a phone on or off."""
        with self._lock:
            phone = self.get(number)
            if phone.on != on:
                phone.on = on
                self._events.record(number, "power", on=on)
            return phone

    def deliver_text(self, number: str, peer: str, body: str, message_id: str, via: str) -> bool:
        """Put a text in the inbox, once for each id; return False when the phone is off or gone."""
        with self._lock:
            phone = self._phones.get(number)
            if phone and phone.accepts(message_id):
                self.record_text(number, "in", peer, body, message_id, via)
            return phone is not None and phone.on

    def deliver_flash(self, number: str, peer: str, body: str, message_id: str) -> bool:
        """Show a flash message in place of the one before; False when the phone is off or gone."""
        with self._lock:
            phone = self._phones.get(number)
            if phone and phone.accepts(message_id):
                old = phone.flash
                if old and phone.keeps_flash:
                    kept_id = f"{old['id']}.kept"
                    self.record_text(number, "in", old["peer"], old["body"], kept_id, "screen")
                phone.flash = self._events.record(
                    number, "flash", id=message_id, peer=peer, body=body, via="kannel"
                )
            return phone is not None and phone.on

    def dismiss_flash(self, number: str) -> None:
        """Take the flash message off the screen; it is not kept."""
        with self._lock:
            phone = self.get(number)
            if phone.flash:
                self._events.record(number, "flash_dismissed", id=phone.flash["id"])
                phone.flash = None

    def add_note(self, number: str, peer: str, zh: str, en: str) -> None:
        """Show a remark of the network itself in a thread."""
        self._events.record(number, "note", id=uuid4().hex, peer=peer, zh=zh, en=en)

    def record_text(
        self, number: str, direction: str, peer: str, body: str, message_id: str, via: str
    ) -> None:
        """Put a text in a thread; its direction is `in`, or `out` for the phone's own."""
        self._events.record(
            number, "text", id=message_id, direction=direction, peer=peer, body=body, via=via
        )


def _built_in(row: dict[str, Any]) -> Phone:
    own = {name: row[name] for name in _WORDS if name in row}
    labels = {
        name: text for name, text in row.items() if isinstance(text, str) and name != "number"
    }
    keeps_flash = row.get("keeps_flash", False)
    return Phone(row["number"], labels, built_in=True, keeps_flash=keeps_flash, words=_COMMON | own)
