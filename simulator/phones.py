"""The phones: who is on, what is on each screen and in each inbox. Each message arrives once."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any
from uuid import uuid4

from simulator.events import Event, Events
from simulator.journal import Journal
from simulator.numbering import is_mobile


class NoSuchPhone(LookupError):
    """The number has no phone here."""


class PhoneIsOff(RuntimeError):
    """A phone that is switched off does nothing."""


@dataclass
class Phone:
    """One handset as the network sees it; changed only by its events."""

    number: str
    about: dict[str, str]
    standing: bool
    keeps_flash: bool = False
    on: bool = True
    flash: Event | None = None
    seen: set[str] = field(default_factory=set)

    def shown(self) -> dict[str, Any]:
        """Return what the JSON API says of this phone."""
        return {
            "number": self.number,
            "on": self.on,
            "standing": self.standing,
            "keeps_flash": self.keeps_flash,
            "flash": self.flash and {"id": self.flash["id"], "body": self.flash["body"]},
            **self.about,
        }


class Phones:
    """Every change is an event first, so a restarted network finds its phones as they were."""

    def __init__(self, events: Events, journal: Journal) -> None:
        self._events = events
        self._journal = journal
        self._lock = RLock()
        rows = tomllib.loads(Path(__file__).with_name("phones.toml").read_text("utf-8"))["phone"]
        self._phones = {row["number"]: _standing(row) for row in rows}

    def all(self) -> list[Phone]:
        """Return the phones, the standing ones first."""
        with self._lock:
            return list(self._phones.values())

    def get(self, number: str) -> Phone:
        """Return the phone of this number, or raise NoSuchPhone."""
        phone = self._phones.get(number)
        if phone is None:
            raise NoSuchPhone(f"no phone here has the number {number}")
        return phone

    def has(self, number: str) -> bool:
        """Tell whether a phone of this number is on the page."""
        return number in self._phones

    def add(self, number: str, label: str = "") -> Phone:
        """Put one more phone on the page; the same number again is the same phone."""
        with self._lock:
            if not is_mobile(number):
                raise ValueError(f"{number} is no mainland mobile number")
            if number not in self._phones:
                self._journal.append("phone", {"number": number, "label": label})
                self.restore(number, label)
            return self._phones[number]

    def restore(self, number: str, label: str) -> None:
        """Take back a phone that the journal kept."""
        names = {"zh": label or "添加的手机", "en": label or "added phone"}
        self._phones.setdefault(number, Phone(number, names, standing=False))

    def apply(self, event: Event) -> None:
        """Let one event change its phone; used the same way live and at start."""
        phone = self._phones.get(event["phone"])
        if phone is None:
            return
        if event["kind"] in {"text", "flash"}:
            phone.seen.add(event["id"])
        match event["kind"]:
            case "flash":
                phone.flash = event
            case "flash_dismissed":
                phone.flash = None
            case "power":
                phone.on = event["on"]

    def power(self, number: str, *, on: bool) -> Phone:
        """Switch a phone on or off."""
        with self._lock:
            phone = self.get(number)
            if phone.on != on:
                self._record(number, "power", on=on)
            return phone

    def need_on(self, number: str) -> Phone:
        """Return a phone that can act now, or raise."""
        phone = self.get(number)
        if not phone.on:
            raise PhoneIsOff(f"the phone {number} is switched off")
        return phone

    def receive_text(self, number: str, peer: str, body: str, message: str, via: str) -> bool:
        """File a text in its thread, once however often it comes; False when the phone is off."""
        with self._lock:
            phone = self.get(number)
            if phone.on and message not in phone.seen:
                self._record(
                    number, "text", id=message, direction="in", peer=peer, body=body, via=via
                )
            return phone.on

    def receive_flash(self, number: str, peer: str, body: str, message: str) -> bool:
        """Show a message over the whole screen, where it replaces the one before."""
        with self._lock:
            phone = self.get(number)
            if phone.on and message not in phone.seen:
                self._file_replaced(phone)
                self._record(number, "flash", id=message, peer=peer, body=body, via="kannel")
            return phone.on

    def dismiss_flash(self, number: str) -> None:
        """Take the flash message off the screen; it is gone, as on a real phone."""
        with self._lock:
            phone = self.get(number)
            if phone.flash:
                self._record(number, "flash_dismissed", id=phone.flash["id"])

    def sent_text(self, number: str, peer: str, body: str, message: str) -> Event:
        """Put the phone's own text in its thread."""
        return self._record(
            number, "text", id=message, direction="out", peer=peer, body=body, via="phone"
        )

    def note(self, number: str, peer: str, zh: str, en: str) -> None:
        """Say something to the phone's owner that no service said: the network's own remark."""
        self._record(number, "note", id=uuid4().hex, peer=peer, zh=zh, en=en)

    def _file_replaced(self, phone: Phone) -> None:
        old = phone.flash
        if old and phone.keeps_flash:
            self._record(
                phone.number,
                "text",
                id=f"{old['id']}.kept",
                direction="in",
                peer=old["peer"],
                body=old["body"],
                via="screen",
            )

    def _record(self, number: str, kind: str, **detail: object) -> Event:
        with self._lock:
            event = self._events.record(number, kind, **detail)
            self.apply(event)
            return event


def _standing(row: dict[str, Any]) -> Phone:
    about = {key: value for key, value in row.items() if key not in {"number", "keeps_flash"}}
    return Phone(row["number"], about, standing=True, keeps_flash=row.get("keeps_flash", False))
