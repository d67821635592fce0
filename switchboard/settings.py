"""The settings: read once from the environment, refused at start when wrong or missing."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

#: Every name that TEXT_PROVIDER and FLASH_PROVIDER may hold.
PROVIDERS = ("twilio", "kannel")

#: What may stand unquoted in a URL: Kannel reads every per cent sign as an escape of its own.
_PLAIN = re.compile(r"[A-Za-z0-9._~-]+")

_SHORTEST_KEY = 16


class SettingsWrong(Exception):
    """Settings are missing or cannot be used; the message lists each with its mend."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be set. Secrets are kept out of ``repr``."""

    redis_url: str = ""
    data_dir: Path = Path("var")
    shards: int = 16
    public_url: str = ""
    twilio_account_sid: str = ""
    twilio_auth_tokens: tuple[str, ...] = field(default=(), repr=False)
    twilio_api_key: str = ""
    twilio_api_secret: str = field(default="", repr=False)
    twilio_api_url: str = "https://api.twilio.com"
    twilio_sender: str = ""
    lookup: str = "none"
    twilio_lookup_url: str = "https://lookups.twilio.com"
    kannel_url: str = ""
    kannel_user: str = ""
    kannel_password: str = field(default="", repr=False)
    kannel_secret: str = field(default="", repr=False)
    kannel_smsc: str = ""
    feed_secret: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    text_provider: tuple[str, ...] = ("twilio",)
    flash_provider: tuple[str, ...] = ()
    twilio_pace: int = 100
    kannel_pace: int = 100
    hotline: str = "10086"
    short_code: str = "7500"
    agent_number: str = ""
    rule_book: Path | None = None
    movable_clock: bool = False
    log_format: str = "json"
    host: str = "127.0.0.1"
    port: int = 8000
    front_page: str = ""

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> Self:
        """The settings in an environment, by default this process's. Raises SettingsWrong."""
        given = {name: value.strip() for name, value in (environ or os.environ).items()}
        reader = _Reader(given)
        kannel_url = reader.url("KANNEL_URL", "")
        settings = cls(
            redis_url=reader.store("REDIS_URL"),
            data_dir=Path(given.get("DATA_DIR") or "var"),
            shards=reader.number("SHARDS", 16, 1, 4096),
            public_url=reader.url("PUBLIC_URL", "").rstrip("/"),
            twilio_account_sid=given.get("TWILIO_ACCOUNT_SID", ""),
            twilio_auth_tokens=_listed(given.get("TWILIO_AUTH_TOKEN", "")),
            twilio_api_key=given.get("TWILIO_API_KEY", ""),
            twilio_api_secret=given.get("TWILIO_API_SECRET", ""),
            twilio_api_url=reader.url("TWILIO_API_URL", "https://api.twilio.com"),
            twilio_sender=given.get("TWILIO_MESSAGING_SERVICE_SID") or given.get("TWILIO_FROM", ""),
            lookup=reader.choice("LOOKUP", "none", ("none", "twilio")),
            twilio_lookup_url=reader.url("TWILIO_LOOKUP_URL", "https://lookups.twilio.com"),
            kannel_url=kannel_url,
            kannel_user=reader.ascii("KANNEL_USER"),
            kannel_password=reader.ascii("KANNEL_PASSWORD"),
            kannel_secret=reader.plain("KANNEL_SECRET"),
            kannel_smsc=reader.plain("KANNEL_SMSC"),
            feed_secret=given.get("FEED_SECRET", ""),
            secret_key=reader.key("SECRET_KEY"),
            text_provider=reader.order("TEXT_PROVIDER", "twilio", PROVIDERS),
            flash_provider=reader.order(
                "FLASH_PROVIDER", "kannel" if kannel_url else "", PROVIDERS
            ),
            twilio_pace=reader.number("TWILIO_PACE", 100, 1, 10_000),
            kannel_pace=reader.number("KANNEL_PACE", 100, 1, 10_000),
            hotline=given.get("HOTLINE") or "10086",
            short_code=given.get("SHORT_CODE") or "7500",
            agent_number=given.get("AGENT_NUMBER", ""),
            rule_book=Path(given["RULE_BOOK"]) if given.get("RULE_BOOK") else None,
            movable_clock=reader.choice("CLOCK", "system", ("system", "movable")) == "movable",
            log_format=reader.choice("LOG_FORMAT", "json", ("json", "console")),
            host=given.get("HOST") or "127.0.0.1",
            port=reader.number("PORT", 8000, 1, 65535),
            front_page=reader.url("FRONT_PAGE", ""),
        )
        reader.settle()
        return settings

    def need_doors(self) -> Self:
        """These settings, with all that the doors need. Raises SettingsWrong."""
        needs = {
            "PUBLIC_URL": self.public_url,
            "TWILIO_ACCOUNT_SID": self.twilio_account_sid,
            "TWILIO_AUTH_TOKEN": self.twilio_auth_tokens,
        }
        if "kannel" in self.providers:
            needs["KANNEL_SECRET"] = self.kannel_secret
        return self._need(needs)

    def need_providers(self) -> Self:
        """These settings, with all that sending needs. Raises SettingsWrong."""
        needs: dict[str, object] = {"PUBLIC_URL": self.public_url}
        if "twilio" in self.providers:
            needs |= self._account()
            needs["TWILIO_FROM or TWILIO_MESSAGING_SERVICE_SID"] = self.twilio_sender
        if "kannel" in self.providers:
            needs["KANNEL_URL"] = self.kannel_url
            needs["KANNEL_USER"] = self.kannel_user
            needs["KANNEL_PASSWORD"] = self.kannel_password
            needs["KANNEL_SECRET"] = self.kannel_secret
        return self._need(needs)

    def need_account(self) -> Self:
        """These settings, with all that the account at Twilio needs. Raises SettingsWrong."""
        return self._need(self._account())

    def _account(self) -> dict[str, object]:
        return {
            "TWILIO_ACCOUNT_SID": self.twilio_account_sid,
            "TWILIO_AUTH_TOKEN, or TWILIO_API_KEY with TWILIO_API_SECRET": (
                self.twilio_auth_tokens or (self.twilio_api_key and self.twilio_api_secret)
            ),
        }

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers in use, each once."""
        return tuple(dict.fromkeys((*self.text_provider, *self.flash_provider)))

    def _need(self, needs: Mapping[str, object]) -> Self:
        missing = [name for name, value in needs.items() if not value]
        if missing:
            raise SettingsWrong(
                "\n".join(f"{name} is not set: nothing stands in for it" for name in missing)
            )
        return self


class _Reader:
    """Reads settings one by one and says all that is wrong with them at once."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._faults: list[str] = []

    def number(self, name: str, usual: int, least: int, most: int) -> int:
        said = self._given.get(name) or str(usual)
        if not (said.isascii() and said.isdigit()) or not least <= int(said) <= most:
            self._faults.append(f"{name}={said}: give a whole number from {least} to {most}")
            return usual
        return int(said)

    def choice(self, name: str, usual: str, choices: tuple[str, ...]) -> str:
        said = self._given.get(name) or usual
        if said not in choices:
            offered = " or ".join(choice for choice in choices if choice)
            self._faults.append(f"{name}={said}: give {offered}")
        return said

    def order(self, name: str, usual: str, choices: tuple[str, ...]) -> tuple[str, ...]:
        """Some of the choices, each once, in an order that matters."""
        said = self._given.get(name) or usual
        listed = _listed(said)
        if (
            not set(listed) <= set(choices)
            or len(set(listed)) < len(listed)
            or (said and not listed)
        ):
            offered = " or ".join(choices)
            self._faults.append(f"{name}={said}: give {offered}, or both with a comma between")
            return ()
        return listed

    def url(self, name: str, usual: str) -> str:
        said = self._given.get(name) or usual
        if said and (not _is_address(said, "http", "https") or urlsplit(said).query):
            self._faults.append(f"{name}={said}: give an address such as https://example.org")
        return said

    def store(self, name: str) -> str:
        said = self._given.get(name, "")
        for address in said.split(",") if said else ():
            if not _is_address(address, "redis", "rediss", "unix"):
                # Not repeated: it may hold a password.
                self._faults.append(f"{name}: give an address such as redis://example.org:6379/0")
                break
        return said

    def plain(self, name: str) -> str:
        said = self._given.get(name, "")
        if said and not _PLAIN.fullmatch(said):
            self._faults.append(f"{name}: use letters, digits and . _ ~ - only")
        return said

    def key(self, name: str) -> str:
        """A secret that others may try to guess at their leisure: a short one is none."""
        said = self._given.get(name, "")
        if said and len(said) < _SHORTEST_KEY:
            self._faults.append(f"{name}: give at least {_SHORTEST_KEY} characters, made at random")
        return said

    def ascii(self, name: str) -> str:
        """What travels in a header: nothing but visible ASCII gets through one unharmed."""
        said = self._given.get(name, "")
        if not (said.isascii() and said.replace(" ", "").isprintable()):
            self._faults.append(f"{name}: use printable ASCII characters only")
        return said

    def settle(self) -> None:
        """Raises SettingsWrong when anything was."""
        if self._faults:
            raise SettingsWrong("\n".join(self._faults))


def _is_address(said: str, *schemes: str) -> bool:
    """Whether an address can be used: its scheme, a host (or a socket's path), a port if any."""
    try:
        parts = urlsplit(said)
        there = parts.path if parts.scheme == "unix" else parts.hostname
        return parts.scheme in schemes and bool(there) and (parts.port or 1) > 0
    except ValueError:  # brackets or a port that are none
        return False


def _listed(said: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in said.split(",") if part.strip())
