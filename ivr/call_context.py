"""State of a call between two requests, kept in the signed URL of each <Gather>.

The provider signs the URL: no session store, no forgery, the same answer to a repeated request.
"""

from collections.abc import Mapping
from typing import Self
from urllib.parse import parse_qsl, quote_plus

from msgspec import Struct
from msgspec.structs import replace

from receipts.model.customer import Subscription
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from statemachines.call_menu import CallState
from statemachines.subscription import SubscriptionState

#: Upper bound of all counters; no call comes near it, so a higher one is forged.
_MAX_COUNT = 10_000


class InvalidCallContextError(ValueError):
    """A URL whose named parameter is missing or malformed."""


class CallContext(Struct, frozen=True):
    """One step of a call. ``customer`` and ``mode`` are those of the last prompt."""

    state: CallState
    language: Language
    customer: SubscriptionState = SubscriptionState.NONE
    mode: DisplayMode = DisplayMode.FLASH
    province: str = ""
    trial_used: bool = False
    step: int = 1
    no_input: int = 0
    no_match: int = 0
    #: Digest of the offer that the caller heard; a yes confirms that offer alone.
    offer_digest: str = ""
    #: Repeats of the same prompt in a row, by key # or 0.
    repeats: int = 0
    #: Token of this pass through the call: its steps begin at 1 each time ``/voice`` is requested.
    call_pass: str = ""
    #: The number that a caller with a withheld number has given, and whether a password proved it.
    number: str = ""
    verified: bool = False
    #: Stages that are counted already, by their first letters.
    reached: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """The context in a query string. Raises InvalidCallContextError."""
        try:
            return cls(
                CallState(query["at"]),
                Language(query["lang"]),
                SubscriptionState(query["as"]),
                DisplayMode(query["mode"]),
                query.get("in", ""),
                _flag("tried", query.get("tried", "0")),
                _count("step", query["step"]),
                _count("silent", query["silent"]),
                _count("wrong", query["wrong"]),
                query.get("offer", ""),
                _count("again", query.get("again", "0")),
                query.get("pass", ""),
                query.get("for", ""),
                _flag("proved", query.get("proved", "0")),
                query.get("reached", ""),
            )
        except KeyError as missing:
            raise InvalidCallContextError(str(missing.args[0])) from missing
        except ValueError as malformed:
            raise InvalidCallContextError(str(malformed)) from malformed

    @classmethod
    def from_link(cls, link: str) -> Self:
        """The context in a link of our own."""
        return cls.from_query(dict(parse_qsl(link.partition("?")[2], keep_blank_values=True)))

    def link(self, base: str) -> str:
        """The URL of this context."""
        offer = f"&offer={quote_plus(self.offer_digest)}" if self.offer_digest else ""
        return (
            f"{base}/voice/key?at={self.state.value}&lang={self.language.value}"
            f"&as={self.customer.value}&mode={self.mode.value}&in={quote_plus(self.province)}"
            f"&tried={self.trial_used:d}&step={self.step}"
            f"&silent={self.no_input}&wrong={self.no_match}&again={self.repeats}"
            f"&pass={quote_plus(self.call_pass)}{self._proof()}{offer}"
        )

    def _proof(self) -> str:
        number = f"&for={quote_plus(self.number)}" if self.number else ""
        reached = f"&reached={quote_plus(self.reached)}" if self.reached else ""
        return number + ("&proved=1" if self.verified else "") + reached

    def claim(self, sid: str) -> str:
        """Idempotency key of this step of a call."""
        return f"call:{sid}:{self.call_pass}:{self.step}"

    def next(self, **changes: object) -> Self:
        """The following step with changed fields."""
        return replace(self, step=self.step + 1, offer_digest="", **changes)

    def with_offer(self, digest: str) -> Self:
        """The same step with the offer that the caller hears."""
        return replace(self, offer_digest=digest)

    def with_subscription(self, customer: Subscription, province: str | None) -> Self:
        """The same step with the current subscription."""
        return replace(
            self,
            customer=customer.state,
            mode=customer.mode,
            province=province or "",
            trial_used=customer.trial_used,
        )

    def subscription(self, caller: Msisdn) -> Subscription:
        """The subscription as far as the URL has it: enough for prompts, without the store."""
        return Subscription(
            caller,
            state=self.customer,
            mode=self.mode,
            province=self.province or None,
            trial_used=self.trial_used,
        )


def _flag(name: str, raw: str) -> bool:
    if raw not in {"0", "1"}:
        raise ValueError(name)
    return raw == "1"


def _count(name: str, raw: str) -> int:
    if not (raw.isascii() and raw.isdigit()) or int(raw) > _MAX_COUNT:
        raise ValueError(name)
    return int(raw)
