"""How long a customer list takes, and how much memory: `python -m tests.bench.customers 1000000`.

A list of so many lines is taken into a store of its own, one that writes to disk before it
answers. Round trips are counted where the store is asked; memory is the most this process held.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click

from app import bootstrap
from app.settings import Settings
from receipts.bulk_import.csv_reader import CsvFile
from receipts.bulk_import.job import ImportJob, ImportProgress
from receipts.bulk_import.rows import CUSTOMERS
from receipts.store.connection import RedisConnection
from receipts.store.local_server import LocalServer


def write(path: Path, count: int) -> None:
    """A list of so many customers, two of three with a province."""
    with path.open("w") as file:
        file.write("number,network,province\n")
        for place in range(count):
            province = "CN-GD" if place % 3 else ""
            file.write(f"138{place * 7919 % 10**8:08},china_mobile,{province}\n")


def main() -> None:
    """Take the list in twice: new, and known already."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    asked, ask = [0], RedisConnection.run

    def counted(self: RedisConnection, operation: Callable[..., object], *about: object) -> object:
        asked[0] += 1
        return ask(self, operation, *about)

    RedisConnection.run = counted  # type: ignore[assignment, method-assign]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "customers.csv"
        write(path, count)
        data_dir = Path(folder) / "var"
        server = LocalServer(data_dir)
        server.start()
        built = bootstrap.services(Settings(data_dir=data_dir))
        click.echo(
            "| lines | changed | seconds | peak MB | round trips per 1,000 |\n|---|---|---|---|---|"
        )
        for _ in range(2):
            asked[0], began = 0, time.monotonic()
            file = CsvFile(path, CUSTOMERS)
            taking = ImportJob(file, built.import_handler, built.store, built.clients.bulk_reader)
            end = taking.run(None, _silent)
            took = time.monotonic() - began
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            trips = asked[0] / end.lines * 1000
            click.echo(f"| {end.lines} | {end.changed} | {took:.0f} | {peak:.0f} | {trips:.2f} |")
        built.clients.close()
        server.stop(last_writes_seconds=0)


def _silent(_: ImportProgress) -> None:
    """Nobody watches."""


if __name__ == "__main__":
    main()
