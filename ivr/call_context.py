"""Where a call stands. It travels in the link of each question, which the provider signs.

So it cannot be forged, needs no session store, and a repeated request gets the same answer.
"""

from collections.abc import Mapping
from typing import Self
from urllib.parse import quote_plus

from msgspec import Struct
from msgspec.structs import replace

from receipts.model.customer import Subscription
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from statemachines.call_menu import CallState
from statemachines.subscription import SubscriptionState

#: Far beyond any real call; a link with more is not one of ours.
_MOST_STEPS = 10_000


class InvalidCallContextError(ValueError):
    """A link lacks a part or has one that is not ours; it names which."""


class CallContext(Struct, frozen=True):
    """One moment of a call. ``customer`` and ``mode`` are as the menu was last told of them."""

    at: CallState
    language: Language
    customer: SubscriptionState = SubscriptionState.NONE
    mode: DisplayMode = DisplayMode.FLASH
    province: str = ""
    trial_used: bool = False
    step: int = 1
    silent: int = 0
    wrong: int = 0
    #: What an offer said, in short: the yes must be to that.
    offered: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        """The place a link tells of. Raises NoPlace."""
        try:
            counts = {name: _count(query, name) for name in ("step", "silent", "wrong")}
            return cls(
                CallState(query["at"]),
                Language(query["lang"]),
                SubscriptionState(query["as"]),
                DisplayMode(query["mode"]),
                query.get("in", ""),
                _flag(query.get("tried", "0")),
                offered=query.get("offer", ""),
                **counts,
            )
        except KeyError as missing:
            raise InvalidCallContextError(str(missing.args[0])) from missing
        except ValueError as odd:
            raise InvalidCallContextError(str(odd)) from odd

    def link(self, base: str) -> str:
        """The link that leads back here."""
        offered = f"&offer={quote_plus(self.offered)}" if self.offered else ""
        return (
            f"{base}/voice/key?at={self.at.value}&lang={self.language.value}"
            f"&as={self.customer.value}&mode={self.mode.value}&in={quote_plus(self.province)}"
            f"&tried={self.trial_used:d}&step={self.step}"
            f"&silent={self.silent}&wrong={self.wrong}{offered}"
        )

    def next(self, **changes: object) -> Self:
        """The following step, with what has changed."""
        return replace(self, step=self.step + 1, offered="", **changes)

    def seeing(self, customer: Subscription, province: str | None) -> Self:
        """The same place, told how the customer stands now."""
        return replace(
            self,
            customer=customer.state,
            mode=customer.mode,
            province=province or "",
            trial_used=customer.trial_used,
        )

    def known(self, caller: Msisdn) -> Subscription:
        """The caller as far as the link tells: enough for prices and words, without the store."""
        return Subscription(
            caller,
            state=self.customer,
            mode=self.mode,
            province=self.province or None,
            trial_used=self.trial_used,
        )


def _flag(raw: str) -> bool:
    if raw not in {"0", "1"}:
        raise ValueError("tried")
    return raw == "1"


def _count(query: Mapping[str, str], name: str) -> int:
    raw = query[name]
    if not (raw.isascii() and raw.isdigit()) or int(raw) > _MOST_STEPS:
        raise ValueError(name)
    return int(raw)
