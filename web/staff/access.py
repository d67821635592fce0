"""Who of the staff a request is from, and the right that each of its routes requires."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import flask
from flask import request, session
from werkzeug.wrappers import Response

from receipts.model.staff import Right, StaffAccount, StaffArea, StaffMember
from receipts.staff.sessions import StaffSessions

#: Characters of an address that the cookie keeps for after a sign-in.
_LONGEST_WANTED = 300


@dataclass(frozen=True, slots=True)
class StaffRoute:
    """A page or form of an area; without a right, all who are signed in there may use it."""

    rule: str
    endpoint: str
    right: Right | None
    view: Callable[..., Response]
    methods: tuple[str, ...] = ("GET",)
    #: Whether the navigation has a link to it.
    in_navigation: bool = False


class StaffPages(Protocol):
    """A group of pages of one area."""

    def routes(self) -> Iterable[StaffRoute]:
        """The routes of these pages."""


def signed_in() -> StaffMember:
    """The signed-in person, set by the guard."""
    account: StaffAccount = flask.g.staff
    return StaffMember(account.name, account.role, account.shop)


def signed_in_account() -> StaffAccount:
    """The account of the signed-in person, set by the guard."""
    account: StaffAccount = flask.g.staff
    return account


def account_of_session(sessions: StaffSessions, area: StaffArea) -> StaffAccount | None:
    """The account that is signed in to an area. Raises StoreUnavailableError."""
    name, session_id = session.get("staff"), session.get("visit")
    if not isinstance(name, str) or not isinstance(session_id, str):
        return None
    return sessions.account(session_id, name, area)


def remember_wanted() -> None:
    """Keep the page that this request asks for, to be shown after the sign-in."""
    path = request.full_path.rstrip("?")
    # A script that refreshes a part of a page does not navigate.
    navigates = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    if request.method == "GET" and navigates and len(path) <= _LONGEST_WANTED:
        session["wanted"] = path


def wanted_page() -> str | None:
    """The page that was asked for before the sign-in, once; None if there was none."""
    path = session.pop("wanted", None)
    return f"{request.script_root}{path}" if isinstance(path, str) else None


def remember_session(name: str, session_id: str, *, waits_for_code: bool) -> None:
    """Keep a session in the cookie; of earlier values the language and the wanted page alone."""
    language, wanted = session.get("language"), session.get("wanted")
    # Prevents session fixation: a cookie set before the sign-in keeps no value.
    session.clear()
    names = {"code_for": name, "code_visit": session_id}
    session.update(names if waits_for_code else {"staff": name, "visit": session_id})
    session.update({"language": language, "wanted": wanted})
    session.permanent = True


def waiting_for_code() -> tuple[str, str] | None:
    """Name and session id of a sign-in that waits for its code."""
    name, session_id = session.get("code_for"), session.get("code_visit")
    if not isinstance(name, str) or not isinstance(session_id, str):
        return None
    return name, session_id


def session_id() -> str:
    """The id of the session in the cookie, empty without one."""
    return str(session.get("visit", ""))


def forget_session() -> None:
    """Clear the cookie except for the language."""
    language = session.get("language")
    session.clear()
    session["language"] = language
