"""Wrong secrets by the address that they come from, counted in the memory of a process."""

import math
import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

#: Wrong secrets a minute that an address gets a plain refusal for.
_A_MINUTE = 10


class WrongSecrets:
    """Tells when an address is to wait. A right secret passes meanwhile: gateways share addresses.

    At 16 random characters a guess has no chance; the wait keeps a guesser from using up the doors.
    """

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._limit = RateLimitItemPerMinute(_A_MINUTE)

    def wait_seconds(self, address: str) -> int:
        """Count a wrong secret; the seconds to wait before another, 0 within the limit."""
        if self._limiter.hit(self._limit, address):
            return 0
        ends_at = self._limiter.get_window_stats(self._limit, address).reset_time
        return max(1, math.ceil(ends_at - time.time()))
