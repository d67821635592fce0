"""What the command line shows of customers, receipts and charges, as plain values."""

import datetime as dt
from collections.abc import Iterable
from enum import Enum
from typing import Any

from receipts.messages import agreed
from receipts.model import Charge, Language, Msisdn, Receipt, Subscription, Trail
from receipts.reckoning import Reckoning
from receipts.tariff import fees, tariff_on
from switchboard.wiring import Services


def customer(built: Services, number: Msisdn) -> dict[str, Any]:
    """One customer, as ``show`` prints it."""
    held = built.store.read(number).subscription
    place = built.policy.service_area(held)
    return _plain(
        {
            "number": number,
            "province": place.home.province,
            "state": held.state,
            "mode": held.mode,
            "language": built.policy.language(held),
            "opened_at": held.opened_at,
            "ends_at": held.ends_at,
            "channel": held.channel,
            "fees": _fees(built, held),
            "messages": agreed(held),
            "network": place.home.network,
            # Whose word province and network are: record, ported, lookup, asked, prefix, unknown.
            "source": place.home.source,
        }
    )


def _fees(built: Services, held: Subscription) -> dict[str, Any] | None:
    place = built.policy.service_area(held)
    if place.province is None:
        return None
    agreed = place.province.tariff(held.tariff) if held.tariff else None
    tariff = agreed or tariff_on(place.province, built.clock.now())
    return {
        "tariff": tariff.version,
        "monthly_fen": tariff.monthly_fen,
        "per_receipt_fen": tariff.per_receipt_fen,
        "free_receipts": tariff.free_receipts,
        "trial_days": tariff.trial_days,
        "in_words": {language.value: fees(language, tariff) for language in Language},
    }


def receipt(record: Receipt) -> dict[str, Any]:
    """One receipt, as ``receipts`` prints it."""
    return _plain(
        {
            "id": record.id,
            "message_id": record.message_id,
            "to": record.friend,
            "outcome": record.outcome,
            "mode": record.mode,
            "sent_as": record.sent_as,
            "provider": record.provider,
            "state": record.state,
            "text": record.text,
            "created_at": record.created_at,
            "sent_at": record.sent_at,
            "done_at": record.done_at,
            "attempts": record.attempts,
            "charge_fen": record.charge_fen,
            "note": record.note,
        }
    )


def unsure(record: Receipt) -> dict[str, Any]:
    """A receipt that may have gone out, as ``unsure`` prints it."""
    names = ("id", "number", "provider", "sent_as", "attempts", "asked_at", "note", "text")
    return fields(record, names)


def charge(record: Charge) -> dict[str, Any]:
    """One charge, as ``charges`` prints it."""
    return fields(record, ("id", "kind", "fen", "month", "why", "at", "tariff"))


def fields(record: object, names: Iterable[str]) -> dict[str, Any]:
    """Some of what a record holds, as plain values."""
    return _plain({name: getattr(record, name) for name in names})


def reckoning(of: Reckoning) -> dict[str, Any]:
    """What came of all reports, as ``reconcile`` prints it."""
    return {
        "reports": of.reports,
        "receipts": of.receipts,
        "reasons": of.reasons,
        "missing": of.missing,
        "balanced": of.missing == 0,
    }


def trail(known: Trail) -> dict[str, Any]:
    """One person-to-person text, as ``trail`` prints it: each piece of news with its reason."""
    return _plain(
        {
            "message_id": known.message_id,
            "from": known.sender,
            "to": known.friend,
            "fate": known.fate,
            "parts": known.parts,
            "receipt": known.receipt_id,
            "why_not": known.why_not,
            "news": [
                _plain({"at": heard.at, "word": heard.word, "why_not": heard.why_not})
                for heard in known.history
            ],
        }
    )


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(value) for name, value in values.items()}


def _value(value: object) -> object:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Msisdn) else value
