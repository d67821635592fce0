"""Twilio: provider of ordinary texts over its SDK. Twilio has no flash messages."""

import datetime as dt

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.rest import Client
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProxyError, SSLError

from receipts.ports.provider import (
    Capabilities,
    FoundMessage,
    NoRouteError,
    OutboundMessage,
    PermanentError,
    ProviderError,
    TemporaryError,
    UnknownOutcomeError,
)
from receipts.providers.twilio_http import SdkHttpClient, send_deadline
from receipts.providers.twilio_status import provider_status

#: Connections kept: a worker's 16 sending and 8 look-up threads.
_CONNECTIONS = 24

#: Allowed difference between the provider's clock and ours in a look-up by time.
_CLOCK_SKEW = dt.timedelta(minutes=5)

#: Newest texts to a recipient that a look-up reads.
_LOOKUP_LIMIT = 50

#: Put before each text of a trial account, also in the list of its texts.
_TRIAL_ACCOUNT = "Sent from your Twilio trial account - "

#: Permanent error codes: the recipient cannot or will not receive it (docs: errors 21xxx).
_PERMANENT = frozenset(
    {21211, 21214, 21217, 21602, 21604, 21610, 21614, 21617, 21619, 21635, 30004, 30005}
)

#: No route from our sender to this number; another provider may have one.
_NO_ROUTE = 21612

#: Raised by the SDK for a response that is no JSON, or has an unexpected shape.
_UNREADABLE = (ValueError, TypeError, AttributeError, KeyError)

#: Reasons for which urllib3 gives up before a request is sent.
_CONNECT_ERRORS = (ConnectTimeoutError, NewConnectionError, ProxyError, SSLError)


class Twilio:
    """Provider over one account. ``sender`` is a number or a messaging service (``MG...``)."""

    name = "twilio"
    capabilities = Capabilities(flash=False, reports=True, lookup=True)

    def __init__(
        self, account: str, credentials: tuple[str, str], sender: str, api_url: str, public_url: str
    ) -> None:
        http = SdkHttpClient(api_url, _CONNECTIONS)
        # The property imports the SDK's modules, which would delay the first text.
        self._messages = Client(*credentials, account, http_client=http).messages
        self._sender = (
            {"messaging_service_sid": sender} if sender.startswith("MG") else {"from_": sender}
        )
        self._public_url = public_url.rstrip("/")

    def send(self, parcel: OutboundMessage) -> str:
        """Submit one text and return Twilio's id of it.

        Raises ProviderError by the kind of failure, or DeadlineExceededError.
        """
        token = send_deadline.set(parcel.deadline)
        try:
            message = self._messages.create(
                to=parcel.to,
                body=parcel.text,
                status_callback=f"{self._public_url}/receipts/{parcel.id}/status",
                **self._sender,
            )
        except (TwilioRestException, TwilioServiceException) as refused:
            raise _failure(refused.status, refused.code) from refused
        except (requests.RequestException, TwilioException) as error:
            raise _no_response(error) from error
        except _UNREADABLE as error:
            raise UnknownOutcomeError("twilio's answer cannot be read") from error
        finally:
            send_deadline.reset(token)
        if not message.sid:
            raise UnknownOutcomeError("taken without an id")
        return str(message.sid)

    def find(
        self, parcel: OutboundMessage, since: dt.datetime, known: frozenset[str]
    ) -> FoundMessage | None:
        """The text that Twilio may have accepted after ``since``, or None.

        Twilio has no idempotency key, so recipient, body and time are compared. A filter by
        DateSent would hide queued texts. ``known`` are other receipts' ids.
        Raises TemporaryError.
        """
        try:
            messages = self._messages.list(to=parcel.to, limit=_LOOKUP_LIMIT)
        except (requests.RequestException, TwilioException, *_UNREADABLE) as error:
            # Its message would show the URL with the customer's number.
            raise TemporaryError(f"look-up failed: {type(error).__name__}") from error
        for message in messages:
            created = message.date_created
            recent = created is None or created >= since - _CLOCK_SKEW
            same = (message.body or "").removeprefix(_TRIAL_ACCOUNT) == parcel.text
            if message.sid and message.sid not in known and same and recent:
                status = str(message.status or "")
                code = f" {message.error_code}" if message.error_code else ""
                return FoundMessage(str(message.sid), provider_status(status), status + code)
        return None


def _failure(status: int, code: int | None) -> ProviderError:
    """Map an error response: certainly not sent, or unknown."""
    detail = f"twilio {status}/{code}"
    if code in _PERMANENT:
        return PermanentError(detail)
    if code == _NO_ROUTE:
        return NoRouteError(detail)
    # Twilio documents 429 and other 4xx as not processed. The outcome of a 5xx is unknown.
    if status >= 500:  # noqa: PLR2004
        return UnknownOutcomeError(detail)
    # The rest is configuration (credentials, sender, region), which an operator can correct.
    return TemporaryError(detail)


def _no_response(error: Exception) -> ProviderError:
    """Map a missing response: certainly not sent if no connection was made."""
    cause = error.args[0] if isinstance(error, requests.ConnectionError) and error.args else None
    refused = isinstance(getattr(cause, "reason", None), _CONNECT_ERRORS)
    if refused or isinstance(error, requests.ConnectTimeout):
        return TemporaryError(f"twilio not reached: {type(error).__name__}")
    return UnknownOutcomeError(f"twilio gave no answer: {type(error).__name__}")
