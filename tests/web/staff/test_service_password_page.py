"""The page of a visit on which the owner sets a service password."""

import pytest

from app.bootstrap import Container
from receipts.model.counter import CounterVisit, IdentityMode
from receipts.model.staff import Role, StaffArea, StaffMember
from receipts.model.vocabulary import Msisdn
from receipts.staff.counter.identity import check_digit
from receipts.staff.counter.visits import Clerk
from tests.conftest import GUANGDONG, PUBLIC_URL
from tests.support.browser import Sight
from tests.support.counter import OWNER_ID, Counter
from tests.support.staff import SHOP, StaffBrowser
from tests.web.staff.conftest import Sitting

NEW, OTHER_ID = "730529", f"11010519800101001{check_digit('11010519800101001')}"


@pytest.fixture
def browser(sits: Sitting) -> StaffBrowser:
    return sits(Role.CLERK, StaffArea.COUNTER)


@pytest.fixture
def visit(browser: StaffBrowser, built: Container) -> CounterVisit:
    """A visit of this browser whose cards were seen, and whose owner keyed no password."""
    with browser.client.session_transaction("/counter/", base_url=PUBLIC_URL) as session:
        clerk = Clerk(StaffMember(browser.name, Role.CLERK, SHOP), session["visit"])
    counter = Counter(built)
    counter.knows()
    begun = counter.visits.start(Msisdn(GUANGDONG), clerk)
    counter.visits.check_ids(begun, IdentityMode.OWNER, OWNER_ID, None)
    return begun


def choose(browser: StaffBrowser, visit: CounterVisit, **typed: str) -> Sight:
    browser.goes(f"visit/{visit.id}/password")
    fields = {"owner_id": OWNER_ID, "new": NEW, "again": NEW} | typed
    return browser.presses(f"{visit.id}/password", **fields)


def test_owner_keys_a_new_password_and_gets_a_form(browser: StaffBrowser, visit: CounterVisit):
    seen = choose(browser, visit)
    assert (seen.status, "已生效" in seen.text, "/counter/form/" in seen.html) == (200, True, True)


def test_reset_shows_no_password(browser: StaffBrowser, visit: CounterVisit):
    browser.goes(f"visit/{visit.id}/password")
    seen = browser.presses(f"{visit.id}/reset", owner_id=OWNER_ID)
    assert "初始密码已发往该号码" in seen.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"again": "730528"}, "不一致"),
        ({"new": "123456", "again": "123456"}, "连续"),
        ({"new": "491231", "again": "491231"}, "身份证"),
        ({"owner_id": OTHER_ID}, "未能核实"),
        ({"owner_id": "123"}, "18位"),
    ],
)
def test_refusal_is_told_and_changes_nothing(
    browser: StaffBrowser, visit: CounterVisit, built: Container, typed: dict[str, str], said: str
):
    seen = choose(browser, visit, **typed)
    assert (seen.status, said in seen.told[0]) == (400, True)
    assert built.clients.bulk_reader.consent(Msisdn(GUANGDONG)) == []
