"""Twilio: ordinary texts through its own SDK. It has no flash message at all."""

import datetime as dt
import math

import requests
from twilio.base.exceptions import (
    TwilioException,
    TwilioRestException,
    TwilioServiceException,
)
from twilio.rest import Client

from receipts.ports import Abilities, Never, NotHere, Parcel, SendingFailure, TryLater, Unsure
from receipts.providers.twilio_http import SdkHttp, leaving
from receipts.providers.twilio_words import fate_of, told_of

__all__ = ["Twilio", "fate_of", "never_connected", "told_of"]

#: How far the provider's clock and ours may differ, when a text is looked up by its time.
_SKEW = dt.timedelta(minutes=5)

#: How many of a customer's newest texts a look-up reads.
_LOOKED_THROUGH = 50

#: Codes that no waiting mends: the recipient cannot or will not have it (docs: errors 21xxx).
_NEVER = frozenset(
    {21211, 21214, 21217, 21602, 21604, 21610, 21614, 21617, 21619, 21635, 30004, 30005}
)

#: It has no route from our sender to this number; another provider may.
_NO_ROUTE = 21612

#: What the SDK raises over an answer that is no JSON, or none of the expected shape.
_UNREADABLE = (ValueError, TypeError, AttributeError, KeyError)


class Twilio:
    """Sends through one account. ``sender`` is a number, or a messaging service (``MG...``)."""

    name = "twilio"
    abilities = Abilities(flash=False, reports=True, lookup=True)

    def __init__(
        self,
        account: str,
        credentials: tuple[str, str],
        sender: str,
        api_url: str,
        public_url: str,
        connections: int = 24,  # a worker's hands, and those that look up
    ) -> None:
        self._client = Client(
            *credentials,
            account,
            http_client=SdkHttp(api_url.rstrip("/"), connections),
        )
        # The SDK imports what it needs at first use: 80 ms in which texts would gather at the door.
        self._messages = self._client.messages
        self._sender = (
            {"messaging_service_sid": sender} if sender.startswith("MG") else {"from_": sender}
        )
        self._public_url = public_url.rstrip("/")

    def send(self, parcel: Parcel) -> str:
        """Hand one text over; Twilio's id for it. Raises TryLater, Never or Unsure."""
        leaving.by = parcel.by
        try:
            message = self._messages.create(
                to=parcel.to,
                body=parcel.text,
                status_callback=f"{self._public_url}/receipts/{parcel.id}/status",
                **self._sender,
            )
        except (TwilioRestException, TwilioServiceException) as refused:
            raise _judged(refused.status, refused.code) from refused
        except (requests.RequestException, TwilioException) as lost:
            raise _unanswered(lost) from lost
        except _UNREADABLE as odd:
            raise Unsure("twilio's answer cannot be read") from odd
        finally:
            leaving.by = math.inf
        if not message.sid:
            raise Unsure("taken without an id")
        return str(message.sid)

    def find(self, parcel: Parcel, since: dt.datetime, known: frozenset[str]) -> str | None:
        """Twilio's id of a text it may have taken since then; None when it has none.

        Matched by recipient, words and time: Twilio has no idempotency key. The filter by
        DateSent would hide texts still queued, so only the recipient is asked for.
        """
        try:
            messages = self._messages.list(to=parcel.to, limit=_LOOKED_THROUGH)
        except (requests.RequestException, TwilioException, *_UNREADABLE) as failure:
            # Only its name: its words hold the address asked for, with the customer's number.
            raise TryLater(f"look-up failed: {type(failure).__name__}") from failure
        for message in messages:
            created = message.date_created
            recent = created is None or created >= since - _SKEW
            if message.sid and message.sid not in known and message.body == parcel.text and recent:
                return str(message.sid)
        return None


def _judged(status: int, code: int | None) -> SendingFailure:
    """What an error answer means: for certain not sent, or not known."""
    detail = f"twilio {status}/{code}"
    if code in _NEVER:
        return Never(detail)
    if code == _NO_ROUTE:
        return NotHere(detail)
    # Only 429 and plain refusals are documented as never processed; after a 5xx nobody knows.
    if status >= 500:  # noqa: PLR2004
        return Unsure(detail)
    # The rest is our own set-up (credentials, sender, region): it can be mended while we wait.
    return TryLater(detail)


def _unanswered(lost: Exception) -> SendingFailure:
    """What a missing answer means: if we never got through, it was certainly not sent."""
    if isinstance(lost, requests.ConnectTimeout) or never_connected(lost):
        return TryLater(f"twilio not reached: {type(lost).__name__}")
    return Unsure(f"twilio gave no answer: {type(lost).__name__}")


def never_connected(lost: Exception) -> bool:
    """Whether a request failed before a word of it could leave."""
    if not isinstance(lost, requests.ConnectionError):
        return False
    reason = getattr(lost.args[0], "reason", None) if lost.args else None
    return type(reason).__name__ in {
        "NewConnectionError",
        "ConnectTimeoutError",
        "NameResolutionError",
        "ProxyError",
        "SSLError",
    }
