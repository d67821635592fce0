"""The state of the service at one moment, and the troubles that people should know of."""

from collections.abc import Iterator
from dataclasses import dataclass

from statemachines.provider import OUT_OF_USE, ProviderState

#: Ages, in seconds, from which on the oldest waiting receipt, or the workers' silence, is trouble.
_OLD_SECONDS, _SILENT_SECONDS = 60, 60


@dataclass(frozen=True, slots=True)
class ProviderOverview:
    """A provider: its circuit breaker, and the ends of its newest receipts."""

    name: str
    state: ProviderState
    ended: int = 0
    failed: int = 0
    is_failing: bool = False

    @property
    def is_out_of_use(self) -> bool:
        """Whether its circuit breaker keeps receipts from it."""
        return self.state in OUT_OF_USE


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """Backlog, receipts in doubt, workers and providers; ages are in seconds."""

    waiting: int
    oldest_seconds: float
    unsure: int
    #: Seconds since the last worker asked for work; None if there was none yet.
    idle_seconds: float | None
    providers: tuple[ProviderOverview, ...]

    def troubles(self) -> Iterator[tuple[str, dict[str, object]]]:
        """Keys of sentences with their parameters, the worst first; none if all is well."""
        for each in self.providers:
            if each.is_out_of_use:
                yield "breaker", {"provider": each.name}
        if self.idle_seconds is None or self.idle_seconds > _SILENT_SECONDS:
            yield "no_worker", {}
        if self.oldest_seconds > _OLD_SECONDS:
            yield "backlog", {"count": self.waiting, "seconds": int(self.oldest_seconds)}
        for each in self.providers:
            if each.is_failing:
                yield "failing", {"provider": each.name, "failed": each.failed, "of": each.ended}
        if self.unsure:
            yield "unsure", {"count": self.unsure}
