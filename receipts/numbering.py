"""Whose a number is: its home province and network, and which source says so."""

import json
import lzma
import re
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

from receipts.model import Msisdn, Network, Subscription

#: The shipped prefix table, the marker it begins with, and the seven-digit prefixes it covers.
TABLE = Path(__file__).parent / "data" / "prefixes.bin"
MAGIC = b"SMS-RECEIPT PREFIXES 1\n"
FIRST_PREFIX = 1_300_000
PREFIXES = 700_000

# +86 and eleven digits.
_MOBILE_LENGTH = 14

# Longer than any number somebody writes with separators; guards the work done on garbage.
_LONGEST_INPUT = 64
_FULL_WIDTH = {0xFF10 + digit: ord("0") + digit for digit in range(10)} | {0xFF0B: ord("+")}
# What people and address books put between digits: spaces, hyphens, brackets, and the invisible
# direction marks that come along when a number is copied out of a phone's contacts.
_SEPARATORS = dict.fromkeys(
    map(
        ord,
        " \t\r\n\u00a0\u2002\u2003\u2009\u202f\u3000"
        "-\u2010\u2011\u2012\u2013\u2014\u2212\uff0d"
        "()\uff08\uff09"
        "\u200b\u200e\u200f\u202a\u202c\u202d\u2060\u2066\u2069\ufeff",
    )
)
_CLEAN = _FULL_WIDTH | _SEPARATORS

_MOBILE = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})", re.ASCII)
# National numbers behind +86 that are people or machines: 13-digit 14x machine numbers, Beijing's
# 10 + 8 digits, other areas. Service numbers (10086, 106..., 955xx) match none of them.
_OTHER_CHINESE = re.compile(r"\+86(?:14[0-9]{11}|10[0-9]{8}|[2-9][0-9]{8,10})", re.ASCII)
_FOREIGN = re.compile(r"\+(?!86)[1-9][0-9]{7,14}", re.ASCII)
# Twilio puts these in place of a withheld number; each spells a word on a keypad: ANONYMOUS,
# RESTRICTED, UNAVAILABLE (help article "What is this strange number calling me").
_WITHHELD = frozenset({"+266696687", "+7378742833", "+86282452253"})


def parse_msisdn(raw: str) -> Msisdn | None:
    """The E.164 number somebody meant, or None when it is no person's number; never raises."""
    if len(raw) > _LONGEST_INPUT:
        return None
    # Most are written as they should be; the others are cleaned first.
    text = raw if _MOBILE.fullmatch(raw) else raw.translate(_CLEAN)
    if mobile := _MOBILE.fullmatch(text):
        return Msisdn("+86" + mobile[1])
    if text in _WITHHELD:
        return None
    if _OTHER_CHINESE.fullmatch(text) or _FOREIGN.fullmatch(text):
        return Msisdn(text)
    return None


class Home(Struct, frozen=True):
    """Where a number is at home, as far as known; ``source`` is whose word that is."""

    province: str | None
    network: Network
    source: str


class TableWrong(Exception):
    """The prefix table is missing or is not one we can read."""


_UNCHARTED = Home(None, Network.OTHER, "unknown")


class Numbering:
    """Home province and network by prefix, from the shipped table; raises TableWrong when bad."""

    def __init__(self, table: Path = TABLE) -> None:
        try:
            head, _, packed = table.read_bytes().removeprefix(MAGIC).partition(b"\n")
            facts = json.loads(head)
            provinces = [None, *facts["provinces"]]
            networks = [Network(name) for name in facts["networks"]]
            self._version = str(facts["data"])
            self._table = lzma.decompress(packed)
            # One Home for each byte that occurs, so that a look-up makes no object.
            self._homes = {
                entry: Home(
                    provinces[entry >> 3],
                    networks[entry & 0b111],
                    "prefix" if entry >> 3 else "unknown",
                )
                for entry in set(self._table)
            }
        except (OSError, ValueError, LookupError, TypeError, lzma.LZMAError) as error:
            raise TableWrong(
                f"{table}: {error}; python -m switchboard.prefix_table builds it"
            ) from error
        # An event asks half a dozen times for the same number.
        self._by_prefix = lru_cache(maxsize=4096)(self._looked_up)
        if len(self._table) != PREFIXES:
            raise TableWrong(f"{table}: {len(self._table)} prefixes, expected {PREFIXES}")

    @property
    def data_version(self) -> str:
        """The source of the table and its version, such as ``phonenumbers 9.0.43``."""
        return self._version

    def home(self, number: Msisdn, recorded: str | None = None) -> Home:
        """Province and network of a number; a province on record speaks before the prefix."""
        found = self._by_prefix(number)
        if recorded is not None:
            return Home(recorded, found.network, "record")
        return found

    def home_of(self, customer: Subscription) -> Home:
        """The same for somebody we may have been told about: a record speaks before the prefix."""
        found = self._by_prefix(customer.number)
        if customer.province is None and customer.network is None:
            return found
        return Home(
            customer.province or found.province,
            customer.network or found.network,
            customer.source or "record",
        )

    def is_on_net(self, number: Msisdn) -> bool:
        """Whether the number is a China Mobile customer's, as far as its prefix tells."""
        return self._by_prefix(number).network is Network.CHINA_MOBILE

    def _looked_up(self, number: Msisdn) -> Home:
        """What the table says; landlines, machines and numbers abroad are not in it."""
        if len(number) != _MOBILE_LENGTH or not number.startswith("+861"):
            return _UNCHARTED
        index = int(number[3:10]) - FIRST_PREFIX
        return self._homes[self._table[index]] if 0 <= index < PREFIXES else _UNCHARTED
