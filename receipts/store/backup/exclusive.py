"""Make sure that no other process uses a store."""

from typing import Any

from receipts.ports.store import StoreUnavailableError
from receipts.store.connection import CLIENT_NAME as OUR_NAME
from receipts.store.connection import RedisConnection

#: The name of the connections of one command in CLIENT LIST.
CLIENT_NAME = f"{OUR_NAME}-exclusive"


def require_unused(connection: RedisConnection) -> None:
    """Raises StoreUnavailableError while other connections of ours are open.

    ``connection`` must have been made under ``CLIENT_NAME``.
    """
    found = set[str]()
    for primary in connection.run(connection.primaries):
        listed: Any = connection.run(primary.client_list)
        databases = {each["db"] for each in listed if each.get("name") == CLIENT_NAME}
        found |= {
            each["addr"]
            for each in listed
            if each.get("name", "").startswith(OUR_NAME)
            and each["name"] != CLIENT_NAME
            and each["db"] in databases
        }
    if found:
        where = ", ".join(sorted(found)[:3])
        raise StoreUnavailableError(
            f"the store is in use: {len(found)} connections of a running service or command, from "
            f"{where}. Stop `serve`, `work` and all commands on all machines first"
        )
