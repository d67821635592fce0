"""TLS and users on Debian's Redis, with the files of deploy/redis: server, Sentinel, cluster."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.protection.limit_storage import code_limits
from app.settings import Settings
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet, CommitStatus, Timer
from receipts.ports.store import StoreUnavailableError
from receipts.store.bulk import RedisBulkReader
from receipts.store.connection import RedisConnection, connected
from receipts.store.keys import KeySchema
from receipts.store.outbox import RedisOutbox
from receipts.store.rate_limiter import RedisRateLimiter
from receipts.store.redis_store import RedisStore
from receipts.store.retention import RetentionSeconds
from receipts.worker.rate_limit import RateLimit
from tests.receipts.store.conftest import NOW
from tests.support.debian_redis import (
    Certificates,
    DebianCluster,
    DebianNode,
    DebianSentinelGroup,
    one_server,
)

NUMBERS = [Msisdn(f"+86138028{place:05}") for place in range(40)]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    made = Certificates(tmp_path_factory.mktemp("tls"))
    made.make()
    return made


@pytest.fixture(scope="module")
def node(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[DebianNode]:
    node = one_server(tmp_path_factory.mktemp("one"), certificates)
    node.start()
    yield node
    node.stop()


def _use(url: str) -> None:
    """Everything that the service does with its store."""
    with connected(Settings.read({"REDIS_URL": url}).redis_url) as client:
        server, keys = RedisConnection(client), KeySchema(16)
        store, outbox = RedisStore(server, keys), RedisOutbox(server, keys)
        outbox.open()
        changes = [
            ChangeSet(
                number,
                idempotency_key=f"once {number}",
                records=(Subscription(number, 1),),
                outbox=(store.receipt_id(number, "a"),),
                timers=(Timer("end", number, "", NOW),),
            )
            for number in NUMBERS
        ]
        assert {each.status for each in store.commit_all(changes)} == {CommitStatus.COMMITTED}
        assert _repeated(store) == {CommitStatus.DUPLICATE}
        entries = outbox.fetch("one", 10_000, timeout=0.1)
        outbox.renew_leases("one", entries)
        assert outbox.reclaim("two", 0, 10_000)
        outbox.discard(entries)
        assert len(outbox.due_timers(NOW, 1000)) == len(NUMBERS)
        assert outbox.workers_idle_seconds()
        archive = RedisBulkReader(server, keys)
        found = [customer.number for _, batch in archive.customers() for customer in batch]
        assert sorted(found) == sorted(NUMBERS)
        assert RedisRateLimiter(server, RetentionSeconds).reserve({RateLimit("kannel", 10): 1})
        limits = code_limits(server, Settings.read({"HOME": "/", "CODES_PER_VISITOR": "1"}))
        assert [bool(limits.wait_seconds("a", "203.0.113.7")) for _ in range(2)] == [False, True]
        server.ping()
        assert server.info()[0]["redis_version"]
        assert server.setting("appendfsync") == "always"


def _repeated(store: RedisStore) -> set[CommitStatus]:
    keys = (f"once {number}" for number in NUMBERS)
    changes = [ChangeSet(n, idempotency_key=key) for n, key in zip(NUMBERS, keys, strict=True)]
    return {each.status for each in store.commit_all(changes)}


def test_server_with_tls_and_the_users_of_the_file(node: DebianNode, certificates: Certificates):
    _use(f"{node.url}/3?ssl_ca_certs={certificates.path('ca.crt')}")


def test_cluster_with_tls_and_the_users_of_the_file(tmp_path: Path, certificates: Certificates):
    cluster = DebianCluster(tmp_path, certificates)
    try:
        cluster.start()
        _use(f"{cluster.url}?ssl_ca_certs={certificates.path('ca.crt')}")
    finally:
        cluster.stop()


def test_sentinel_with_tls_and_the_users_of_the_file(tmp_path: Path, certificates: Certificates):
    group = DebianSentinelGroup(tmp_path, certificates)
    try:
        group.start()
        url = f"{group.url}&ssl_ca_certs={certificates.path('ca.crt')}"
        _use(url)
        primary = group.primary()
        with connected(url) as client:
            store = RedisStore(RedisConnection(client), KeySchema(16))
            assert _repeated(store) == {CommitStatus.DUPLICATE}
            primary.kill()
            assert _repeated(store) == {CommitStatus.DUPLICATE}
            assert store.load(NUMBERS[0]).subscription.version == 1
        group.whole()
        assert group.primary() is not primary
    finally:
        group.stop()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("rediss://", "redis://"), r"did not answer"),
        (("ca.crt", "other.crt"), r"not trusted: name its CA by ssl_ca_certs"),
        (("PASSWORD-OF-SMS-RECEIPT", "wrong"), r"refuses the login: check user and password"),
        (("sms-receipt:PASSWORD-OF-SMS-RECEIPT@", ""), r"asks for a login|refuses the login"),
        (("sms-receipt:PASSWORD-OF-SMS-RECEIPT", "replica:PASSWORD-OF-REPLICAS"),
         r"the store refused.*rights of deploy/redis/users\.acl"),
    ],
)  # fmt: skip
def test_refusal_names_the_next_step_and_no_password(
    node: DebianNode, certificates: Certificates, change: tuple[str, str], complaint: str
):
    url = f"{node.url}/0?ssl_ca_certs={certificates.path('ca.crt')}".replace(*change)
    if change[1] == "redis://":
        url = url.partition("?")[0]
    with connected(url) as client, pytest.raises(StoreUnavailableError, match=complaint) as raised:
        RedisConnection(client).execute(("GET", "stamp"))
    assert "PASSWORD" not in str(raised.value)
    assert "wrong" not in str(raised.value)


def test_certificate_of_another_name_is_refused(tmp_path: Path, certificates: Certificates):
    node = one_server(tmp_path, certificates)
    place = node.placed
    node.placed = lambda text: (
        place(text)
        .replace("server.crt", "elsewhere.crt")
        .replace(  # type: ignore[method-assign]
            "server.key", "elsewhere.key"
        )
    )
    node.answers = lambda: True  # type: ignore[method-assign]
    node.start()
    ca = f"ssl_ca_certs={certificates.path('ca.crt')}"
    try:
        another = pytest.raises(StoreUnavailableError, match="another address: add this one to it")
        with connected(f"{node.url}?{ca}") as client, another:
            RedisConnection(client).execute(("GET", "stamp"))
        with connected(f"{node.url}?{ca}&ssl_check_hostname=no") as client:
            assert RedisConnection(client).execute(("GET", "stamp")) == [None]
    finally:
        node.stop()


def test_server_may_ask_for_a_certificate(tmp_path: Path, certificates: Certificates):
    node = one_server(tmp_path, certificates, "tls-auth-clients yes")
    node.answers = lambda: True  # type: ignore[method-assign]
    node.start()
    own = f"ssl_certfile={certificates.path('server.crt')}&ssl_keyfile="
    url = f"{node.url}?ssl_ca_certs={certificates.path('ca.crt')}"
    try:
        with connected(url) as client, pytest.raises(StoreUnavailableError):
            RedisConnection(client).execute(("GET", "stamp"))
        with connected(f"{url}&{own}{certificates.path('server.key')}") as client:
            assert RedisConnection(client).execute(("GET", "stamp")) == [None]
    finally:
        node.stop()


def test_every_right_of_the_user_is_used():
    """No more rights than needed: the whole of the tests shows that none is missing."""
    root = Path(__file__).parents[4]
    (line,) = re.findall(
        r"user sms-receipt .*", (root / "deploy" / "redis" / "users.acl").read_text()
    )
    given = set(re.findall(r" \+([a-z]+)", line))
    texts = [path.read_text() for path in (root / "receipts" / "store").rglob("*.py")]
    texts += [path.read_text() for path in (root / "receipts" / "store").rglob("*.lua")]
    used = {word.lower() for word in re.findall(r"[\"']([A-Z]{3,})[\"']", "\n".join(texts))}
    by_redis_py = {
        "client", "cluster", "command", "config", "info", "ping", "role", "scan", "script",
        "select",
    }  # fmt: skip
    by_limits = {"incrby"}
    assert given - used - by_redis_py - by_limits == set()
