"""The console's pages of accounts: add, disable, new password, sign out everywhere."""

import re

import pytest
from flask import Flask

from app.bootstrap import Container
from receipts.model.staff import Role, StaffArea
from receipts.staff.accounts import Person
from tests.conftest import GUANGDONG
from tests.support.staff import PASSWORD, StaffBrowser, add_staff, staff_accounts, staff_acts
from tests.web.staff.conftest import Sitting

SECRET = re.compile(r'class="secret">([^<]+)<')


@pytest.fixture
def operator(sits: Sitting) -> StaffBrowser:
    browser = sits(Role.OPERATOR)
    browser.goes("staff")
    return browser


def add(operator: StaffBrowser, **typed: str) -> str:
    """Add an account; its password as the page shows it."""
    fields = {"name": "bo.wu", "role": "clerk", "shop": "Tianhe 12", "phone": ""} | typed
    seen = operator.presses("/staff/add", **fields)
    assert seen.status == 200, seen.text
    found = SECRET.search(seen.html)
    assert found
    return found[1]


def test_added_clerk_signs_in_with_the_password_shown_once(
    app: Flask, operator: StaffBrowser, built: Container
):
    password = add(operator, phone="138 0288 0000")
    assert password not in operator.goes("staff/bo.wu").html
    account = staff_accounts(built).found("bo.wu")
    assert (account.role, account.shop, account.phone) == (Role.CLERK, "Tianhe 12", GUANGDONG)
    clerk = StaffBrowser(app.test_client(), StaffArea.COUNTER, "bo.wu")
    assert "请先修改密码" in clerk.signs_in(password=password).text
    act = staff_acts(built)[-2]
    assert (act.clerk, act.act, act.subject) == ("operator-1", "staff_added", "bo.wu")


def test_form_that_is_sent_twice_adds_one_account_and_shows_its_password(
    app: Flask, operator: StaffBrowser, built: Container
):
    form = operator.form("/staff/add")
    typed = {"name": "bo.wu", "role": "auditor", "shop": "", "phone": ""}
    shown = {SECRET.findall(operator.sends(form, **typed).html)[0] for _ in range(2)}
    assert len(shown) == 1
    assert [act.act for act in staff_acts(built)].count("staff_added") == 2  # and the operator's
    auditor = StaffBrowser(app.test_client(), StaffArea.CONSOLE, "bo.wu")
    assert auditor.signs_in(password=shown.pop()).status == 200


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": "x"}, "不可用"),
        ({"name": "operator-1", "role": "auditor"}, "已存在"),
        ({"shop": ""}, "营业厅名称"),
        ({"phone": "10086"}, "手机号码"),
        ({"phone": "<script>"}, "手机号码"),
    ],
)
def test_refusal_keeps_the_typed_fields(
    operator: StaffBrowser, built: Container, typed: dict[str, str], said: str
):
    fields = {"name": "bo.wu", "role": "clerk", "shop": "Tianhe 12", "phone": ""} | typed
    seen = operator.presses("/staff/add", **fields)
    assert (seen.status, said in seen.told[0]) == (400, True)
    assert f'value="{fields["shop"]}"' in seen.html or not fields["shop"]
    assert "<script>" not in seen.html
    assert [account.name for account in staff_accounts(built).all()] == ["operator-1"]


def test_unknown_role_act_name_and_nonce_are_refused(operator: StaffBrowser, built: Container):
    form = operator.form("/staff/add")
    typed = {"name": "bo.wu", "shop": "x", "phone": ""}
    assert operator.sends(form, **typed, role="manager").status == 400
    assert operator.sends(form, **typed, role="auditor", once="x" * 32).status == 400
    assert operator.goes("staff/no.such").status == 404
    assert operator.goes("staff/operator-1").status == 200
    change = operator.form("/change")
    assert operator.sends(change, act="promote").status == 400
    assert len(staff_accounts(built).all()) == 1


def test_disabled_account_is_out_at_once_and_comes_back(
    sits: Sitting, operator: StaffBrowser, built: Container
):
    auditor = sits(Role.AUDITOR)
    operator.goes("staff/auditor-1")
    change = operator.form("/change")
    seen = operator.sends(change, act="disable", reason="left the company")
    assert seen.told == ["账号已停用。"]
    assert not auditor.is_signed_in
    last = staff_acts(built)[-1]
    assert (last.act, last.reason) == ("staff_disabled", "left the company")
    assert operator.sends(operator.form("/change"), act="enable").told == ["账号已恢复。"]
    assert not auditor.is_signed_in
    auditor.signs_in()
    assert auditor.is_signed_in


def test_sign_out_everywhere_and_new_password(sits: Sitting, operator: StaffBrowser):
    auditor = sits(Role.AUDITOR)
    operator.goes("staff/auditor-1")
    operator.sends(operator.form("/change"), act="sign_out")
    assert not auditor.is_signed_in
    auditor.signs_in()
    operator.goes("staff/auditor-1")
    seen = operator.sends(operator.form("/change"), act="password", reason="forgotten")
    password = SECRET.findall(seen.html)[0]
    assert not auditor.is_signed_in
    assert auditor.signs_in(password=PASSWORD).status == 400
    assert "请先修改密码" in auditor.signs_in(password=password).text


def test_own_account_and_last_operator_stay(
    sits: Sitting, operator: StaffBrowser, built: Container
):
    operator.goes("staff/operator-1")
    assert operator.sends(operator.form("/change"), act="disable").status == 400
    operator.goes("staff/operator-1")
    assert operator.sends(operator.form("/change"), act="password").status == 400
    other = sits(Role.OPERATOR, name="operator-2")
    other.goes("staff/operator-1")
    change = other.form("/change")
    staff_accounts(built).disable("operator-2", Person("command:test"))
    assert other.sends(change, act="disable").status == 200  # to the sign-in
    assert [a.disabled_at is None for a in staff_accounts(built).all()] == [True, False]


def test_phone_is_set_and_removed(operator: StaffBrowser, built: Container):
    add_staff(built, "bo.wu", Role.AUDITOR)
    operator.goes("staff/bo.wu")
    seen = operator.presses("/change", phone="13802880000")
    assert "138" in seen.text
    assert "13802880000" not in seen.html
    assert operator.presses("/change", phone="12345").status == 400
    assert staff_accounts(built).found("bo.wu").phone == GUANGDONG
    operator.goes("staff/bo.wu")
    operator.presses("/change", phone="")
    assert staff_accounts(built).found("bo.wu").phone is None


def test_list_is_searched_and_has_pages(operator: StaffBrowser, built: Container):
    for n in range(60):
        add_staff(built, f"clerk-{n:02}", Role.CLERK)
    seen = operator.goes("staff")
    assert "共61个账号" in seen.text
    assert len(re.findall(r'href="/console/staff/[^"]+"', seen.html)) == 50
    assert len(re.findall(r'href="/console/staff/[^"]+"', operator.goes("staff?page=2").html)) == 11
    assert "共1个账号" in operator.goes("staff?q=CLERK-07").text
    assert "没有符合条件的账号" in operator.goes("staff?q=%3Cb%3E").text
    for odd in ("page=0", "page=x", "page=99999", "q=" + "x" * 5000):
        assert operator.goes(f"staff?{odd}").status == 200


def test_no_page_shows_a_digest(operator: StaffBrowser, built: Container):
    add_staff(built, "bo.wu", Role.CLERK)
    for path in ("staff", "staff/bo.wu"):
        html = operator.goes(path).html
        assert "argon2" not in html
        assert staff_accounts(built).found("bo.wu").password_digest not in html
