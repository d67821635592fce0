"""Bounds on sign-ins of staff: an account from one address, and an address."""

import hashlib
import math
import time
from collections.abc import Callable

from limits import RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter

#: Tries in a quarter of an hour for one account from one address, and for one address. A stranger
#: elsewhere uses up none of an account's owner.
_WINDOW_MINUTES = 15
_FOR_ACCOUNT = RateLimitItemPerMinute(10, _WINDOW_MINUTES, "staff account")
_FOR_ADDRESS = RateLimitItemPerMinute(60, _WINDOW_MINUTES, "staff address")

#: One line of the log in this time tells of the refusals of an account from one address.
_TOLD = RateLimitItemPerMinute(1, _WINDOW_MINUTES, "staff told")


class SignInLimits:
    """Counts tries in the store, for all processes. Raises StoreUnavailableError."""

    def __init__(self, limiter: FixedWindowRateLimiter, count: Callable[[str], None]) -> None:
        """``count`` counts tries by their result, for the metrics."""
        self._limiter, self.count = limiter, count

    def wait_seconds(self, name: str, address: str) -> int:
        """Count a try; the seconds until another is taken, 0 within the bounds."""
        for rate, key in {
            _FOR_ACCOUNT: _pair(name, address),
            _FOR_ADDRESS: _hashed(address),
        }.items():
            if not self._limiter.hit(rate, key):
                self.count("limited")
                ends_at = self._limiter.get_window_stats(rate, key).reset_time
                return max(1, math.ceil(ends_at - time.time()))
        return 0

    def is_first_refusal(self, name: str, address: str) -> bool:
        """Whether this refusal is the first of an account from an address in a while."""
        return self._limiter.hit(_TOLD, _pair(name, address))

    def clear(self, name: str, address: str) -> None:
        """Forget the tries of an account from an address, after a right password."""
        self._limiter.clear(_FOR_ACCOUNT, _pair(name, address))


def _pair(name: str, address: str) -> str:
    return _hashed(f"{name.strip().lower()}|{address}")


def _hashed(text: str) -> str:
    """A key that shows neither the name nor the address."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
