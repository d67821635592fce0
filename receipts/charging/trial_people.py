"""Terms of trial people: those of their province, with a tariff that charges nothing."""

import datetime as dt

from msgspec.structs import replace

from receipts.model.customer import Subscription
from receipts.model.vocabulary import Language, Msisdn
from receipts.numbering.plan import NumberInfo
from receipts.numbering.trial_people import TRIAL
from receipts.rulebook.schema import Province, Tariff

_PREFIX = "trial:"

#: Before every day of the service, so that a trial needs no tariff in force.
_SINCE = dt.date(2000, 1, 1)


def trial_version(code: str) -> str:
    """The tariff version of trial people in a province; no rule book has it."""
    return f"{_PREFIX}{code}"


def has_trial_tariff(customer: Subscription) -> bool:
    """Whether a subscription began as a trial person's: it never agreed to a price."""
    return (customer.tariff or "").startswith(_PREFIX)


def _trial_terms(province: Province, number: Msisdn) -> Province:
    """The province for a trial person: free, without service password, English abroad."""
    tariff = Tariff(
        version=trial_version(province.code), since=_SINCE, monthly_fen=0, per_receipt_fen=0
    )
    is_abroad = not number.startswith("+86")
    languages = (Language.EN, Language.ZH) if is_abroad else province.languages
    return replace(
        province,
        tariffs=(tariff,),
        languages=languages,
        # One language: with the note on the trial and a full number, two take too long to hear.
        greeting=languages[:1] if is_abroad else province.greeting[:1],
        voice_password=False,
    )


def terms_for(province: Province, home: NumberInfo, number: Msisdn) -> Province:
    """The terms of a province for a number that has its home there."""
    return _trial_terms(province, number) if home.source == TRIAL else province
