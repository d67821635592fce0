"""Metrics read from the store: reports, receipts, queues, providers, workers, its own health."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import structlog
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from app import queue_status
from app.metrics.families import family
from app.queue_status import QueueStatus
from app.sender_health import bounded
from receipts.delivery.results import failures_by_code
from receipts.model.figure import SENT_COUNTER
from receipts.ports.store import Backlog, StoreUnavailableError
from receipts.reports.reconciliation import Reconciliation
from statemachines.provider import ProviderState

if TYPE_CHECKING:
    from app.bootstrap import Container

_log = structlog.get_logger()

#: An INFO of a server, by name.
_Info = Mapping[str, object]


class StoreMetrics(Collector):
    """Metrics of one store, read at each scrape."""

    def __init__(self, container: "Container") -> None:
        self._container = container
        # Each scrape comes on a new thread, and each thread would need a connection of its own.
        self._reader = ThreadPoolExecutor(1, "metrics")

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; only ``store_up`` while the store is unavailable.

        Zeros in place of the others would be wrong.
        """
        yield from self._reader.submit(lambda: list(self._read())).result()

    def _read(self) -> Iterator[Metric]:
        began, clients = time.perf_counter(), self._container.clients
        try:
            clients.store.ping()
        except StoreUnavailableError as failure:
            _log.warning("no metrics of the store", why=str(failure))
            yield family("store_up", 0)
            return
        yield family("store_up", 1)
        yield family("store_round_trip_seconds", time.perf_counter() - began)
        parts: tuple[Callable[[], Iterator[Metric]], ...] = (
            lambda: _report_counts(clients.bulk_reader.counts()),
            self._queues,
            lambda: _workers(clients.outbox.workers_idle_seconds()),
            lambda: _store_health(clients.connection.info()),
        )
        for part in parts:
            try:
                yield from part()
            except StoreUnavailableError as failure:
                # A managed server may refuse INFO, and answers all the same.
                _log.warning("metrics of the store are incomplete", why=str(failure))

    def _queues(self) -> Iterator[Metric]:
        clients, clock = self._container.clients, self._container.clock
        providers = self._container.lifecycle.router.names
        now = queue_status.read_status(clients, providers, clock)
        yield from _provider_states(now)
        for name, found in (("waiting", now.waiting), ("outbox", now.queued)):
            yield from _by_shard(name, found)
        yield from _queue_depths(now, queue_status.aged(clients.outbox.delayed(), clock.now()))
        yield family("unsure", now.unsure)
        timers = clients.outbox.due_timers(clock.now(), queue_status.MOST_TIMERS)
        late = ((clock.now() - each.at).total_seconds() for each in timers if each.at)
        yield family("timers_due", len(timers))
        yield family("timers_due_oldest_seconds", max((0.0, *late)))


def _report_counts(counts: Mapping[str, int]) -> Iterator[Metric]:
    """Counts of all reports and receipts by result."""
    now = Reconciliation.from_counts(counts)
    yield family("reports", now.reports)
    yield family("reports_with_receipt", now.receipts)
    yield family("reports_without_receipt", {(why,): n for why, n in now.reasons.items()})
    yield family("reports_missing", now.missing)
    yield family("feed_lines_refused", now.refused)
    yield family("failures", bounded(failures_by_code(counts)))
    left = ((name.split(":"), n) for name, n in counts.items() if name.startswith(SENT_COUNTER))
    yield family("receipts", {(outcome, age): n for (_, outcome, age), n in left})


def _provider_states(now: QueueStatus) -> Iterator[Metric]:
    yield family("provider_healthy", {(e.provider,): 0 if e.is_open else 1 for e in now.healths})
    held = {(each.provider,): int(each.state is ProviderState.HELD) for each in now.healths}
    yield family("provider_held", held)
    states = {(e.provider, s.value): int(e.state is s) for e in now.healths for s in ProviderState}
    yield family("circuit_breaker_state", states)
    yield family("sender_failing", {(e.provider,): int(e.is_failing) for e in now.senders})


def _by_shard(name: str, found: Iterable[tuple[Backlog, float]]) -> Iterator[Metric]:
    aged = {(each.queue, str(each.shard)): (each.count, age) for each, age in found}
    yield family(name, {key: count for key, (count, _) in aged.items()})
    yield family(f"{name}_oldest_seconds", {key: age for key, (_, age) in aged.items()})


def _queue_depths(now: QueueStatus, delayed: Iterable[tuple[Backlog, float]]) -> Iterator[Metric]:
    """Sums over all shards, with a zero for each empty queue."""
    depth = dict.fromkeys((("outbox",), ("late",), ("delayed",), ("waiting",)), 0)
    oldest = dict.fromkeys(depth, 0.0)
    waiting = ((("waiting",), each, age) for each, age in now.waiting)
    others = (((each.queue,), each, age) for each, age in (*now.queued, *delayed))
    for queue, each, age in (*waiting, *others):
        depth[queue] += each.count
        oldest[queue] = max(age, oldest[queue])
    yield family("queue_depth", depth)
    yield family("queue_oldest_seconds", oldest)


def _workers(idle_seconds: list[float]) -> Iterator[Metric]:
    yield family("workers_alive", queue_status.workers_alive(idle_seconds))
    if idle_seconds:
        yield family("worker_idle_seconds", min(idle_seconds))


def _store_health(infos: list[dict[str, object]]) -> Iterator[Metric]:
    """Memory, writes to disk and replicas of all primaries."""
    room = ("maxmemory", "total_system_memory")
    yield family("store_memory_bytes", sum(_number(each, "used_memory") for each in infos))
    limits = (next(filter(None, (_number(i, name) for name in room)), 0) for i in infos)
    yield family("store_memory_limit_bytes", sum(limits))
    enabled = all(_number(each, "aof_enabled") for each in infos)
    yield family("store_append_only_file_enabled", int(enabled))
    wrote = ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")
    is_ok = all(each.get(name, "ok") == "ok" for each in infos for name in wrote)
    yield family("store_write_ok", int(is_ok))
    saved = min((_number(each, "rdb_last_save_time") for each in infos), default=0)
    yield family("store_last_save_timestamp_seconds", saved)
    replicas = min((_number(each, "connected_slaves") for each in infos), default=0)
    yield family("store_replicas", replicas)
    yield family("store_evicted_keys", sum(_number(each, "evicted_keys") for each in infos))


def _number(info: _Info, name: str) -> int:
    found = info.get(name)
    return found if isinstance(found, int) else 0
