"""Settings: read once from the environment, refused at start when wrong or missing."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, quote_plus, unquote, urlsplit

from app.protection.client_address import Network
from app.protection.secrets_file import with_secrets
from app.settings_reader import Setting, SettingsReader, read_descriptions, split_list
from receipts.model.vocabulary import Msisdn
from receipts.store.servers.address import parse_address

#: Every name that TEXT_PROVIDER and FLASH_PROVIDER may hold.
PROVIDERS = ("twilio", "kannel")

#: Every name that STAFF_CODES may hold.
STAFF_AREAS = ("counter", "console")

#: Settings that are lists of some of these names.
LISTS = {"TEXT_PROVIDER": PROVIDERS, "FLASH_PROVIDER": PROVIDERS, "STAFF_CODES": STAFF_AREAS}

#: Settings that are numbers of this service; none of them is a trial person's.
OWN_NUMBERS = ("TWILIO_FROM", "HOTLINE", "SHORT_CODE", "AGENT_NUMBER")

#: Addresses of this service, to which paths are added.
OWN_ADDRESSES = ("PUBLIC_URL", "FALLBACK_URL")

#: Settings that are whole numbers from 1, and their largest values.
WHOLE_NUMBERS = {
    "SHARDS": 4096, "PORT": 65535, "TWILIO_PACE": 10_000, "KANNEL_PACE": 10_000,
    "CODES_PER_VISITOR": 1_000, "CODES_PER_ADDRESS": 100_000, "CODES_A_MINUTE": 1_000_000,
    "STAFF_IDLE_MINUTES": 720, "STAFF_SESSION_HOURS": 24,
}  # fmt: skip

#: Settings that are whole numbers from 0, and their largest values.
NUMBERS_FROM_0 = {
    "SPEECH_CONFIDENCE": 100, "METRICS_PORT": 65535, "WORKER_METRICS_PORT": 65535,
    "INSIDE_PORT": 65535,
}  # fmt: skip

#: A shorter secret is a part of many texts.
_SHORTEST_SECRET_CHARS = 6
_CREDENTIALS = "credentials of the account"
_SENDER = "sender of texts"
#: Sentences for needs that several settings can meet.
_REQUIRED = {
    _CREDENTIALS: "Set TWILIO_AUTH_TOKEN, or both TWILIO_API_KEY and TWILIO_API_SECRET.",
    _SENDER: "Set TWILIO_FROM or TWILIO_MESSAGING_SERVICE_SID.",
}


class SettingsError(Exception):
    """Settings are missing or cannot be used; the message lists each with its fix."""


def described_settings() -> Iterator[Setting]:
    """Yield each setting with its default and meaning, in the order of the file.

    docs/settings.md and .env.example are made of it (`make settings`).
    """
    return read_descriptions(files("app").joinpath("setting_descriptions.txt").read_text())


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one process. Secrets are kept out of ``repr``."""

    redis_url: str = field(repr=False)
    data_dir: Path
    archive_dir: Path
    shards: int
    public_url: str
    twilio_account_sid: str
    twilio_auth_tokens: tuple[str, ...] = field(repr=False)
    twilio_api_key: str
    twilio_api_secret: str = field(repr=False)
    twilio_api_url: str
    twilio_from: str
    twilio_messaging_service_sid: str
    twilio_sender: str
    fallback_url: str
    lookup: str
    twilio_lookup_url: str
    kannel_url: str
    kannel_user: str
    kannel_password: str = field(repr=False)
    kannel_secret: str = field(repr=False)
    kannel_smsc: str
    feed_secret: str = field(repr=False)
    secret_key: str = field(repr=False)
    demo_secret: str = field(repr=False)
    # Checked by the exports, which alone need its file.
    consent_signing_key: str = field(repr=False)
    text_provider: tuple[str, ...]
    flash_provider: tuple[str, ...]
    twilio_pace: int
    kannel_pace: int
    kannel_reports: str
    hotline: str
    short_code: str
    agent_number: str
    speech_confidence: int
    rule_book: Path | None
    movable_clock: bool
    log_format: str
    host: str
    port: int
    metrics_port: int
    worker_metrics_port: int
    otel_endpoint: str
    inside_host: str
    inside_port: int
    front_page: str
    trusted_proxies: tuple[Network, ...] = ()
    secrets_file: Path | None = None
    codes_per_visitor: int = 20
    codes_per_address: int = 30
    codes_a_minute: int = 600
    staff_codes: tuple[str, ...] = ()
    staff_idle_minutes: int = 30
    staff_session_hours: int = 12
    trial_people: Mapping[Msisdn, str] = field(default_factory=dict)

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read an environment, by default this process's. Raises SettingsError."""
        (source, wrong), described = with_secrets(environ or os.environ), described_settings()
        given = {each.name: source.get(each.name, "").strip() or each.default for each in described}
        reader = SettingsReader(given, wrong)
        kannel_url = reader.url("KANNEL_URL")
        given["FLASH_PROVIDER"] = given["FLASH_PROVIDER"] or (kannel_url and "kannel")
        texts: dict[str, Any] = {**reader.texts(), **reader.numbers(WHOLE_NUMBERS)}
        texts |= reader.numbers(NUMBERS_FROM_0, least=0) | reader.folders()
        texts |= {name.lower(): reader.order(name, among) for name, among in LISTS.items()}
        texts |= {name.lower(): reader.url(name).rstrip("/") for name in OWN_ADDRESSES}
        own, service = texts["twilio_from"], texts["twilio_messaging_service_sid"]
        reader.pair("TWILIO_API_KEY", "TWILIO_API_SECRET")
        reader.only_with("DEMO_SECRET", "CLOCK", "movable")
        settings = cls(
            **texts,
            consent_signing_key=given["CONSENT_SIGNING_KEY"],
            redis_url=reader.store("REDIS_URL"),
            twilio_auth_tokens=reader.tokens("TWILIO_AUTH_TOKEN"),
            twilio_api_url=reader.url("TWILIO_API_URL"),
            twilio_sender=service or own,
            lookup=reader.choice("LOOKUP", ("none", "twilio")),
            twilio_lookup_url=reader.url("TWILIO_LOOKUP_URL"),
            kannel_url=kannel_url,
            kannel_reports=reader.choice("KANNEL_REPORTS", ("final", "all")),
            rule_book=reader.file("RULE_BOOK"),
            movable_clock=reader.choice("CLOCK", ("system", "movable")) == "movable",
            log_format=reader.choice("LOG_FORMAT", ("json", "console")),
            host=reader.host("HOST"),
            inside_host=reader.own_host("INSIDE_HOST"),
            front_page=reader.url("FRONT_PAGE"),
            otel_endpoint=reader.url("OTEL_EXPORTER_OTLP_ENDPOINT"),
            trusted_proxies=reader.networks("TRUSTED_PROXIES"),
            secrets_file=reader.file("SECRETS_FILE"),
            trial_people=reader.people("TRIAL_PEOPLE", OWN_NUMBERS),
        )
        if reader.problems:
            raise SettingsError("\n".join(reader.problems))
        return settings

    @property
    def kannel_report_url(self) -> str:
        """The address of this service for Kannel's delivery reports, without their path."""
        host = f"[{self.inside_host}]" if ":" in self.inside_host else self.inside_host
        return f"http://{host}:{self.inside_port}" if self.inside_port else self.public_url

    @property
    def kannel_secrets(self) -> tuple[str, ...]:
        """Secrets that Kannel's requests may bear; the first one is put into new addresses."""
        return split_list(self.kannel_secret)

    @property
    def feed_secrets(self) -> tuple[str, ...]:
        """Secrets that may sign a batch of the feed."""
        return split_list(self.feed_secret)

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """Keys of the portal: the first one signs, all of them verify."""
        return split_list(self.secret_key)

    @property
    def secrets(self) -> frozenset[str]:
        """All secrets, as they are set and as they stand in an address."""
        addresses = (*self.redis_url.split(","), self.public_url, self.kannel_url)
        api_urls = (self.twilio_api_url, self.twilio_lookup_url)
        known = [urlsplit(address).password or "" for address in (*addresses, *api_urls)]
        known += parse_address(self.redis_url).passwords if self.redis_url else ()
        known += (*self.kannel_secrets, *self.feed_secrets, *self.secret_keys, self.demo_secret)
        known += (*self.twilio_auth_tokens, self.twilio_api_secret, self.kannel_password)
        spelled = {way(each) for each in known for way in (str, quote, quote_plus, unquote)}
        return frozenset(each for each in spelled if len(each) >= _SHORTEST_SECRET_CHARS)

    @property
    def hash_secret(self) -> str:
        """The secret under which strangers' numbers are hashed; a change forgets them early."""
        ours = (self.secret_keys, self.feed_secrets, self.kannel_secrets, self.twilio_auth_tokens)
        # The last one: a new secret is put before it, and the old one still counts.
        return next((secrets[-1] for secrets in ours if secrets), "")

    @property
    def is_called_by_twilio(self) -> bool:
        """Whether calls or texts come from Twilio; without an account all of them are refused."""
        account = self.twilio_account_sid or self.twilio_auth_tokens
        return bool("twilio" in self.providers or account)

    def need_doors(self) -> Self:
        """Return these settings, with all that web requests need. Raises SettingsError."""
        needs: dict[str, object] = {"PUBLIC_URL": self.public_url}
        if self.is_called_by_twilio:
            needs["TWILIO_ACCOUNT_SID"] = self.twilio_account_sid
            needs["TWILIO_AUTH_TOKEN"] = self.twilio_auth_tokens
        if "kannel" in self.providers:
            needs["KANNEL_SECRET"] = self.kannel_secret
        return self._need(needs)

    def need_providers(self) -> Self:
        """Return these settings, with all that sending needs. Raises SettingsError."""
        needs: dict[str, object] = {"PUBLIC_URL": self.public_url}
        if "twilio" in self.providers:
            needs |= self._account()
            needs[_SENDER] = self.twilio_sender
        if "kannel" in self.providers:
            needs |= {"KANNEL_URL": self.kannel_url, "KANNEL_USER": self.kannel_user}
            needs |= {"KANNEL_PASSWORD": self.kannel_password, "KANNEL_SECRET": self.kannel_secret}
        return self._need(needs)

    def need_signatures(self) -> Self:
        """Return these settings, with all that checks of signatures need. Raises SettingsError."""
        needs = {"PUBLIC_URL": self.public_url, "TWILIO_AUTH_TOKEN": self.twilio_auth_tokens}
        return self._need(needs)

    def need_account(self) -> Self:
        """Return these settings, with all that Twilio's API needs. Raises SettingsError."""
        return self._need(self._account())

    def _account(self) -> dict[str, object]:
        token = self.twilio_auth_tokens or (self.twilio_api_key and self.twilio_api_secret)
        return {"TWILIO_ACCOUNT_SID": self.twilio_account_sid, _CREDENTIALS: token}

    @property
    def providers(self) -> tuple[str, ...]:
        """Names of the providers in use, each once."""
        return tuple(dict.fromkeys((*self.text_provider, *self.flash_provider)))

    def _need(self, needs: Mapping[str, object]) -> Self:
        missing = [name for name, value in needs.items() if not value]
        if missing:
            texts = (_REQUIRED.get(name) or f"{name} is required but not set." for name in missing)
            raise SettingsError("\n".join(texts))
        return self
