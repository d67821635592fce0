"""The counter with browsers of its clerks."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from app.bootstrap import Container
from app.settings import Settings
from receipts.model.staff import Role, StaffArea
from receipts.staff.accounts import Person, StaffAccounts
from tests.support.browser import KEY
from tests.support.counter import Counter
from tests.support.counter_pages import CounterBrowser
from tests.support.staff import PASSWORD

Clerks = Callable[..., CounterBrowser]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings that open the counter."""
    return replace(settings, secret_key=KEY)


@pytest.fixture
def clerk(app: Flask, built: Container) -> Clerks:
    """Factory of signed-in browsers, each of an account of its own."""
    accounts = StaffAccounts(built.clients.staff, built.clock)

    def browser(name: str = "li", shop: str = "天河店", language: str = "en") -> CounterBrowser:
        accounts.add(name, Role.CLERK, PASSWORD, Person(name), shop=shop)
        made = CounterBrowser(app.test_client(), StaffArea.COUNTER, name, language, shop=shop)
        made.signs_in_at_shop()
        return made

    return browser


@pytest.fixture
def customer(built: Container) -> Counter:
    """A customer in Guangdong of a known identity number and service password."""
    made = Counter(built)
    made.knows()
    return made
