"""Lists in files, and the commands that import them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app import bootstrap
from app.settings import Settings
from commands.main import main
from receipts.model.customer import Subscription
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn

SLOW_HASH = "scrypt:32768:8:1$abcdefgh12345678$" + "0123456789abcdef" * 8


@dataclass
class Desk:
    """Files and commands of an operator."""

    built: bootstrap.Container
    folder: Path

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def run(self, *words: object) -> Result:
        return CliRunner().invoke(main, [str(word) for word in words])

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
def at_desk(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Has commands find the test's store in the environment."""

    def sit() -> None:
        monkeypatch.setenv("REDIS_URL", settings.redis_url)
        monkeypatch.setenv("DATA_DIR", str(settings.data_dir))

    return sit


@pytest.fixture
def desk(built: bootstrap.Container, tmp_path: Path, at_desk: Callable[[], None]) -> Desk:
    at_desk()
    return Desk(built, tmp_path)
