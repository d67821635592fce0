"""Customers of a demo: known to its counter by identity card and service password."""

import datetime as dt
import re
from pathlib import Path

import pytest

from app.bootstrap import Container
from app.demo.customers import CUSTOMERS, DemoCustomer, make_customers
from receipts.model.vocabulary import Channel
from receipts.ports.changes import ChangeSet
from receipts.staff.counter.identity import is_same_id, parse_resident_id
from receipts.subscriptions.passwords.digests import matches
from receipts.subscriptions.passwords.rules import weakness

PAGE = Path(__file__).parents[2] / "docs" / "counter.md"


@pytest.mark.parametrize("customer", CUSTOMERS)
def test_card_is_of_no_person_and_password_meets_the_rules(
    built: Container, customer: DemoCustomer
):
    today = dt.date(2026, 11, 22)
    read = parse_resident_id(customer.identity_number, today, test_ids=True)
    assert read == customer.identity_number
    assert customer.identity_number.startswith("0")
    assert weakness(customer.password, customer.number, customer.identity_number) is None
    record = built.store.load(customer.number).subscription
    assert Channel.COUNTER in built.policy.channels(record)


def test_customers_are_recorded_once_and_keep_what_changed_since(built: Container):
    make_customers(built)
    number = CUSTOMERS[0].number
    first = built.store.load(number, credentials=True).credentials
    assert first is not None
    assert matches(CUSTOMERS[0].password, first.password_digest)
    assert is_same_id(CUSTOMERS[0].identity_number, first.id_digest)
    built.store.commit(ChangeSet(number))
    make_customers(built)
    assert built.store.load(number, credentials=True).credentials == first


def test_page_of_the_counter_lists_them():
    rows = re.findall(r"\| (1[0-9]{10}) \| ([0-9X]{18}) \| ([0-9]{6}) \|", PAGE.read_text())
    assert rows == [(c.number.national, c.identity_number, c.password) for c in CUSTOMERS]
