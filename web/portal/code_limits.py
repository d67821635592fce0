"""Bounds on requests for passcodes: a form, a visitor, an address, and all together."""

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import structlog
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter

_log = structlog.get_logger()

#: A form is taken once in the lifetime of its CSRF token.
_FORM = RateLimitItemPerHour(1)


class Bound(StrEnum):
    """What a request for a passcode is counted by."""

    FORM = "form"
    VISITOR = "visitor"
    ADDRESS = "address"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class CodeRates:
    """Requests an hour of a visitor, a minute of an address, and a minute of all together."""

    visitor: int
    address: int
    everyone: int

    def items(self) -> dict[Bound, RateLimitItem]:
        """The rates by bound, the narrowest first: a request over it uses up no wider one."""
        return {
            Bound.VISITOR: RateLimitItemPerHour(self.visitor),
            Bound.ADDRESS: RateLimitItemPerMinute(self.address),
            Bound.ALL: RateLimitItemPerMinute(self.everyone),
        }


class CodeLimits:
    """Counts requests in the store, for all processes. Raises StoreUnavailableError."""

    def __init__(
        self, limiter: FixedWindowRateLimiter, rates: CodeRates, count: Callable[[str], None]
    ) -> None:
        self._limiter, self._rates = limiter, rates.items()
        #: Counts requests by their result, for the metrics.
        self.count = count
        self._warned_at = -math.inf

    def is_first(self, form: str) -> bool:
        """Whether this form has not been sent before."""
        is_first = self._limiter.hit(_FORM, Bound.FORM, form)
        if not is_first:
            self.count(Bound.FORM)
        return is_first

    def wait_seconds(self, visitor: str, address: str) -> int:
        """Count a request; the seconds until another is taken, 0 within all bounds."""
        keys = {Bound.VISITOR: _hashed(visitor), Bound.ADDRESS: _hashed(address), Bound.ALL: ""}
        for bound, rate in self._rates.items():
            if not self._limiter.hit(rate, bound, keys[bound]):
                self.count(bound)
                if bound is Bound.ALL:
                    self._warn()
                ends_at = self._limiter.get_window_stats(rate, bound, keys[bound]).reset_time
                return max(1, math.ceil(ends_at - time.time()))
        return 0

    def left(self) -> int:
        """The requests of all together that are left in this minute."""
        return self._limiter.get_window_stats(self._rates[Bound.ALL], Bound.ALL, "").remaining

    def _warn(self) -> None:
        if time.monotonic() - self._warned_at >= self._rates[Bound.ALL].get_expiry():
            self._warned_at = time.monotonic()
            _log.warning("requests for passcodes reach CODES_A_MINUTE: is this an attack?")


def _hashed(text: str) -> str:
    """A key that shows neither the visit nor the address."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
