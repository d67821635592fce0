"""Time and memory of a customer import: `python -m tests.bench.customers 1000000`.

Imports a file of so many lines twice into a new store that writes to disk before it answers.
"""

import sys
import time
from pathlib import Path

from app import bootstrap
from app.settings import Settings
from receipts.bulk_import.csv_reader import CsvFile
from receipts.bulk_import.job import ImportJob
from receipts.bulk_import.rows import CUSTOMERS
from tests.bench.local_store import local_store
from tests.bench.processes import counted_round_trips, peak_megabytes


def write(path: Path, count: int) -> None:
    """Write a file of so many customers, two of three with a province."""
    with path.open("w") as file:
        file.write("number,network,province\n")
        for index in range(count):
            province = "CN-GD" if index % 3 else ""
            file.write(f"138{index * 7919 % 10**8:08},china_mobile,{province}\n")


def main() -> None:
    """Print a row for new customers, and one for the same again."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with local_store() as folder, counted_round_trips() as trips:
        path = folder / "customers.csv"
        write(path, count)
        services = bootstrap.services(Settings.read({"DATA_DIR": str(folder)}))
        print("| lines | changed | seconds | peak MB | round trips per 1,000 |")
        print("|---|---|---|---|---|")
        for _ in range(2):
            trips[0], began = 0, time.monotonic()
            job = ImportJob(CsvFile(path, CUSTOMERS), services.import_handler, services.store,
                            services.clients.bulk_reader)  # fmt: skip
            *_, end = job.run(None)
            print(f"| {end.lines} | {end.changed} | {time.monotonic() - began:.0f} "
                  f"| {peak_megabytes():.0f} | {trips[0] / end.lines * 1000:.2f} |")  # fmt: skip
        services.clients.close()


if __name__ == "__main__":
    main()
