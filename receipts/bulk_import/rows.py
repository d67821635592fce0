"""Parse a line of an operator's list into a typed row, or an error with its fix."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Self

from receipts.bulk_import.password_hashes import is_plain, is_slow_digest
from receipts.bulk_import.row_errors import RowError
from receipts.bulk_import.spreadsheet_values import month_text, number_text
from receipts.model.vocabulary import Msisdn, Network
from receipts.numbering.msisdn import parse_msisdn
from receipts.rulebook.province_names import province_code
from statemachines.fee_collection import CollectionResult

Cells = Mapping[str, str]

#: Networks by their usual names, in lower case.
_NETWORKS = {network.value: network for network in Network if network is not Network.UNKNOWN} | {
    **dict.fromkeys(("cmcc", "中国移动", "移动"), Network.CHINA_MOBILE),
    **dict.fromkeys(("cucc", "中国联通", "联通"), Network.CHINA_UNICOM),
    **dict.fromkeys(("ctcc", "中国电信", "电信"), Network.CHINA_TELECOM),
    **dict.fromkeys(("china_broadnet", "中国广电", "广电"), Network.OTHER),
}
_PROVINCE = re.compile(r"CN-[A-Z]{2}", re.ASCII)
_MOBILE_LENGTH = 14  # +86 and eleven digits
_SHOWN = 30  # characters of a wrong value that an error repeats


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A number of the operator's customer list."""

    number: Msisdn
    network: Network
    province: str | None = None
    id_digest: str = field(default="", repr=False)
    password_digest: str = field(default="", repr=False)

    @property
    def proves(self) -> bool:
        """Whether the row has a digest that identifies the owner."""
        return bool(self.id_digest or self.password_digest)


@dataclass(frozen=True, slots=True)
class PortedRow:
    """A number that kept its digits and changed its network."""

    number: Msisdn
    network: Network


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """Whether the fee of a month could be collected."""

    number: Msisdn
    month: str
    result: CollectionResult


Row = CustomerRow | PortedRow | CollectionRow


@dataclass(frozen=True, slots=True)
class ImportFormat:
    """A kind of list: name, columns, and a parser that raises RowError."""

    name: str
    needed: tuple[str, ...]
    optional: tuple[str, ...]
    read: Callable[[Cells], Row]

    def accepting(self, people: Collection[Msisdn]) -> Self:
        """The list of customers, with rows of trial people, who may have any number."""
        return replace(self, read=partial(_customer, people=people))


def _customer(cells: Cells, people: Collection[Msisdn] = ()) -> CustomerRow:
    number, network, province = _number(cells, people), _network(cells), _province(cells)
    digests = _digest(cells, "id_digest"), _digest(cells, "password_digest")
    return CustomerRow(number, network, province, *digests)


def _ported(cells: Cells) -> PortedRow:
    return PortedRow(_number(cells), _network(cells))


def _collection(cells: Cells) -> CollectionRow:
    number, month = _number(cells), month_text(cells["month"])
    if month is None:
        raise RowError(f"month {_quoted(cells['month'])} is not a month", "write it as 2026-11")
    try:
        result = CollectionResult(cells["result"].casefold())
    except ValueError:
        raise RowError(
            f"result {_quoted(cells['result'])} is unknown", "write paid or failed"
        ) from None
    return CollectionRow(number, month, result)


def _number(cells: Cells, people: Collection[Msisdn] = ()) -> Msisdn:
    raw = cells["number"]
    number = parse_msisdn(number_text(raw))
    if number is not None and number in people:
        return number
    if number is None or len(number) != _MOBILE_LENGTH or not number.startswith("+861"):
        fix = "write eleven digits such as 13802880000; in a spreadsheet, as a text column"
        raise RowError(f"number {_quoted(raw)} is not a mainland mobile number", fix)
    return number


def _network(cells: Cells) -> Network:
    raw = cells["network"]
    network = _NETWORKS.get(raw.casefold().replace(" ", "_").replace("-", "_"))
    if network is None:
        known = ", ".join(network.value for network in dict.fromkeys(_NETWORKS.values()))
        raise RowError(f"network {_quoted(raw)} is unknown", f"write one of {known}")
    return network


def _province(cells: Cells) -> str | None:
    raw = cells.get("province", "")
    code = raw.upper() if _PROVINCE.fullmatch(raw.upper()) else province_code(raw)
    if raw and code is None:
        fix = "write a code such as CN-GD or a name such as 广东, or leave it empty"
        raise RowError(f"province {_quoted(raw)} is not a province code or name", fix)
    return code or None


def _digest(cells: Cells, column: str) -> str:
    """A digest as given; an error never repeats any part of it."""
    raw = cells.get(column, "")
    if not raw or is_slow_digest(raw):
        return raw
    fix = "write its argon2, scrypt, bcrypt or PBKDF2 string; quote it if it contains commas"
    if is_plain(raw):
        what = f"{column} holds a plain password or identity number, which is not allowed in a file"
        raise RowError(what, f"{fix}, and destroy this file")
    raise RowError(f"{column} is not a slow, salted hash", fix)


def _quoted(raw: str) -> str:
    return repr(raw if len(raw) <= _SHOWN else raw[:_SHOWN] + "…")


CUSTOMERS = ImportFormat(
    "customers", ("number", "network"), ("province", "id_digest", "password_digest"), _customer
)
PORTED = ImportFormat("ported", ("number", "network"), (), _ported)
COLLECTIONS = ImportFormat("collections", ("number", "month", "result"), (), _collection)
#: Numbers alone, of which no network is said.
NUMBERS = ImportFormat(
    "numbers", ("number",), (), lambda cells: PortedRow(_number(cells), Network.UNKNOWN)
)
