"""Customers of a demo with an identity card and a service password, for its counter.

The identity numbers are of area 0, which no person has.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from app.bootstrap import Container
from receipts.delivery.service_passwords import digest_of_password
from receipts.model.customer import CustomerCredentials
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet
from receipts.staff.counter.identity import ResidentId, slow_digest


@dataclass(frozen=True, slots=True)
class DemoCustomer:
    """A number with what its owner shows and knows."""

    number: Msisdn
    identity_number: ResidentId
    password: str


CUSTOMERS = (
    DemoCustomer(Msisdn("+8613802880000"), ResidentId("000000199003071017"), "294058"),
    DemoCustomer(Msisdn("+8613957112345"), ResidentId("000000198511122023"), "615027"),
    DemoCustomer(Msisdn("+8613977112345"), ResidentId("00000019780925303X"), "830461"),
)


def make_customers(container: Container, customers: Iterable[DemoCustomer] = CUSTOMERS) -> None:
    """Record the customers that the store does not know. Raises StoreUnavailableError."""
    for each in customers:
        if container.store.load(each.number, credentials=True).credentials is None:
            known = CustomerCredentials(
                each.number,
                1,
                id_digest=slow_digest(each.identity_number),
                password_digest=digest_of_password(each.password),
            )
            container.store.commit(ChangeSet(each.number, records=(known,)))
