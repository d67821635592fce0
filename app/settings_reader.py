"""Reads settings one by one from an environment and collects the problems of all of them."""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from app.protection.client_address import Network
from app.protection.secret_rules import is_placeholder, secret_problem
from receipts.model.vocabulary import Msisdn
from receipts.numbering.trial_people import read_trial_people
from receipts.store.servers.address import AddressError, is_host, parse_address


class Shape(NamedTuple):
    """The pattern of a setting, and the rule that a wrong value breaks."""

    pattern: re.Pattern[str]
    rule: str
    is_hidden: bool = False


_NUMBER = re.compile(r"\+?[0-9]{3,20}")
_ASCII = re.compile(r"[ -~]*")

#: Settings that are one text of a known shape.
SHAPES = {
    "TWILIO_ACCOUNT_SID": Shape(
        re.compile(r"AC[0-9A-Za-z]+"),
        "must be the Account SID of Twilio's console: AC and 32 hexadecimal digits",
    ),
    "TWILIO_API_KEY": Shape(
        re.compile(r"SK[0-9A-Za-z]+"), "must be the SID of the key: SK and 32 hexadecimal digits"
    ),
    "TWILIO_API_SECRET": Shape(
        re.compile(r"[!-~]+"), "must be ASCII characters without spaces", is_hidden=True
    ),
    "TWILIO_FROM": Shape(
        re.compile(r"\+[1-9][0-9]{4,14}|[1-9][0-9]{2,7}|(?=[0-9 ]*[A-Za-z])[A-Za-z0-9 ]{1,11}"),
        "must be a number such as +8613802880000, a short code such as 7500, or a sender name of "
        "at most 11 letters and digits",
    ),
    "TWILIO_MESSAGING_SERVICE_SID": Shape(
        re.compile(r"MG[0-9A-Za-z]+"),
        "must be the SID of the service: MG and 32 hexadecimal digits",
    ),
    "KANNEL_USER": Shape(_ASCII, "must be printable ASCII characters", is_hidden=True),
    "KANNEL_PASSWORD": Shape(_ASCII, "must be printable ASCII characters", is_hidden=True),
    "KANNEL_SMSC": Shape(
        re.compile(r"[A-Za-z0-9._~-]*"), "must be letters, digits and . _ ~ -", is_hidden=True
    ),
    "HOTLINE": Shape(_NUMBER, "must be a number in digits. Example: 10086"),
    "SHORT_CODE": Shape(_NUMBER, "must be a number in digits. Example: 7500"),
    "AGENT_NUMBER": Shape(
        re.compile(r"\+[1-9][0-9]{4,14}|[0-9]{3,15}"),
        "must be a phone number with its country code. Example: +862085550100",
    ),
}

#: Characters of each of a setting's secrets; several have commas between.
SECRETS = {
    # Characters that stay unquoted in a URL: Kannel reads each per cent sign as its own escape.
    "KANNEL_SECRET": Shape(re.compile(r"[A-Za-z0-9._~-]*"), "must be letters, digits and . _ ~ -"),
    "FEED_SECRET": Shape(_ASCII, "must be printable ASCII characters"),
    "SECRET_KEY": Shape(_ASCII, "must be printable ASCII characters"),
    "DEMO_SECRET": Shape(re.compile(r"[!-~]*"), "must be ASCII characters without spaces"),
}

#: Secrets of other systems, which set their length.
_SECRETS_OF_OTHERS = frozenset({"TWILIO_API_SECRET", "KANNEL_PASSWORD"})

#: Characters that no URL has unquoted.
_NOT_IN_URLS = re.compile(r"[\s\x00-\x20\x7f<>\"\\^`{|}]")


_LINE = re.compile(r"(?P<name>[A-Z_]+) = (?P<default>\S*) ?\| (?P<meaning>.+)")


class Setting(NamedTuple):
    """One environment variable; an empty default means that it is unset."""

    group: str
    name: str
    default: str
    meaning: str


