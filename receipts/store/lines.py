"""What all workers share about the lines to the providers, on Redis."""

import math
import time
from collections.abc import Iterable, Mapping
from importlib.resources import files

from receipts.lines import Health, Pace, Places
from receipts.store.keys import Keys
from receipts.store.records import restored, stored
from receipts.store.server import Server

_COMMIT = files("receipts.store").joinpath("commit.lua").read_text()
_PACE = files("receipts.store").joinpath("pace.lua").read_text()

#: How far ahead, in microseconds, places are given out: longer would hold texts in hand that a
#: worker's end leaves in doubt, shorter would cost more round trips.
_AHEAD = 250_000

_SECOND = 1_000_000


class RedisLines:
    """Health and pace of the lines. Every method raises StoreUnavailable."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._apart = _Apart()

    def healths(self, providers: Iterable[str]) -> dict[str, Health]:
        """How these providers are doing; one nobody spoke of is well."""
        names = list(providers)
        replies = self._server.talk(*(("GET", Keys.health(name)) for name in names))
        found = zip(names, replies, strict=True)
        return {name: restored(Health, raw) or Health(name) for name, raw in found}

    def keep(self, health: Health) -> bool:
        """Write a new health down; False when somebody else changed it meanwhile."""
        words = (
            *("change", 0, 1, ""),
            *("save", 1, 0, stored(health, health.version)),
        )
        key = Keys.health(health.provider)
        (reply,) = self._server.talk(("EVAL", _COMMIT, 1, key, *words))
        return bool(reply[0][0] == b"done")

    def places(self, wanted: Mapping[Pace, int]) -> dict[Pace, Places]:
        """Places in the queues of lines, in one round trip; fewer than wanted, or none."""
        asked = time.monotonic()
        replies = self._server.talk(
            *(
                ("EVAL", _PACE, 1, Keys.pace(pace.line), round(pace.interval * _SECOND), n, _AHEAD)
                for pace, n in wanted.items()
            )
        )
        for _, _, now in replies:
            self._apart.learn(now / _SECOND, asked, time.monotonic())
        return {
            pace: Places(first / _SECOND - self._apart.seconds, count, pace.interval)
            for pace, (first, count, _) in zip(wanted, replies, strict=True)
        }


class _Apart:
    """How far the server's clock is from our monotonic one, the closer known the more it answers.

    An answer that took its time would else put all its places later than they are for others.
    """

    def __init__(self) -> None:
        self._least, self._most = -math.inf, math.inf

    @property
    def seconds(self) -> float:
        """The server's time less ours."""
        return (self._least + self._most) / 2

    def learn(self, theirs: float, asked: float, answered: float) -> None:
        """It was so late there at some moment between our question and its answer."""
        least, most = theirs - answered, theirs - asked
        self._least, self._most = max(self._least, least), min(self._most, most)
        if self._least > self._most:  # a clock was set, or another server answers now
            self._least, self._most = least, most
