"""The short names under which the fields of our records lie in the store.

Each byte is kept for every customer, text and receipt there is.
"""

#: No two fields share one; a name may be added, and never given to another field.
STORED_NAMES = {
    # of customers
    "number": "n",
    "version": "v",
    "state": "s",
    "mode": "m",
    "language": "l",
    "order": "o",
    "opened_at": "oa",
    "ends_at": "ea",
    "channel": "c",
    "tariff": "t",
    "lapsed_at": "la",
    "province": "p",
    "network": "w",
    "source": "sr",
    "looked_up_at": "lu",
    "charged_from": "cf",
    "trial": "tr",
    "trial_used": "tu",
    "receipts_month": "um",
    "receipts_this_month": "u",
    "unpaid": "up",
    "suspended_at": "sa",
    "months_not_served": "us",
    "off_net_notice_month": "ot",
    "question": "q",
    "promotions": "i",
    "promotions_since": "is",
    "chain": "ch",
    # of receipts
    "text": "x",
    "created_at": "ca",
    "kind": "k",
    "message_id": "mi",
    "recipient": "f",
    "outcome": "oc",
    "provider": "pr",
    "provider_id": "pi",
    "sent_as": "as",
    "attempts": "at",
    "requested_at": "aa",
    "sent_at": "st",
    "done_at": "da",
    "price_fen": "pf",
    "free_receipts": "fr",
    "charge_fen": "cg",
    "note": "nt",
    "history": "h",
    "promotion": "ms",
    "waits_until": "wu",
    "members": "mb",
    "digest": "dg",
    "refused_by": "rb",
    "expires_at": "ul",
    # of people's texts
    "sender": "sn",
    "status": "ft",
    "part_statuses": "fi",
    "parts": "ps",
    "receipt_id": "ri",
    "no_receipt_reason": "wn",
}


def stored_name(name: str) -> str | None:
    """The name of a field in the store; None for one that keeps its own."""
    return STORED_NAMES.get(name)
