"""The units of deploy/systemd, read as systemd reads them."""

from collections import defaultdict
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "deploy" / "systemd"
SERVICES = sorted(each.name for each in FOLDER.glob("*.service"))

#: Where the documents install the service.
INSTALLED = "/opt/sms-receipt/bin/sms-receipt"


def values(unit: str) -> dict[str, list[str]]:
    """The values of each name of a unit, in order."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in (FOLDER / unit).read_text().splitlines():
        name, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            found[name].append(value)
    return found


def environment(file: str = "sms-receipt.env") -> dict[str, str]:
    """The settings of an environment file."""
    lines = (FOLDER / file).read_text().splitlines()
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {name: value.strip('"') for name, _, value in pairs}
