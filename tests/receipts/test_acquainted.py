"""Whom a process has met: nobody that was remembered is forgotten, and few others seem known."""

from receipts.acquainted import Acquainted
from receipts.model import Msisdn
from switchboard import wiring


def test_who_was_met_is_known_and_hardly_anybody_else():
    met = Acquainted()
    customers = [Msisdn(f"+86138{n:08}") for n in range(100_000)]
    assert not any(number in met for number in customers[:1000])
    met.remember(customers)
    assert all(number in met for number in customers)
    strangers = (Msisdn(f"+86139{n:08}") for n in range(100_000))
    assert sum(number in met for number in strangers) < 1000


def test_who_was_met_stays_so_under_another_rule_book(built: wiring.Services):
    built.met.remember([Msisdn("+8613802880000")])
    assert Msisdn("+8613802880000") in wiring.under(built, built.book).met
