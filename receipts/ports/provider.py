"""The provider port: capabilities, one message to send, and the kinds of failure."""

import datetime as dt
import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from receipts.model.vocabulary import DisplayMode, Msisdn, Network


class ProviderStatus(StrEnum):
    """A provider's delivery status of a receipt."""

    UNDERWAY = "underway"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    UNKNOWN = "unknown"


class DeadlineExceededError(Exception):
    """The deadline passed before the request was sent; another worker may have the message now."""


class ProviderError(Exception):
    """A provider did not accept a message. ``detail`` is the provider's own error, for staff."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class TemporaryError(ProviderError):
    """The message was certainly not sent; a retry may succeed."""


class PermanentError(ProviderError):
    """The message was certainly not sent, and a retry cannot succeed."""


class NoRouteError(PermanentError):
    """The message can never be sent by this provider; another may send it."""


class UnknownOutcomeError(ProviderError):
    """The request left and brought no clear response: the message may have been sent."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The features that a provider supports: flash SMS, status reports, look-up of a message."""

    flash: bool
    reports: bool
    lookup: bool


class OutboundMessage(Struct, frozen=True):
    """One message for a provider."""

    id: str
    to: Msisdn
    text: str
    mode: DisplayMode
    #: The last moment to send the request, on the monotonic clock in seconds.
    deadline: float = math.inf
    #: The context of its trace; empty if it has none.
    trace: str = ""


class FoundMessage(Struct, frozen=True):
    """A message that a look-up found: the provider's id, and its status there."""

    id: str
    status: ProviderStatus = ProviderStatus.UNDERWAY
    raw_status: str = ""


class Provider(Protocol):
    """A messaging provider."""

    name: str
    capabilities: Capabilities

    def send(self, message: OutboundMessage) -> str:
        """Send a message; the provider's id for it. Raises ProviderError, DeadlineExceededError."""

    def find(
        self, message: OutboundMessage, since: dt.datetime, known: frozenset[str]
    ) -> FoundMessage | None:
        """The message that the provider accepted since then; None if it has none.

        ``known`` are ids of other messages. Raises TemporaryError.
        """


class NetworkLookup(Protocol):
    """A look-up of a number's current network (HLR or number portability)."""

    def network_of(self, number: Msisdn) -> Network | None:
        """The network; None when it is unknown. Raises TemporaryError."""
