"""The console with browsers of its staff."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from app.bootstrap import Container
from app.settings import Settings
from receipts.model.staff import Role
from tests.support.browser import KEY
from tests.support.console import StaffBrowser, add_account

Staff = Callable[..., StaffBrowser]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings that open the console."""
    return replace(settings, secret_key=KEY)


@pytest.fixture
def staff(app: Flask, built: Container) -> Staff:
    """Factory of signed-in browsers, each of an account of its own."""

    def browser(name: str, role: Role = Role.OPERATOR, language: str = "en") -> StaffBrowser:
        add_account(built, name, role)
        return StaffBrowser(app.test_client(), name, language).signs_in()

    return browser
