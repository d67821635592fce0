"""A messaging provider: capabilities, one text, and the three kinds of failure."""

import datetime as dt
import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from receipts.model.vocabulary import DisplayMode, Msisdn, Network


class ProviderStatus(StrEnum):
    """What a provider says of something we sent, in our words."""

    UNDERWAY = "underway"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    UNKNOWN = "unknown"


class DeadlineExceededError(Exception):
    """The time to send a text was over before a word of it left: others may have it by now."""


class ProviderError(Exception):
    """A provider did not take what we gave it. ``detail`` is its own word, for staff."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class TemporaryError(ProviderError):
    """It certainly did not go out; asking again later may work."""


class PermanentError(ProviderError):
    """It certainly did not go out and never will."""


class NoRouteError(PermanentError):
    """It certainly did not go out and never will by this provider; another may take it."""


class UnknownOutcomeError(ProviderError):
    """The request left us and no clear answer came: it may have gone out."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do."""

    flash: bool
    reports: bool
    lookup: bool


class OutboundMessage(Struct, frozen=True):
    """One text for a provider, shown as ``mode``; after ``by`` (monotonic) TooLate is raised."""

    id: str
    to: Msisdn
    text: str
    mode: DisplayMode
    deadline: float = math.inf


class Provider(Protocol):
    """Somebody who carries texts to phones."""

    name: str
    abilities: Capabilities

    def send(self, message: OutboundMessage) -> str:
        """Hand one text over; the provider's own id for it.

        Raises TryLater, Never or Unsure.
        """

    def find(
        self, message: OutboundMessage, since: dt.datetime, known: frozenset[str]
    ) -> str | None:
        """The provider's id of a text it may have taken since then, None when it has none.

        ``known`` are ids that belong to other texts. Raises TryLater when it cannot say now.
        """


class NetworkLookup(Protocol):
    """Somebody outside who can say whose network a number is on now."""

    def network_of(self, number: Msisdn) -> Network | None:
        """The network, None when it cannot be told. Raises TryLater when nobody answers."""
