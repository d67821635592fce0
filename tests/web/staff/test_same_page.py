"""The language switch returns to its page, and to no address outside the area."""

import pytest

from receipts.model.staff import Role
from tests.web.staff.conftest import Sitting


@pytest.mark.parametrize("path", ["audit", "staff", "audit?page=2", "rulebook/messages", ""])
def test_switch_stays_on_the_page(sits: Sitting, path: str):
    browser = sits(Role.OPERATOR)
    browser.goes(path)
    seen = browser.presses("/language")
    request = seen.answer.request
    assert (seen.status, request.full_path.rstrip("?")) == (200, f"/console/{path}")
    assert '<html lang="en">' in seen.html


def test_switch_after_a_refused_form_leads_to_the_page_of_the_form(sits: Sitting):
    browser = sits(Role.OPERATOR)
    browser.goes("password")
    assert browser.presses("/password", password="wrong", new="x", again="y").status == 400
    seen = browser.presses("/language")
    assert (seen.status, seen.answer.request.path) == (200, "/console/password")


@pytest.mark.parametrize(
    ("page", "leads_to"),
    [
        ("/console/customer/of/search", "/console/customer/of"),
        ("/console/staff/add", "/console/staff"),
        ("/console/no-page", "/console/"),
        ("/console/sign-out", "/console/"),
        ("/console/look/base.css", "/console/"),
        ("/counter/supervise", "/console/"),
        ("https://example.org/console/audit", "/console/"),
        ("//example.org/console/audit", "/console/"),
        ("/console//example.org", "/console/"),
        ("/console/../hall/", "/console/"),
        ("/console/audit?a=\r\nSet-Cookie: b", "/console/audit?a=%0D%0ASet-Cookie%3A+b"),
        ("/console/audit\r\nx", "/console/"),
        ("/console/" + "a/" * 2000, "/console/"),
        ("\x00", "/console/"),
        ("", "/console/"),
    ],
)
def test_address_of_no_page_leads_to_the_nearest_above_or_the_start(
    sits: Sitting, page: str, leads_to: str
):
    browser = sits(Role.OPERATOR)
    typed = browser.form("/language").fields | {"page": page}
    answer = browser.ask("POST", "/console/language", data=typed)
    assert (answer.status_code, answer.location) == (303, leads_to)
