"""Staff of the checks in Chromium: their accounts, their sign-in, and records for their pages."""

from pathlib import Path

from selenium.webdriver.common.by import By

from app.bootstrap import Container
from app.rulebook.proposals import book_proposals
from receipts.model.counter import BatchAct
from receipts.model.rule_books import ProposalKind
from receipts.model.staff import Role, StaffMember
from receipts.model.vocabulary import Language, Msisdn
from receipts.staff.accounts import Person, StaffAccounts
from receipts.staff.counter.acts import OPEN_BY_FORM, CounterAct
from receipts.staff.counter.batches import Batches
from receipts.staff.counter.listed_acts import ListedActs
from receipts.staff.counter.owner_texts import OwnerTexts
from receipts.staff.counter.visits import Clerk
from tests.conftest import GUANGDONG, JILIN
from tests.journeys.browser.conftest import Page
from tests.support.counter import Counter
from tests.support.product import Service

#: Who signs in to an area of the staff: the role that may see each of its pages.
STAFF = {"counter": Role.SUPERVISOR, "console": Role.OPERATOR}
#: A number that no other check in Chromium uses.
COUNTER_CUSTOMER = "+8613802880077"

PASSWORD, SHOP = "a-long-password-of-the-tests", "天河营业厅"


def staff_account(service: Service, area: str, end: str = "checks") -> str:
    """An account of this area with a password of its own."""
    name = f"{area}-{end}"
    with service.container() as services:
        accounts = StaffAccounts(services.clients.staff, services.clock)
        accounts.add(name, STAFF[area], PASSWORD, Person(name), shop=SHOP)
    return name


def sign_in(page: Page, origin: str, area: str, name: str) -> None:
    page.browser.get(f"{origin}/{area}/sign-in")
    for field, typed in {"name": name, "password": PASSWORD, "shop": SHOP}.items():
        for box in page.browser.find_elements(By.NAME, field):
            box.clear()
            box.send_keys(typed)
    page.follows("main button")


def open_records(page: Page, area: str, customer: str, folder: Path) -> str:
    """Reach the page of one record by its form; the address of it."""
    origin = page.browser.current_url.partition(f"/{area}/")[0]
    if area == "console":
        page.browser.get(f"{origin}/console/customer")
        page.find("#number").send_keys(customer)
    else:
        numbers = folder / "numbers.csv"
        numbers.write_text(f"number\n{customer}\n")
        page.browser.get(f"{origin}/counter/bulk")
        page.find("#file").send_keys(str(numbers))
        page.find("#reason").send_keys("checks")
    page.follows("main form button.main")
    return page.browser.current_url.removeprefix(origin)


def prepare(service: Service) -> None:
    """Records that pages of staff link to."""
    with service.container() as services:
        a_proposal(services)
        a_batch(services)
        an_act(services)


def a_proposal(services: Container) -> None:
    """Propose a rule book."""
    proposals, member = book_proposals(services), StaffMember("proposer", Role.OPERATOR)
    dearer = proposals.current().text.replace(b'version = "invented-1"', b'version = "checks"')
    kind = ProposalKind.UPLOAD
    proposals.propose(dearer, "checks.toml", kind, member, "checks", "nonce-of-checks")


def a_batch(services: Container) -> None:
    """Propose a change for two numbers."""
    texts = OwnerTexts(services.store, services.policy, services.lifecycle)
    batches = Batches(services.clients.batches, ListedActs(texts, services.clock), services.clock)
    member = StaffMember("proposer", Role.CLERK, SHOP)
    numbers = (Msisdn(GUANGDONG), Msisdn(JILIN))
    batches.propose(BatchAct.CANCEL, numbers, member, "checks", "nonce-of-checks")


def an_act(services: Container) -> str:
    """Serve a customer at the counter; the serial number of a request to be signed."""
    counter = Counter(services)
    counter.knows(COUNTER_CUSTOMER)
    clerk = Clerk(StaffMember("li", Role.CLERK, SHOP), "session")
    visit = counter.visit(COUNTER_CUSTOMER, clerk)
    form = CounterAct(visit.id, OPEN_BY_FORM, "", counter.nonce(), Language.ZH)
    return counter.acts.run(visit, form).next
