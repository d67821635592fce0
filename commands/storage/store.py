"""The commands `store check` and `store upgrade`."""

import datetime as dt
import re
from collections.abc import Callable

import click

from app.clock import clock_for
from app.storage.archive import archive_check
from commands.params import examples, json_option
from commands.storage.backup import STEPS
from commands.storage.opening import any_store, unused_store
from commands.tables import Column, print_record, print_records, print_totals, progress_bar
from receipts.model.masking import mask
from receipts.store.check.findings import Damage
from receipts.store.check.repair import Repair
from receipts.store.check.store_check import StoreCheck
from receipts.store.keys import SCHEMA_VERSION, KeySchema
from receipts.store.schema.stamp import check_shards, check_version, read_stamp
from receipts.store.schema.upgrades import count_customers, upgrade

#: Receipts are kept for a month at least, whichever the rule book.
_KEPT = dt.timedelta(days=28)

#: The digits of a number, alone between colons or other separators.
_NUMBER = re.compile(r"(?<![\w-])\+?\d{8,15}(?![\w-])")

_COLUMNS = (
    Column("Finding", "finding"),
    Column("Key", "key", wrap=True),
    Column("Detail", "detail", wrap=True),
    Column("Fix", "fix", wrap=True),
)


@click.group(epilog=examples("store check", "store upgrade"))
def store() -> None:
    """Check or upgrade the store."""


@store.command(epilog=examples("store check", "store check --repair"))
@click.option("--repair", is_flag=True, help="Repair what needs no judgement.")
@click.option("--numbers", is_flag=True, help="Print phone numbers in full.")
@json_option
def check(*, repair: bool, numbers: bool, as_json: bool) -> None:
    """Read the whole store, and name each fault with its fix.

    Then the archive. The service may run meanwhile. The exit status is 1 if a fault is left.
    """
    with any_store() as (settings, connection):
        stamp = read_stamp(connection)
        check_version(stamp)
        check_shards(stamp.shards, settings.shards)
        keys = KeySchema(settings.shards)
        now = clock_for(settings.data_dir, movable=settings.movable_clock).now()
        run = StoreCheck(connection, keys, _KEPT)
        with progress_bar("Checking", STEPS) as reached:
            found = sorted(run.findings(now, lambda share: reached(int(share * STEPS))))
        archive = archive_check(settings, connection)
        with progress_bar("Checking the archive", STEPS) as reached:
            found += archive.findings(lambda share: reached(int(share * STEPS)))
        repairs = Repair(connection, keys)
        repaired = {each for each in found if repair and repairs.apply(each)}
    shown = str if numbers else _without_numbers
    rows = ({**_row(each, shown), "repaired": each in repaired} for each in found)
    print_records(rows, _COLUMNS, as_json=as_json, empty="nothing is wrong")
    counted = {"keys": run.keys, "archive_files": archive.files}
    print_totals(counted | {"findings": len(found), "repaired": len(repaired)})
    if len(found) > len(repaired):
        raise SystemExit(1)


def _row(finding: Damage, shown: Callable[[str], str]) -> dict[str, str]:
    return {
        "finding": finding.kind,
        "key": shown(finding.key),
        "detail": shown(finding.detail),
        "fix": finding.fix,
    }


def _without_numbers(text: str) -> str:
    """The text with its numbers masked as in the log, and ids of receipts left whole."""
    return _NUMBER.sub(lambda found: mask(found[0]), text)


@store.command("upgrade", epilog=examples("store upgrade"))
@click.option("--recount", is_flag=True, help="Count customers by state anew, at any version.")
def upgrade_(*, recount: bool) -> None:
    """Bring the store of an earlier release to this one.

    Stop all processes of the service, and make a backup first. An interrupted upgrade is run again.
    """
    with unused_store(create=False) as (settings, connection):
        keys = KeySchema(settings.shards)
        with progress_bar("Upgrading", STEPS) as reached:
            found = upgrade(connection, keys, lambda share: reached(int(share * STEPS)))
        if recount:
            count_customers(connection, keys, lambda _: None)
    print_record({"schema_found": found, "schema": SCHEMA_VERSION}, as_json=False)
