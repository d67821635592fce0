"""Signatures that callers of the service put on their requests."""

import hashlib
import hmac
import time
from collections.abc import Mapping

from twilio.request_validator import RequestValidator


def twilio_headers(token: str, url: str, fields: Mapping[str, str]) -> dict[str, str]:
    """Return the header of a form that Twilio posts, signed by its own SDK."""
    signature: str = RequestValidator(token).compute_signature(url, fields)
    return {"X-Twilio-Signature": signature}


def feed_headers(secret: str, body: bytes, stamp: str | None = None) -> dict[str, str]:
    """Return the headers of a batch of reports, by default signed at this moment."""
    stamp = str(int(time.time())) if stamp is None else stamp
    made = hmac.digest(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
    return {"X-Feed-Timestamp": stamp, "X-Feed-Signature": f"sha256={made.hex()}"}
