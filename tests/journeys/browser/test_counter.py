"""A whole visit to the counter of the demo, as its clerk sees it."""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pytest
from selenium import webdriver

from app.demo.customers import CUSTOMERS, DemoCustomer, make_customers
from app.demo.settings_file import read_saved
from app.demo.staff_accounts import PASSWORD_SETTINGS
from receipts.model.staff import Role
from receipts.model.vocabulary import Msisdn
from tests.journeys.browser.conftest import Page
from tests.journeys.browser.page_checks import VIEWS, PageChecks
from tests.support.chromium import set_screen
from tests.support.product import Service

pytestmark = pytest.mark.browser

ON = {"zh": "使用中", "en": "On"}
#: Customers of the demo's kind whose numbers no other check in Chromium uses.
SCRIPTED, SCRIPTLESS = (
    replace(CUSTOMERS[0], number=Msisdn(f"+86138028800{end}")) for end in ("78", "79")
)


@dataclass
class Visit:
    """A visit at the counter; ``checks`` looks at its pages, without scripts at none."""

    page: Page
    language: str
    checks: PageChecks | None = None
    taken: int = 0

    def goes(self, selector: str, **typed: str) -> None:
        """Fill in fields by id, follow a button or a link, and look at the next page."""
        for name, value in typed.items():
            self.page.find(f"#{name}").send_keys(value)
        self.page.follows(selector)
        if self.checks:
            self.looks(self.checks)

    def looks(self, checks: PageChecks) -> None:
        where = f"{urlsplit(self.page.browser.current_url).path} {self.language}"
        checks.check_here(where)
        checks.check_traffic(where)
        self.taken += 1
        for width, scheme in VIEWS[self.language]:
            checks.show(width, scheme)
            name = f"counter-{self.taken:02}-{self.language}-{width}-{scheme}"
            self.page.keep(name, whole=True)

    @property
    def state(self) -> str:
        return self.page.find('[data-role="state"]').text

    def identifies(self, customer: DemoCustomer) -> None:
        self.goes("main button.main", number=customer.number.national)
        self.page.find('[name="mode"][value="owner"]').click()
        self.goes("main button.main", owner=customer.identity_number)
        self.goes("main button.main", service_password=customer.password)

    def subscribes(self) -> None:
        """Subscribe by the signed form."""
        self.goes('[data-role="open"]')
        self.goes('[data-act="open_by_form"]')
        self.goes('[data-role="print"]')
        self.page.browser.back()
        self.goes('[data-act="signed"]')
        assert self.state == ON[self.language]

    def serves(self, customer: DemoCustomer) -> None:
        """Look up, switch, cancel, and reset the password."""
        for act in ("ordinary", "flash", "ask"):
            self.goes(f'[data-act="{act}"]')
        for act in ("receipts", "charges", "list_all"):
            self.goes(f'[data-act="{act}"]')
            self.page.follows('main .does a[href*="/visit/"]:last-of-type')
        self.goes('[data-role="cancel"]')
        self.goes('[data-act="cancel"]')
        assert self.state != ON[self.language]
        self.goes('[data-role="new-password"]')
        self.goes('form[action$="/reset"] button', reset_id=customer.identity_number)
        self.page.follows('main a[href*="/visit/"]')
        self.page.follows('[data-role="end"]')
        assert self.page.find("#number").is_displayed()


def signs_in(page: Page, service: Service) -> None:
    """Sign in as the demo prints it."""
    page.browser.get(f"{service.doors}/counter/sign-in")
    password = read_saved(service.folder / "demo.env")[PASSWORD_SETTINGS[Role.CLERK]]
    for field, typed in {"name": "clerk", "password": password, "shop": "Tianhe"}.items():
        page.find(f"#{field}").send_keys(typed)
    page.follows("main button")


@pytest.mark.parametrize(("language", "customer"), [("zh", CUSTOMERS[2]), ("en", SCRIPTED)])
def test_pages_of_a_visit(
    page: Page, checks: PageChecks, service: Service, language: str, customer: DemoCustomer
) -> None:
    with service.container() as services:
        make_customers(services, [customer])
    checks.speak(language)
    checks.check("/counter/sign-in")
    signs_in(page, service)
    visit = Visit(page, language, checks)
    visit.looks(checks)
    visit.identifies(customer)
    visit.subscribes()
    visit.serves(customer)
    assert not checks.report(), checks.report()


@pytest.mark.usefixtures("scriptless")
def test_visit_on_a_phone_without_scripts(
    page: Page, checks: PageChecks, service: Service, chromium: webdriver.Chrome
) -> None:
    with service.container() as services:
        make_customers(services, [SCRIPTLESS])
    checks.speak("en")
    set_screen(chromium, 390, 844, phone=True)
    signs_in(page, service)
    visit = Visit(page, "en")
    visit.identifies(SCRIPTLESS)
    visit.subscribes()
    visit.serves(SCRIPTLESS)
