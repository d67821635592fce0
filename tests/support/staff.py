"""Staff in a browser: signs in to the counter or the console and sends its forms."""

import io
import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from argon2 import PasswordHasher
from flask.testing import FlaskClient
from werkzeug.test import Cookie, TestResponse

from app.bootstrap import Container
from receipts.model.staff import Role, StaffAccount, StaffAct, StaffArea
from receipts.model.vocabulary import Msisdn
from receipts.staff.accounts import Person, StaffAccounts
from receipts.staff.rights import counter_roles
from tests.conftest import PUBLIC_URL
from tests.support.browser import Form, Sight

PASSWORD = "a-long-enough-phrase"
SHOP = "Tianhe 12"

#: Digests of the same form as the service's, which cost less time.
FAST = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def staff_accounts(built: Container) -> StaffAccounts:
    return StaffAccounts(built.clients.staff, built.clock, FAST)


def add_staff(
    built: Container, name: str, role: Role, phone: str | None = None, **more: bool
) -> StaffAccount:
    """An account with PASSWORD; a clerk and a supervisor serve SHOP."""
    shop = SHOP if role in counter_roles() else ""
    number = Msisdn(phone) if phone else None
    by = Person("command:test")
    return staff_accounts(built).add(name, role, PASSWORD, by, shop=shop, phone=number, **more)


def staff_acts(built: Container) -> list[StaffAct]:
    """The acts of staff of this month, oldest first."""
    month = built.clock.now().astimezone().strftime("%Y-%m")
    return [act for batch in built.clients.staff.acts(month) for act in batch][::-1]


class StaffSight(Sight):
    """A page for staff."""

    def form_to(self, ending: str, index: int = 0) -> Form:
        """Return a form whose address ends so."""
        found = [form for form in self.forms if form.action.endswith(f"/{ending}")]
        assert found, f"no form to {ending} on {self.text}"
        return found[index]


@dataclass
class StaffBrowser:
    """A browser of a member of staff, with its own cookies."""

    client: FlaskClient
    area: StaffArea
    name: str = ""
    language: str = "zh-CN,zh;q=0.9"
    address: str = "192.0.2.1"
    seen: StaffSight = field(init=False)

    def goes(self, path: str = "") -> StaffSight:
        return self._follow(self.ask("GET", f"/{self.area}/{path}"))

    def sends(self, form: Form, /, **typed: str | bytes) -> StaffSight:
        """Submit a form with typed values, of which bytes are a file; return the resulting page."""
        data = {
            key: (io.BytesIO(value), "rules.toml") if isinstance(value, bytes) else value
            for key, value in (form.fields | typed).items()
        }
        return self._follow(self.ask("POST", form.action, data=data))

    def form(self, action: str) -> Form:
        """The form of the seen page whose address ends like this."""
        return next(form for form in self.seen.forms if form.action.endswith(action))

    def presses(self, action: str, **typed: str) -> StaffSight:
        return self.sends(self.form(action), **typed)

    def signs_in(
        self, name: str = "", password: str = PASSWORD, shop: str | None = None
    ) -> StaffSight:
        self.goes("sign-in")
        typed = {"name": name or self.name, "password": password}
        if self.area is StaffArea.COUNTER:
            typed["shop"] = SHOP if shop is None else shop
        return self.presses("/enter", **typed)

    def again(self) -> Self:
        """The browser, signed in once more."""
        assert self.signs_in().status == 200
        return self

    @property
    def is_signed_in(self) -> bool:
        """Whether the start page is shown, not the sign-in."""
        return 'data-role="sign-out"' in self.goes().html

    @property
    def cookie(self) -> Cookie:
        found = self.client.get_cookie(self.area, urlsplit(PUBLIC_URL).netloc, f"/{self.area}")
        assert found is not None
        return found

    def token(self) -> dict[str, str]:
        """The hidden fields of a form of this browser."""
        html = self.ask("GET", f"/{self.area}/", follow_redirects=True).get_data(as_text=True)
        names = ("csrf_token", "once")
        found = {name: re.search(rf'name="{name}" value="([^"]+)"', html) for name in names}
        return {name: match[1] for name, match in found.items() if match}

    def ask(self, method: str, path: str, **more: object) -> TestResponse:
        headers = {"Accept-Language": self.language}
        environ = {"REMOTE_ADDR": self.address}
        return self.client.open(
            path,
            method=method,
            base_url=PUBLIC_URL,
            headers=headers,
            environ_overrides=environ,
            **more,
        )

    def _follow(self, answer: TestResponse) -> StaffSight:
        while answer.status_code in {302, 303, 308}:
            parts = urlsplit(answer.location)
            answer = self.ask("GET", f"{parts.path}{'?' if parts.query else ''}{parts.query}")
        self.seen = StaffSight(answer)
        return self.seen
