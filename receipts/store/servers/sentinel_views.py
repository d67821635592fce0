"""What the Sentinels of a primary say, each for itself."""

from dataclasses import dataclass
from typing import Any

import redis
from redis.sentinel import Sentinel


@dataclass(frozen=True, slots=True)
class Outlook:
    """The state of a primary and its Sentinels."""

    service: str
    primary: str
    known: int
    agreeing: int
    in_step: int
    down_after_seconds: float


@dataclass(frozen=True, slots=True)
class View:
    """What one Sentinel says: the primary, how many Sentinels it knows, replicas in step."""

    primary: tuple[str, int]
    known: int
    in_step: int
    down_after_seconds: float


class SentinelViews:
    """Ask all Sentinels about one primary."""

    def __init__(self, manager: Sentinel, service: str) -> None:
        # A copy: redis-py swaps entries of its list in other threads, and one seen twice would
        # have two votes.
        self.sentinels, self._service = tuple(manager.sentinels), service

    def ask(self) -> tuple[list[View], int]:
        """The view of each Sentinel that answers, and how many there are."""
        views = list[View]()
        for sentinel in self.sentinels:
            try:
                state: Any = sentinel.sentinel_master(self._service)
                replicas: Any = sentinel.sentinel_slaves(self._service)
            except redis.RedisError:
                continue
            views.append(
                View(
                    (state["ip"], state["port"]),
                    state["num-other-sentinels"] + 1,
                    sum(map(_is_in_step, replicas)),
                    int(state["down-after-milliseconds"]) / 1000,
                )
            )
        return views, max([len(self.sentinels), *(view.known for view in views)])

    def outlook(self) -> Outlook | None:
        """The view of most Sentinels, for an operator; None if none answers."""
        views, known = self.ask()
        if not views:
            return None
        primaries = [view.primary for view in views]
        primary = max(primaries, key=primaries.count)
        agreeing = [view for view in views if view.primary == primary]
        return Outlook(
            self._service,
            f"{primary[0]}:{primary[1]}",
            known,
            len(agreeing),
            max(view.in_step for view in agreeing),
            max(view.down_after_seconds for view in agreeing),
        )


def _is_in_step(replica: Any) -> bool:  # noqa: ANN401 - redis-py's state of a replica
    """Whether a replica may be promoted: up, and its link as well, or not yet looked at."""
    is_down = replica["is_sdown"] or replica["is_odown"]
    linked = replica["master-link-status"] == "ok" or not replica["info-refresh"]
    return not is_down and linked
