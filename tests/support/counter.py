"""A counter without pages: visits and acts of one clerk, and a customer of a known password."""

from dataclasses import dataclass

from msgspec.structs import replace
from werkzeug.security import generate_password_hash

from app.bootstrap import Container
from app.pages.counter_services import counter_acts, counter_visits
from receipts.model.charge import AuditEntry
from receipts.model.counter import CounterVisit, IdentityMode
from receipts.model.customer import CustomerCredentials
from receipts.model.staff import Role, StaffMember
from receipts.model.vocabulary import Language, Msisdn
from receipts.ports.changes import ChangeSet, Reply
from receipts.staff.counter.acts import CounterAct
from receipts.staff.counter.identity import ResidentId
from receipts.staff.counter.visits import Clerk
from tests.conftest import GUANGDONG

OWNER_ID, AGENT_ID = ResidentId("11010519491231002X"), ResidentId("440524188001010014")
PASSWORD = "246813"
QUICK = "scrypt:1024:8:1"

LI = Clerk(StaffMember("li", Role.CLERK, "天河店"), "session 1")


@dataclass
class Counter:
    """A counter with one customer of a known password."""

    built: Container

    def __post_init__(self) -> None:
        self.visits, self.acts = counter_visits(self.built), counter_acts(self.built)
        self._count = 0

    def knows(
        self, number: str = GUANGDONG, owner_id: str = OWNER_ID, password: str = PASSWORD
    ) -> None:
        """Put the digests of the operator's list into the store."""
        known = CustomerCredentials(
            Msisdn(number),
            1,
            id_digest=generate_password_hash(owner_id, QUICK) if owner_id else "",
            password_digest=generate_password_hash(password, QUICK) if password else "",
        )
        self.put(known)

    def put_without_card(self, number: str = GUANGDONG) -> None:
        """Take the identity number off the record."""
        known = self.built.store.load(Msisdn(number), credentials=True).credentials
        assert known is not None
        self.put(replace(known, version=known.version + 1, id_digest=""))

    def put(self, known: CustomerCredentials) -> None:
        self.built.store.commit(ChangeSet(known.number, records=(known,)))

    def visit(
        self, number: str = GUANGDONG, clerk: Clerk = LI, agent: ResidentId | None = None
    ) -> CounterVisit:
        """An identified visit."""
        visit = self.visits.start(Msisdn(number), clerk)
        mode = IdentityMode.AGENT if agent else IdentityMode.OWNER
        self.visits.check_ids(visit, mode, OWNER_ID, agent)
        self.visits.enter_password(self.again(visit, clerk), PASSWORD, self.nonce())
        return self.again(visit, clerk)

    def again(self, visit: CounterVisit, clerk: Clerk = LI) -> CounterVisit:
        return self.visits.find(visit.id, clerk)

    def nonce(self) -> str:
        self._count += 1
        return f"nonce{self._count:011}"

    def act(
        self, visit: CounterVisit, act: str, argument: str = "", nonce: str | None = None
    ) -> Reply:
        form = CounterAct(visit.id, act, argument, nonce or self.nonce(), Language.ZH)
        return self.acts.run(visit, form)

    def audit(self, number: str = GUANGDONG) -> list[AuditEntry]:
        """The customer's entries, oldest first."""
        return self.built.clients.bulk_reader.consent(Msisdn(number))
