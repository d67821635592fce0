"""Lists in files, and the commands that import them."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result

from app import bootstrap
from receipts.model.customer import Subscription
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from tests.support.months import Run, run

__all__ = ["run"]


@dataclass
class Desk:
    """Files and commands of an operator."""

    built: bootstrap.Container
    folder: Path
    run: Run

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def take(self, kind: str, *lines: str, name: str = "list.csv") -> Result:
        """Import lines, the first one being the header."""
        return self.run(kind, "import", self.file(name, "\n".join(lines) + "\n"))

    def customers(self, *lines: str, **more: str) -> Result:
        return self.take("customers", "number,network,province", *lines, **more)

    def ported(self, *lines: str, **more: str) -> Result:
        return self.take("ported", "number,network", *lines, **more)

    def collections(self, *lines: str, **more: str) -> Result:
        return self.take("collections", "number,month,result", *lines, **more)

    def refused(self, name: str = "list.csv") -> list[str]:
        """The refused lines, without the path before them."""
        errors = self.folder / f"{name}.errors"
        lines = errors.read_text().splitlines() if errors.exists() else []
        return [line.removeprefix(str(self.folder) + "/") for line in lines]

    def of(self, number: str) -> Subscription:
        return self.built.store.load(Msisdn(number)).subscription

    def notices(self, number: str) -> list[Receipt]:
        return self.built.store.receipts_of(Msisdn(number), 100, MessageKind.NOTICE)

    def shown(self, number: str) -> dict[str, object]:
        shown: dict[str, object] = json.loads(self.run("show", number).output)
        return shown


@pytest.fixture
def desk(built: bootstrap.Container, tmp_path: Path, run: Run) -> Desk:
    return Desk(built, tmp_path, run)
