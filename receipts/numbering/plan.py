"""The numbering plan: home province and network of a number, and their source."""

import json
import lzma
from collections.abc import Mapping
from copy import copy
from functools import lru_cache
from pathlib import Path
from typing import Self

from msgspec import Struct

from receipts.model.customer import Subscription
from receipts.model.vocabulary import Msisdn, Network
from receipts.numbering.trial_people import TRIAL

#: The shipped prefix table, its first line, and the seven-digit prefixes that it covers.
TABLE = Path(__file__).parent / "data" / "prefixes.bin"
MAGIC = b"SMS-RECEIPT PREFIXES 1\n"
FIRST_PREFIX = 1_300_000
PREFIXES = 700_000

_MOBILE_LENGTH = 14  # +86 and eleven digits


class NumberInfo(Struct, frozen=True):
    """Home province and network of a number.

    ``source`` is that of the province: prefix, record, ported, lookup, asked, trial or unknown.
    """

    province: str | None
    network: Network
    source: str


class NumberingTableError(Exception):
    """The prefix table is missing or damaged."""


_UNKNOWN = NumberInfo(None, Network.OTHER, "unknown")


class NumberingPlan:
    """Look-up of numbers in the prefix table. Raises NumberingTableError when created."""

    #: Province codes of trial people, who count as ours; they override table and records.
    trial_people: Mapping[Msisdn, str] = {}

    def __init__(self, table: Path = TABLE) -> None:
        try:
            head, _, packed = table.read_bytes().removeprefix(MAGIC).partition(b"\n")
            header = json.loads(head)
            provinces = [None, *header["provinces"]]
            networks = [Network(name) for name in header["networks"]]
            #: The source of the table and its version, such as ``phonenumbers 9.0.43``.
            self.data_version = str(header["data"])
            self._table = lzma.decompress(packed)
            # One object a distinct byte, so that a look-up creates none.
            self._infos = {}
            for entry in set(self._table):
                source = "prefix" if entry >> 3 else "unknown"
                info = NumberInfo(provinces[entry >> 3], networks[entry & 0b111], source)
                self._infos[entry] = info
        except (OSError, ValueError, LookupError, TypeError, lzma.LZMAError) as error:
            raise NumberingTableError(
                f"{table}: {error}; python -m receipts.numbering.build_table builds it"
            ) from error
        if len(self._table) != PREFIXES:
            raise NumberingTableError(f"{table}: {len(self._table)} prefixes, expected {PREFIXES}")
        # One event looks up the same number about six times.
        self._by_prefix = lru_cache(maxsize=4096)(self._info_by_prefix)

    def with_trial_people(self, people: Mapping[Msisdn, str]) -> Self:
        """The plan with these trial people, on the same table."""
        plan = copy(self)
        plan.trial_people = people
        return plan

    def info(self, number: Msisdn) -> NumberInfo:
        """Province and network of a number by its prefix; of a trial person as listed."""
        code = self.trial_people.get(number)
        return NumberInfo(code, Network.CHINA_MOBILE, TRIAL) if code else self._by_prefix(number)

    def info_of(self, customer: Subscription) -> NumberInfo:
        """Province and network of a customer; recorded ones override the prefix."""
        found = self.info(customer.number)
        if found.source == TRIAL or (customer.province is None and customer.network is None):
            return found
        return NumberInfo(
            customer.province or found.province,
            customer.network or found.network,
            customer.source or "record",
        )

    def _info_by_prefix(self, number: Msisdn) -> NumberInfo:
        """The entry of the table; landlines, machine numbers and foreign numbers have none."""
        if len(number) != _MOBILE_LENGTH or not number.startswith("+861"):
            return _UNKNOWN
        index = int(number[3:10]) - FIRST_PREFIX
        return self._infos[self._table[index]] if 0 <= index < PREFIXES else _UNKNOWN
