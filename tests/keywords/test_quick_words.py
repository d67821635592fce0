"""Quick words of the phones page: each phone shows those of its own province."""

import pytest

from keywords.parser import KeywordParser
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Intent, Msisdn
from receipts.numbering.plan import NumberingPlan
from simulator.network.events import EventLog
from simulator.network.phones import Phone, PhoneRegistry
from tests.conftest import shipped_book

BOOK = shipped_book()
PARSER = KeywordParser(BOOK)
REGISTRY = PhoneRegistry(EventLog())
REGISTRY.add("13912345678")
MEANT = (Intent.OPEN, Intent.YES, Intent.ORDINARY, Intent.FLASH, Intent.ASK, Intent.CANCEL)


@pytest.mark.parametrize("phone", REGISTRY.all(), ids=lambda phone: phone.number)
def test_quick_words_are_keywords_of_the_phones_province(phone: Phone):
    customer = Subscription(Msisdn(f"+86{phone.number}"))
    province = NumberingPlan().info_of(customer).province
    words = phone.to_json()["words"]
    assert tuple(PARSER.parse(word, province).intent for word in words) == MEANT
    own = BOOK.province(province)
    if phone.built_in and own is not None:
        assert [words[0], words[4], words[5]] == [
            own.words[intent][0] for intent in (Intent.OPEN, Intent.ASK, Intent.CANCEL)
        ]
