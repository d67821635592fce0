from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from app.bootstrap import Container
from app.settings import Settings
from receipts.model.staff import Role, StaffArea
from receipts.staff import accounts
from tests.support.browser import KEY
from tests.support.staff import FAST, StaffBrowser, add_staff


@pytest.fixture(autouse=True)
def _fast_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "PasswordHasher", lambda: FAST)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings that open the pages."""
    return replace(settings, secret_key=KEY)


Sitting = Callable[..., StaffBrowser]


@pytest.fixture
def sits(app: Flask, built: Container) -> Sitting:
    """A signed-in browser of a new account with a role, at the console by default."""

    def sit(role: Role, area: StaffArea = StaffArea.CONSOLE, name: str = "") -> StaffBrowser:
        name = name or f"{role}-1"
        add_staff(built, name, role)
        browser = StaffBrowser(app.test_client(), area, name)
        browser.signs_in()
        assert browser.seen.status == 200, browser.seen.text
        return browser

    return sit
