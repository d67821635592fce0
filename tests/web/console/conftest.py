"""The console with browsers of its staff."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from app.bootstrap import Container
from app.settings import Settings
from receipts.model.staff import Role, StaffArea
from tests.support.browser import KEY
from tests.support.staff import StaffBrowser, add_staff

Staff = Callable[..., StaffBrowser]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings that open the console."""
    return replace(settings, secret_key=KEY)


@pytest.fixture
def staff(app: Flask, built: Container) -> Staff:
    """Factory of signed-in browsers, each of an account of its own."""

    def browser(name: str, role: Role = Role.OPERATOR, language: str = "en") -> StaffBrowser:
        add_staff(built, name, role)
        made = StaffBrowser(app.test_client(), StaffArea.CONSOLE, name, language)
        assert made.signs_in().status == 200
        return made

    return browser
