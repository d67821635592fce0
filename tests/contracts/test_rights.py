"""The rights of each role, as rights.txt and docs/console.md list them."""

from pathlib import Path

import pytest

from receipts.model.staff import Right, Role, StaffArea
from receipts.staff import rights
from receipts.staff.rights import counter_roles, has_right, may_enter, rights_table

TABLE = Path(__file__).with_name("rights.txt")
PAGE = Path(__file__).parents[2] / "docs" / "console.md"

#: Rights whose acts change the service, its customers or its staff.
CHANGING = {
    Right.SERVE_CUSTOMERS, Right.SUPERVISE_COUNTER, Right.SETTLE_RECEIPTS, Right.SWITCH_BREAKERS,
    Right.PROPOSE_RULE_BOOK, Right.APPROVE_RULE_BOOK, Right.MANAGE_STAFF,
}  # fmt: skip


def test_rights_are_those_of_the_table():
    now = rights_table()
    assert TABLE.read_text() == now, f"{TABLE.name}\n{now}"


def test_page_of_the_console_has_the_table():
    assert rights_table() in PAGE.read_text(), f"put this into {PAGE.name}:\n{rights_table()}"


def test_another_right_of_a_role_differs_from_the_table(monkeypatch: pytest.MonkeyPatch):
    more = rights.RIGHTS[Role.CLERK] | {Right.READ_AUDIT}
    monkeypatch.setitem(rights.RIGHTS, Role.CLERK, more)
    assert rights_table() != TABLE.read_text()


def test_auditor_changes_no_record_and_reads_what_the_console_shows():
    held = {right for right in Right if has_right(Role.AUDITOR, right)}
    assert not held & CHANGING
    assert held >= {right for right in Right if right.startswith(("view_", "read_"))}


def test_each_role_has_a_place_and_each_right_a_role():
    assert counter_roles() == {Role.CLERK, Role.SUPERVISOR}
    assert all(any(may_enter(role, area) for area in StaffArea) for role in Role)
    assert all(any(has_right(role, right) for role in Role) for right in Right)
    assert not may_enter(Role.CLERK, StaffArea.CONSOLE)
    assert not may_enter(Role.OPERATOR, StaffArea.COUNTER)
