"""Checks of the servers behind REDIS_URL: Sentinel, cluster, TLS, user."""

from collections.abc import Iterator

from app.settings import Settings
from commands.diagnostics.addresses import is_loopback_host
from commands.diagnostics.check import Check
from receipts.store.connection import RedisConnection
from receipts.store.servers.address import StoreAddress, parse_address
from receipts.store.servers.sentinel import PATIENCE_SECONDS
from receipts.store.servers.sentinel_views import Outlook

#: Fewer cannot elect one of them when one is lost.
_LEAST_SENTINELS = 3

#: What a failover takes beyond the time after which a server counts as down, in seconds.
_ELECTION_SECONDS = 4

_PAGE = "docs/operations.md#store"


def check_topology(settings: Settings, connection: RedisConnection) -> Iterator[Check]:
    """Name the form of the store, and what would make a failover lose or refuse changes."""
    if not settings.redis_url:
        return
    address = parse_address(settings.redis_url)
    if address.service:
        outlook = connection.outlook()
        if outlook is not None:
            yield from _sentinel(outlook)
            yield from _isolation(outlook, connection)
    elif (size := connection.cluster_size()) is not None:
        primaries, replicas = size
        fix = f"give each primary a replica ({_PAGE})" if replicas < primaries else ""
        yield Check(True, f"store: cluster of {primaries} primaries and {replicas} replicas", fix)
    yield from _access(address)


def _sentinel(seen: Outlook) -> Iterator[Check]:
    subject = (
        f"store: Sentinel, primary {seen.primary} of {seen.service!r}, replicas in step: "
        f"{seen.in_step}, Sentinels: {seen.agreeing} of {seen.known} agree"
    )
    if seen.agreeing * 2 <= seen.known:
        yield Check(False, subject, "start the other Sentinels: without most of them no failover")
        return
    fix = ""
    if seen.in_step == 0:
        fix = "start a replica: changes are on one server alone"
    elif seen.known < _LEAST_SENTINELS:
        fix = f"run {_LEAST_SENTINELS} Sentinels: fewer elect none of them when one is lost"
    elif seen.agreeing < seen.known:
        fix = "start the Sentinel that is missing"
    yield Check(True, subject, fix)
    if seen.down_after_seconds + _ELECTION_SECONDS > PATIENCE_SECONDS:
        yield Check(
            True,
            f"a failover begins after {seen.down_after_seconds:g} s, and requests wait "
            f"{PATIENCE_SECONDS:g} s for its end",
            f"SENTINEL SET {seen.service} down-after-milliseconds 2000, at each Sentinel",
        )


def _isolation(seen: Outlook, connection: RedisConnection) -> Iterator[Check]:
    if seen.in_step > 1 and connection.setting("min-replicas-to-write") == "0":
        subject = "an isolated primary takes writes, though none is acknowledged"
        yield Check(True, subject, "set min-replicas-to-write 1 on each server")


def _access(address: StoreAddress) -> Iterator[Check]:
    """TLS and user, where the store is on another machine."""
    if all(is_loopback_host(host) for host, _ in address.hosts):
        return
    if not address.is_tls:
        subject = "REDIS_URL has no TLS: numbers cross the network in clear"
        yield Check(True, subject, f"write rediss:// ({_PAGE})")
    elif address.options.get("ssl_cert_reqs", "required") != "required":
        subject = "REDIS_URL does not require a certificate that can be checked"
        yield Check(True, subject, "remove ssl_cert_reqs; name the CA by ssl_ca_certs")
    if "username" not in address.options:
        subject = "REDIS_URL names no user: the default one has all rights, or none"
        yield Check(True, subject, f"create the user of deploy/redis/users.acl ({_PAGE})")
