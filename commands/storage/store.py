"""The commands `store …`."""

import click

from commands.params import examples
from commands.storage.backup import STEPS
from commands.storage.opening import unused_store
from commands.tables import print_record, progress_bar
from receipts.store.keys import SCHEMA_VERSION, KeySchema
from receipts.store.schema.upgrades import upgrade


@click.group(epilog=examples("store upgrade"))
def store() -> None:
    """Upgrade the store after an update."""


@store.command("upgrade", epilog=examples("store upgrade"))
def upgrade_() -> None:
    """Bring the store of an earlier release to this one.

    Stop all processes of the service, and make a backup first. An interrupted upgrade is run again.
    """
    with unused_store(create=False) as (settings, connection):
        keys = KeySchema(settings.shards)
        with progress_bar("Upgrading", STEPS) as reached:
            found = upgrade(connection, keys, lambda share: reached(int(share * STEPS)))
    print_record({"schema_found": found, "schema": SCHEMA_VERSION}, as_json=False)
