"""Console pages of the accounts of staff: list, add, disable, new password, sign out."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from flask import Response, request, session
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response as AnyResponse

from receipts.model.calendar import SHANGHAI
from receipts.model.staff import Right, Role, StaffAccount
from receipts.model.vocabulary import Msisdn
from receipts.numbering.msisdn import parse_msisdn
from receipts.staff.accounts import Person, StaffAccounts, StaffRefusedError, refusals
from receipts.staff.generated_password import generated_password
from receipts.staff.rights import has_right
from web import forms
from web.staff.access import StaffRoute, signed_in
from web.staff.rendering import StaffSite, page_language

_ROWS = 50
_LONGEST_INPUT = 200
_MANAGE = Right.MANAGE_STAFF

#: The value of the cookie that shows a generated password on one page, once.
_SHOWN_ONCE = "shown_once"


@dataclass(frozen=True, slots=True)
class _Change:
    """A button on the page of an account."""

    run: Callable[[StaffAccount, Person], StaffAccount]
    #: Whether the own account may be changed so.
    of_own: bool = True


class StaffAccountPages:
    """Accounts, for those who manage staff."""

    def __init__(self, site: StaffSite) -> None:
        self._site = site
        accounts = site.accounts
        self._changes = {
            "disable": _Change(lambda it, by: accounts.disable(it.name, by), of_own=False),
            "enable": _Change(lambda it, by: accounts.enable(it.name, by)),
            "sign_out": _Change(lambda it, by: accounts.revoke_sessions(it.name, by)),
            "phone": _Change(self._set_phone),
            "password": _Change(self._set_password, of_own=False),
        }

    @property
    def _accounts(self) -> StaffAccounts:
        return self._site.accounts

    def routes(self) -> Iterable[StaffRoute]:
        """The routes of these pages."""
        post = ("POST",)
        yield StaffRoute("/staff", "staff", _MANAGE, self.listing, in_navigation=True)
        yield StaffRoute("/staff/add", "staff_add", _MANAGE, self.add, post)
        yield StaffRoute("/staff/<name>", "staff_account", _MANAGE, self.account)
        yield StaffRoute("/staff/<name>/change", "staff_change", _MANAGE, self.change, post)

    def listing(self, status: int = 200, wrong: str = "") -> Response:
        """A page of the accounts that a search finds, and the form for another one."""
        searched = request.args.get("q", "").strip()[:_LONGEST_INPUT].lower()
        found = [
            account
            for account in self._accounts.all()
            if searched in f"{account.name} {account.role} {account.shop}".lower()
        ]
        index = forms.page_number()
        typed = {name: _field(name) for name in ("name", "role", "shop", "phone")}
        return self._site.page(
            "console/staff.html",
            status,
            wrong=wrong,
            accounts=found[(index - 1) * _ROWS : index * _ROWS],
            count=len(found),
            searched=searched,
            index=index,
            is_more=len(found) > index * _ROWS,
            roles=list(Role),
            rights={role: [right for right in Right if has_right(role, right)] for role in Role},
            typed=typed,
        )

    def add(self) -> Response | AnyResponse:
        """Add an account with a generated password, shown once and changed at the first sign-in."""
        by, name = self._person(), _field("name").strip().lower()
        role, password = _field("role"), self._password(by, name)
        if role not in set(Role):
            raise BadRequest("role")
        try:
            phone = _phone(_field("phone"))
            self._accounts.add(
                name, Role(role), password, by, shop=_field("shop"), phone=phone, must_change=True
            )
        except StaffRefusedError as refused:
            is_repeated = refused.key == "exists" and self._accounts.verified(name, password)
            if not is_repeated:
                return self.listing(400, _sentence(refused))
        session[_SHOWN_ONCE] = [name, password]
        return self._site.see_other("staff_account", name=name, done="add")

    def account(self, name: str, status: int = 200, wrong: str = "") -> Response:
        """One account with its buttons. Raises NotFound."""
        account = self._found(name)
        shown_for, password = session.pop(_SHOWN_ONCE, None) or ("", "")
        done = request.args.get("done", "")
        is_done = not wrong and (done == "add" or done in self._changes)
        return self._site.page(
            "console/staff_account.html",
            status,
            wrong=wrong,
            done=self._site.text(f"staff.done.{done}") if is_done else "",
            shown=account,
            is_own=account.name == signed_in().name,
            password=password if shown_for == account.name else "",
            rights=[right for right in Right if has_right(account.role, right)],
            moment=_moment,
        )

    def change(self, name: str) -> Response | AnyResponse:
        """Press a button of an account. Raises BadRequest or NotFound."""
        account, act = self._found(name), _field("act")
        change = self._changes.get(act)
        if change is None or (account.name == signed_in().name and not change.of_own):
            raise BadRequest("act")
        try:
            change.run(account, replace(self._person(), reason=_field("reason")))
        except StaffRefusedError as refused:
            return self.account(name, 400, _sentence(refused))
        return self._site.see_other("staff_account", name=account.name, done=act)

    def _set_phone(self, account: StaffAccount, by: Person) -> StaffAccount:
        return self._accounts.set_phone(account.name, _phone(_field("phone")), by)

    def _set_password(self, account: StaffAccount, by: Person) -> StaffAccount:
        password = self._password(by, account.name)
        changed = self._accounts.set_password(account.name, password, by, must_change=True)
        session[_SHOWN_ONCE] = [account.name, password]
        return changed

    def _found(self, name: str) -> StaffAccount:
        try:
            return self._accounts.found(name)
        except StaffRefusedError as refused:
            raise NotFound(name) from refused

    def _person(self) -> Person:
        """The signed-in person with the form's key. Raises BadRequest."""
        member, form = signed_in(), forms.sent_nonce()
        if form is None or not forms.is_own_nonce(form):
            raise BadRequest("once")
        return Person(member.name, member.shop, form=form)

    def _password(self, by: Person, name: str) -> str:
        """A password that follows from the form, so that a repeat shows the same one."""
        digest = self._site.sessions.digests.make("generated password", by.form, name)
        return generated_password(bytes.fromhex(digest))


def _field(name: str) -> str:
    return request.form.get(name, "")[:_LONGEST_INPUT]


def _phone(typed: str) -> Msisdn | None:
    """The typed number, None for an empty field. Raises StaffRefusedError."""
    if not typed.strip():
        return None
    number = parse_msisdn(typed)
    if number is None:
        raise StaffRefusedError("phone")
    return number


def _sentence(refused: StaffRefusedError) -> str:
    return refusals().render(refused.key, page_language(), **refused.params)


def _moment(at: dt.datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
