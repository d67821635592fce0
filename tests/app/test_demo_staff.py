"""The accounts of staff that a demo makes and prints."""

from pathlib import Path

import pytest

from app.bootstrap import Container
from app.demo.staff_accounts import PASSWORD_SETTINGS, make_accounts
from commands.demo import settings_for
from receipts.model.staff import Role
from receipts.staff import accounts
from receipts.staff.accounts import Person
from receipts.staff.generated_password import generated_password
from tests.support.staff import FAST, staff_accounts


@pytest.fixture(autouse=True)
def _fast_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "PasswordHasher", lambda: FAST)


def test_clerk_and_operator_are_made_once(built: Container, tmp_path: Path):
    environ = settings_for({"DATA_DIR": str(tmp_path)}, 7500)
    first = list(make_accounts(built, environ))
    again = list(make_accounts(built, settings_for({"DATA_DIR": str(tmp_path)}, 7500)))
    assert first == again
    assert [(each.name, each.shop) for each in first] == [("clerk", "Tianhe"), ("operator", "")]
    assert [each.role for each in staff_accounts(built).all()] == [Role.CLERK, Role.OPERATOR]
    for each in first:
        found = staff_accounts(built).verified(each.name, each.password)
        assert found is not None
        assert not found.must_change


def test_password_that_was_changed_is_not_printed(built: Container, tmp_path: Path):
    environ = settings_for({"DATA_DIR": str(tmp_path)}, 7500)
    list(make_accounts(built, environ))
    staff_accounts(built).set_password("clerk", "another-long-phrase", Person("clerk"))
    clerk, operator = make_accounts(built, environ)
    assert (clerk.password, clerk.shop) == ("", "Tianhe")
    assert operator.password == environ[PASSWORD_SETTINGS[Role.OPERATOR]]


def test_generated_passwords_differ_and_are_long_enough():
    made = {generated_password() for _ in range(100)}
    assert len(made) == 100
    assert min(map(len, made)) >= accounts.MIN_PASSWORD_CHARS
    assert not set("".join(made)) & set("il1o0")
