"""A backup moves between one server, Sentinel and a cluster."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from receipts.store.connection import RedisConnection, connected
from receipts.store.keys import KeySchema
from receipts.store.outbox import RedisOutbox
from receipts.store.redis_store import RedisStore
from tests.receipts.store.conftest import ANNA, FRIEND, Due, everything
from tests.receipts.store.test_backup import backed_up, restored, values_of
from tests.support.redis_nodes import Cluster
from tests.support.sentinel import SentinelGroup

#: The mark that each primary of a cluster has for its commits, and the stamp of the restore.
_OWN = {b"settled", b"stamp"}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "cluster")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def group(tmp_path: Path) -> Iterator[SentinelGroup]:
    made = SentinelGroup(tmp_path / "sentinel", replicas=1, hurried=True)
    made.start()
    yield made
    made.stop()


def _filled(url: str, due: Due) -> dict[bytes, object]:
    with connected(url) as client:
        connection, keys = RedisConnection(client), KeySchema(16)
        RedisOutbox(connection, keys).open()
        store = RedisStore(connection, keys)
        store.commit_all([everything(due(ANNA)), everything(due(FRIEND))])
        return _values(connection)


def _values(connection: RedisConnection) -> dict[bytes, object]:
    found = {k: v for node in connection.primaries() for k, v in values_of(node).items()}
    return {k: v for k, v in found.items() if k.rpartition(b":")[2] not in _OWN}


def test_a_cluster_moves_to_sentinel_and_back(
    cluster: Cluster, group: SentinelGroup, due: Due, tmp_path: Path
):
    before = _filled(cluster.url, due)
    with connected(cluster.url) as source, connected(group.url) as target:
        restored(
            RedisConnection(target), backed_up(RedisConnection(source), tmp_path / "one.backup")
        )
        assert _values(RedisConnection(target)) == before
    with connected(group.url) as source, connected(cluster.url) as target:
        restored(
            RedisConnection(target), backed_up(RedisConnection(source), tmp_path / "two.backup")
        )
        assert _values(RedisConnection(target)) == before
        RedisOutbox(RedisConnection(target), KeySchema(16)).open()