def read_descriptions(text: str) -> Iterator[Setting]:
    """Yield the settings of a text: a group in brackets, then a line for each setting."""
    group = ""
    for line in text.splitlines():
        if line.startswith("["):
            group = line.strip("[]")
        elif found := _LINE.fullmatch(line):
            yield Setting(group, *found.group("name", "default", "meaning"))


#: Names for all addresses of a machine: no other machine can call them.
_ALL_ADDRESSES = frozenset({"0.0.0.0", "::", "*"})  # noqa: S104 - they are refused


class SettingsReader:
    """Checked values by name; a wrong value adds a sentence to ``problems``."""

    def __init__(self, given: Mapping[str, str], problems: Iterable[str] = ()) -> None:
        self._given = given
        self.problems = list(problems)

    def number(self, name: str, least: int, most: int) -> int:
        """Return a whole number within bounds."""
        text = self._given[name]
        if text.isascii() and text.isdigit() and least <= int(text) <= most:
            return int(text)
        self._refuse(name, text, f"must be a whole number from {least} to {most}")
        return least

    def numbers(self, most: Mapping[str, int], least: int = 1) -> dict[str, int]:
        """Return whole numbers by their names in lower case; ``most`` has the largest."""
        return {name.lower(): self.number(name, least, largest) for name, largest in most.items()}

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """Return one of the choices."""
        text = self._given[name]
        if text not in choices:
            self._refuse(name, text, f"must be {' or '.join(choices)}")
        return text

    def order(self, name: str, choices: tuple[str, ...]) -> tuple[str, ...]:
        """Return some of the choices, each once, in an order that matters."""
        text = self._given[name]
        listed = split_list(text)
        repeated = len(set(listed)) < len(listed)
        if not set(listed) <= set(choices) or repeated or (text and not listed):
            offered = ", ".join(choices)
            self._refuse(name, text, f"must be {offered}, or both separated by a comma")
        return listed

    def texts(self) -> dict[str, str]:
        """Return the settings of ``SHAPES`` and ``SECRETS`` by their names in lower case."""
        texts = {name.lower(): self.text(name) for name in SHAPES}
        return texts | {name.lower(): self.secret(name) for name in SECRETS}

    def text(self, name: str) -> str:
        """Return a text of the shape that ``SHAPES`` names, or an empty one."""
        text, shape = self._given[name], SHAPES[name]
        if text and not shape.pattern.fullmatch(text):
            self._refuse(name, "" if shape.is_hidden else text, shape.rule)
        elif text and name in _SECRETS_OF_OTHERS and (problem := secret_problem(text, 1)):
            self._refuse(name, "", problem)
        return text

    def secret(self, name: str) -> str:
        """Return a secret that guards a way in; several in rotation have commas between."""
        shape, secrets = SECRETS[name], split_list(self._given[name])
        for each in secrets:
            is_shaped = shape.pattern.fullmatch(each)
            if problem := secret_problem(each) if is_shaped else shape.rule:
                self._refuse(name, "", problem)
                break
        if self._given[name] and not secrets:
            self._refuse(name, "", "must hold a secret; it has commas only")
        return ",".join(secrets)

    def tokens(self, name: str) -> tuple[str, ...]:
        """Return secrets separated by commas."""
        tokens = split_list(self._given[name])
        if any(not re.fullmatch(r"[!-~]+", token) for token in tokens):
            self._refuse(name, "", "must be tokens without spaces, separated by commas")
        elif self._given[name] and not tokens:
            self._refuse(name, "", "must hold a token; it has commas only")
        elif any(map(is_placeholder, tokens)):
            self._refuse(name, "", "must be the token of Twilio's console; it is a placeholder")
        return tokens

    def pair(self, name: str, other: str) -> None:
        """Require of two settings both or neither."""
        for given, missing in ((name, other), (other, name)):
            if self._given[given] and not self._given[missing]:
                self.problems.append(
                    f"{missing} is not set, but {given} needs it: set both or neither"
                )

    def only_with(self, name: str, other: str, needed: str) -> None:
        """Refuse a setting unless another one has the value that it needs."""
        if self._given[name] and self._given[other] != needed:
            self._refuse(name, "", f"is for trials alone: it needs {other}={needed}")

    def folder(self, name: str) -> Path:
        """Return the path of a folder, which may be missing."""
        path = Path(self._given[name])
        if path.exists() and not path.is_dir():
            self._refuse(name, str(path), "must be a folder; it is a file")
        return path

    def folders(self) -> dict[str, Path]:
        """Return DATA_DIR and ARCHIVE_DIR, by default within it, by their names in lower case."""
        data = self.folder("DATA_DIR")
        archive = self.folder("ARCHIVE_DIR") if self._given["ARCHIVE_DIR"] else data / "archive"
        return {"data_dir": data, "archive_dir": archive}

    def file(self, name: str) -> Path | None:
        """Return the path of a file, None where it is unset."""
        path = Path(self._given[name]) if self._given[name] else None
        if path is not None and path.is_dir():
            self._refuse(name, str(path), "must be a file; it is a folder")
        return path

    def networks(self, name: str) -> tuple[Network, ...]:
        """Return IP addresses and networks separated by commas."""
        networks = []
        for text in split_list(self._given[name]):
            try:
                networks.append(ipaddress.ip_network(text))
            except ValueError:
                self._refuse(name, text, "must be addresses or networks. Example: 10.0.0.0/24")
        return tuple(networks)

    def people(self, name: str, own_names: Iterable[str]) -> Mapping[Msisdn, str]:
        """Return province codes by number; no number is that of a setting in ``own_names``."""
        own = [self._given[each] for each in own_names]
        return read_trial_people(self._given[name], own, self.problems)

    def host(self, name: str) -> str:
        """Return an IP address, or the name of a host."""
        text = self._given[name]
        if not is_host(text):
            rule = "must be an address of this machine without a port. Example: 127.0.0.1"
            self._refuse(name, text, rule)
        return text

    def own_host(self, name: str) -> str:
        """Return one address of this machine, at which others can call it."""
        host = self.host(name).strip("[]")
        if host in _ALL_ADDRESSES:
            self._refuse(
                name, host, "must be one address of this machine, at which Kannel calls it"
            )
        return host

    def url(self, name: str) -> str:
        """Return an http or https address without a query and a fragment."""
        text = self._given[name]
        if text and (problem := url_problem(text)):
            # An address with a user may hold a password.
            self._refuse(name, "" if "@" in text else text, problem)
        return text

    def store(self, name: str) -> str:
        """Return the address of a server, of the nodes of a cluster, or of Sentinels."""
        text = self._given[name]
        if text:
            try:
                parse_address(text)
            except AddressError as error:
                # The address is not repeated: it may hold a password.
                self._refuse(name, "", str(error))
        return text

    def _refuse(self, name: str, text: str, rule: str) -> None:
        """Add a problem; a secret is left out of it as an empty text."""
        self.problems.append(f"{name}={text} {rule}" if text else f"{name} {rule}")


def split_list(text: str) -> tuple[str, ...]:
    """Split at commas; empty parts are left out."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def url_problem(text: str) -> str:
    """The rule that an unusable http address breaks; empty for a usable one."""
    if _NOT_IN_URLS.search(text):
        return "must not hold spaces or other characters that are not allowed in an address"
    if "#" in text:
        return "must not hold a #: remove it and the text after it"
    if "?" in text:
        return "must not hold a ?: remove it and the text after it"
    if not _is_address(text):
        return "must be an http or https address. Example: https://example.org"
    return ""


def _is_address(text: str) -> bool:
    """Return whether scheme, host and port are usable."""
    try:
        parts = urlsplit(text.strip())
        if parts.scheme not in {"http", "https"}:
            return False
        return parts.port != 0 and is_host(parts.hostname or "")
    except ValueError:  # malformed brackets or port
        return False
