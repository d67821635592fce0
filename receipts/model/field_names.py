"""The short names under which the fields of our records lie in the store.

Each byte is kept for every customer, text and receipt there is.
"""

#: No two fields share one; a name may be added, and never given to another field.
SHORT = {
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
    "used_month": "um",
    "used": "u",
    "unpaid": "up",
    "suspended_at": "sa",
    "unserved": "us",
    "off_net_told": "ot",
    "question": "q",
    "informing": "i",
    "informing_since": "is",
    "chain": "ch",
    # of receipts
    "text": "x",
    "created_at": "ca",
    "kind": "k",
    "message_id": "mi",
    "friend": "f",
    "outcome": "oc",
    "provider": "pr",
    "provider_id": "pi",
    "sent_as": "as",
    "attempts": "at",
    "asked_at": "aa",
    "sent_at": "st",
    "done_at": "da",
    "price_fen": "pf",
    "free_receipts": "fr",
    "charge_fen": "cg",
    "note": "nt",
    "history": "h",
    "message": "ms",
    "waits_until": "wu",
    "members": "mb",
    "digest": "dg",
    "refused_by": "rb",
    "until": "ul",
    # of people's texts
    "sender": "sn",
    "fate": "ft",
    "finals": "fi",
    "parts": "ps",
    "receipt_id": "ri",
    "why_not": "wn",
}


def short(name: str) -> str | None:
    """The name of a field in the store; None for one that keeps its own."""
    return SHORT.get(name)
