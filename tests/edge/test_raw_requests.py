"""Strangers' bytes on the bare port: refused or answered at once, and nothing changes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from receipts.store.local_server import running_server_url
from tests.edge.arbitrary_requests import PATHS, attack
from tests.support.product import Service

#: 10,000 a door: `python -m tests.edge.arbitrary_requests PORT`.
_REQUESTS_A_DOOR = 200

#: Bounds of requests, visits of the portal without a sign-in, and notes of the archive.
_OF_ITSELF = re.compile(rb"^(LIMITER|limit|visit|note:archive)")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("edge") / "data").running_demo() as running:
        yield running


def _state(folder: Path) -> dict[bytes, object]:
    """All that is stored but the archive's own notes; of the outbox its entries.

    The outbox's readers come and go, and the archive looks for old receipts by itself.
    """
    with redis.Redis.from_url(running_server_url(folder)) as store:
        names = [name for name in store.scan_iter() if not _OF_ITSELF.match(name)]
        streams = {name for name in names if store.type(name) == b"stream"}
        return {n: store.xrange(n) if n in streams else store.dump(n) for n in sorted(names)}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.partition("?")[0])
def test_arbitrary_requests_get_no_error_and_change_nothing(service: Service, path: str) -> None:
    before, said = _state(service.folder), len(service.said())
    found = attack(service.port, path, _REQUESTS_A_DOOR, limit_seconds=5)
    assert not found.wrong, found.wrong[:3]
    assert _state(service.folder) == before
    assert "Traceback" not in service.said()[said:]
