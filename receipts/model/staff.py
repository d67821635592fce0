"""Staff: roles and rights, accounts, sessions, and the log of their acts."""

import datetime as dt
from enum import StrEnum

from msgspec import Struct

from receipts.model.vocabulary import Language, Msisdn


class Role(StrEnum):
    """The role of an account; ``receipts.staff.rights`` lists the rights of each."""

    CLERK = "clerk"
    SUPERVISOR = "supervisor"
    OPERATOR = "operator"
    AUDITOR = "auditor"


class Right(StrEnum):
    """A right that a page or an act of staff requires."""

    SERVE_CUSTOMERS = "serve_customers"
    SUPERVISE_COUNTER = "supervise_counter"
    VIEW_FIGURES = "view_figures"
    VIEW_CUSTOMERS = "view_customers"
    EXPORT_CUSTOMER = "export_customer"
    VIEW_STUCK = "view_stuck"
    SETTLE_RECEIPTS = "settle_receipts"
    SWITCH_BREAKERS = "switch_breakers"
    VIEW_RULE_BOOK = "view_rule_book"
    PROPOSE_RULE_BOOK = "propose_rule_book"
    APPROVE_RULE_BOOK = "approve_rule_book"
    MANAGE_STAFF = "manage_staff"
    READ_AUDIT = "read_audit"


class StaffArea(StrEnum):
    """A part of the web service for staff; each has its own sign-in and cookie."""

    COUNTER = "counter"
    CONSOLE = "console"


class StaffAccount(Struct, frozen=True, omit_defaults=True):
    """An account; sessions of an earlier ``generation`` are no longer valid."""

    name: str
    role: Role
    password_digest: str
    version: int = 1
    #: The shop whose counter a clerk or a supervisor serves.
    shop: str = ""
    #: Where sign-in codes are texted to.
    phone: Msisdn | None = None
    language: Language | None = None
    created_at: dt.datetime | None = None
    disabled_at: dt.datetime | None = None
    generation: int = 0
    #: A password that another person chose must be changed at the next sign-in.
    must_change: bool = False

    def __repr__(self) -> str:
        return f"StaffAccount({self.name}, {self.role})"


class StaffSession(Struct, frozen=True, omit_defaults=True):
    """A signed-in browser; ``used_at`` is the time of a recent request."""

    name: str
    area: StaffArea
    generation: int
    used_at: dt.datetime
    ends_at: dt.datetime
    #: Keyed digest and tries of the code that the phone was sent, until it is entered.
    code: str = ""
    tries: int = 0
    version: int = 1


class StaffMember(Struct, frozen=True):
    """The signed-in person of a request."""

    name: str
    role: Role
    shop: str = ""


class StaffAct(Struct, frozen=True, omit_defaults=True):
    """An act of staff that concerns no single customer; append-only."""

    at: dt.datetime
    clerk: str
    act: str
    subject: str = ""
    reason: str = ""
    shop: str = ""
