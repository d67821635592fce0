"""Stored names of record fields, kept where a field has got another name in Python."""

#: By field; short, as each byte is paid for every record. No two fields of a record share one, and
#: a used name is never given to another field.
STORED_NAMES = {
    # subscriptions
    "number": "n", "version": "v", "state": "s", "mode": "m", "language": "l", "order": "o",
    "opened_at": "oa", "ends_at": "ea", "channel": "c", "tariff": "t", "lapsed_at": "la",
    "province": "p", "network": "w", "source": "sr", "looked_up_at": "lu", "charged_from": "cf",
    "trial": "tr", "trial_used": "tu", "trial_ends_at": "te", "charged_month": "cm",
    "receipts_month": "um", "receipts_this_month": "u",
    "paid": "pd",
    "unpaid": "up", "suspended_at": "sa", "months_not_served": "us", "off_net_notice_month": "ot",
    "question": "q", "left_at": "lf", "promotions": "i", "promotions_since": "is", "chain": "ch",
    # receipts
    "text": "x", "created_at": "ca", "kind": "k", "message_id": "mi", "recipient": "f",
    "outcome": "oc", "provider": "pr", "provider_id": "pi", "sent_as": "as", "attempts": "at",
    "requested_at": "aa", "sent_at": "st", "done_at": "da", "price_fen": "pf",
    "free_receipts": "fr", "charge_fen": "cg", "note": "nt", "history": "h", "promotion": "ms",
    "members": "mb", "digest": "dg", "refused_by": "rb", "expires_at": "ul",
    "dated_text": "dx", "text_sent": "ts", "text_done": "td", "failure": "fw",
    "send_log": "sl", "trace": "tx", "text_trace": "tt",
    # message traces
    "sender": "sn", "status": "ft", "part_statuses": "fi", "parts": "ps", "receipt_id": "ri",
    "no_receipt_reason": "wn", "submitted": "sb", "series": "se", "earlier": "er",
    "dropped_events": "hd", "dropped_texts": "ed",
}  # fmt: skip

#: By field of an audit entry.
AUDIT_NAMES = {
    "channel": "door", "idempotency_key": "claim", "shown_text": "shown", "reply_text": "heard",
    "previous_hash": "before_hash", "state_before": "before", "state_after": "after",
    "action": "act",
}  # fmt: skip

#: By field of a login state.
LOGIN_NAMES = {
    "codes_sent": "asked", "code_sent_at": "asked_at",
    "session": "visit", "session_expires_at": "visit_until",
}  # fmt: skip
