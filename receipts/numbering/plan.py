"""Whose a number is: its home province and network, and which source says so."""

import json
import lzma
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

from receipts.model.customer import Subscription
from receipts.model.vocabulary import Msisdn, Network
from receipts.numbering.msisdn import _MOBILE_LENGTH

#: The shipped prefix table, the marker it begins with, and the seven-digit prefixes it covers.
TABLE = Path(__file__).parent / "data" / "prefixes.bin"
MAGIC = b"SMS-RECEIPT PREFIXES 1\n"
FIRST_PREFIX = 1_300_000
PREFIXES = 700_000


class NumberInfo(Struct, frozen=True):
    """Where a number is at home, as far as known; ``source`` is whose word that is."""

    province: str | None
    network: Network
    source: str


class NumberingTableError(Exception):
    """The prefix table is missing or is not one we can read."""


_UNCHARTED = NumberInfo(None, Network.OTHER, "unknown")


class NumberingPlan:
    """Home province and network by prefix, from the shipped table; raises TableWrong when bad."""

    def __init__(self, table: Path = TABLE) -> None:
        try:
            head, _, packed = table.read_bytes().removeprefix(MAGIC).partition(b"\n")
            header = json.loads(head)
            provinces = [None, *header["provinces"]]
            networks = [Network(name) for name in header["networks"]]
            self._version = str(header["data"])
            self._table = lzma.decompress(packed)
            # One Home for each byte that occurs, so that a look-up makes no object.
            self._homes = {
                entry: NumberInfo(
                    provinces[entry >> 3],
                    networks[entry & 0b111],
                    "prefix" if entry >> 3 else "unknown",
                )
                for entry in set(self._table)
            }
        except (OSError, ValueError, LookupError, TypeError, lzma.LZMAError) as error:
            raise NumberingTableError(
                f"{table}: {error}; python -m receipts.numbering.build_table builds it"
            ) from error
        # An event asks half a dozen times for the same number.
        self._by_prefix = lru_cache(maxsize=4096)(self._info_by_prefix)
        if len(self._table) != PREFIXES:
            raise NumberingTableError(f"{table}: {len(self._table)} prefixes, expected {PREFIXES}")

    @property
    def data_version(self) -> str:
        """The source of the table and its version, such as ``phonenumbers 9.0.43``."""
        return self._version

    def info(self, number: Msisdn, recorded: str | None = None) -> NumberInfo:
        """Province and network of a number; a province on record speaks before the prefix."""
        found = self._by_prefix(number)
        if recorded is not None:
            return NumberInfo(recorded, found.network, "record")
        return found

    def info_of(self, customer: Subscription) -> NumberInfo:
        """The same for somebody we may have been told about: a record speaks before the prefix."""
        found = self._by_prefix(customer.number)
        if customer.province is None and customer.network is None:
            return found
        return NumberInfo(
            customer.province or found.province,
            customer.network or found.network,
            customer.source or "record",
        )

    def is_on_net(self, number: Msisdn) -> bool:
        """Whether the number is a China Mobile customer's, as far as its prefix tells."""
        return self._by_prefix(number).network is Network.CHINA_MOBILE

    def _info_by_prefix(self, number: Msisdn) -> NumberInfo:
        """What the table says; landlines, machines and numbers abroad are not in it."""
        if len(number) != _MOBILE_LENGTH or not number.startswith("+861"):
            return _UNCHARTED
        index = int(number[3:10]) - FIRST_PREFIX
        return self._homes[self._table[index]] if 0 <= index < PREFIXES else _UNCHARTED
