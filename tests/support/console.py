"""Browser of a member of staff in the console or at the counter."""

import io
from dataclasses import dataclass

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.bootstrap import Container
from receipts.model.staff import Role, StaffAccount
from receipts.staff.accounts import Person, StaffAccounts
from receipts.staff.rights import counter_roles
from tests.conftest import PUBLIC_URL
from tests.support.browser import Form, Sight

PASSWORD = "four-long-words-of-the-tests"


def add_account(services: Container, name: str, role: Role = Role.OPERATOR) -> StaffAccount:
    """Add an account with the password of the tests."""
    accounts = StaffAccounts(services.clients.staff, services.clock)
    shop = "a shop" if role in counter_roles() else ""
    return accounts.add(name, role, PASSWORD, Person("the tests"), shop=shop)


class StaffSight(Sight):
    """A page for staff."""

    def form_to(self, ending: str, index: int = 0) -> Form:
        """Return a form whose address ends so."""
        found = [form for form in self.forms if form.action.endswith(f"/{ending}")]
        assert found, f"no form to {ending} on {self.text}"
        return found[index]


@dataclass
class StaffBrowser:
    """One browser of one person, with its own cookies."""

    client: FlaskClient
    name: str
    language: str = "en"
    area: str = "console"

    def signs_in(self) -> "StaffBrowser":
        form = self.goes("sign-in").form_to("enter")
        seen = self.sends(form, name=self.name, password=PASSWORD)
        assert "sign-in" not in seen.answer.request.path, seen.text
        return self

    def goes(self, path: str = "") -> StaffSight:
        return self._follow(self._ask("GET", f"/{self.area}/{path}"))

    def sends(self, form: Form, /, **typed: str | bytes) -> StaffSight:
        """Submit a form with typed values, of which bytes are a file; return the resulting page."""
        data = {
            key: (io.BytesIO(value), "rules.toml") if isinstance(value, bytes) else value
            for key, value in (form.fields | typed).items()
        }
        return self._follow(self._ask("POST", form.action, data=data))

    def _ask(self, method: str, path: str, **more: object) -> TestResponse:
        headers = {"Accept-Language": self.language}
        return self.client.open(path, method=method, base_url=PUBLIC_URL, headers=headers, **more)

    def _follow(self, answer: TestResponse) -> StaffSight:
        while answer.status_code in {302, 303, 308}:
            answer = self._ask("GET", answer.location)
        return StaffSight(answer)
