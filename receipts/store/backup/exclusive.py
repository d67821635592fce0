"""Make sure that no other process uses a store."""

from typing import Any

from receipts.ports.store import StoreUnavailableError
from receipts.store.connection import RedisConnection

#: The name of our own connections in CLIENT LIST.
CLIENT_NAME = "sms-receipt-exclusive"


def require_unused(connection: RedisConnection) -> None:
    """Raises StoreUnavailableError while other clients of this kind are connected.

    ``connection`` must have been made under ``CLIENT_NAME``. Replicas and monitors are no clients
    of this kind. A server before version 7.2 does not tell kinds apart.
    """
    found = set[str]()
    for primary in connection.run(connection.primaries):
        listed: Any = connection.run(primary.client_list)
        databases = {each["db"] for each in listed if each.get("name") == CLIENT_NAME}
        found |= {
            each["addr"]
            for each in listed
            if each.get("name") != CLIENT_NAME
            and each["db"] in databases
            and each.get("lib-name", "redis-py") == "redis-py"
            and each["flags"] == "N"
        }
    if found:
        where = ", ".join(sorted(found)[:3])
        raise StoreUnavailableError(
            f"the store is in use: {len(found)} connections of a running service or command, from "
            f"{where}. Stop `serve`, `work` and all commands on all machines first"
        )
