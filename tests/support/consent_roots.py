"""Consent entries on some days, the roots that export prints of them, and forgers of the store."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from click.testing import CliRunner, Result
from msgspec.structs import replace

from app import bootstrap
from app.settings import Settings
from commands import main
from commands.evidence.signing import make_key
from receipts.model.charge import AuditEntry
from receipts.model.customer import Subscription
from receipts.model.vocabulary import Msisdn
from receipts.store.codec import decode, decode_record, encode, encode_record
from receipts.subscriptions.consent import append_to_chain
from tests.conftest import JILIN, Network
from tests.support.fixtures import SHANXI
from tests.support.months import Months

Edit = Callable[[list[AuditEntry]], list[AuditEntry]]


@dataclass
class Operator:
    """Runs commands with a signing key, and keeps roots in a folder outside the store."""

    environ: dict[str, str]
    public_key: str
    outside: Path

    def run(self, *words: str, **environ: str) -> Result:
        return CliRunner().invoke(main.main, list(words), env=self.environ | environ)

    def keep(self, *months: str) -> list[dict[str, Any]]:
        """Export months and keep their roots; return the roots."""
        kept = []
        for month in months:
            done = self.run(
                *("export", "audit", "--month", month, "--format", "jsonl"),
                *("--out", str(self.export_of(month))),
                *("--keep-roots", str(self.outside / f"roots-{month}.jsonl")),
            )
            assert done.exit_code == 0, done.output
            kept += json.loads(done.stderr)["roots"]
        return kept

    def export_of(self, month: str) -> Path:
        """The file of the entries that ``keep`` exported."""
        return self.outside.parent / f"audit-{month}.jsonl"

    def keep_only(self, root: dict[str, Any]) -> Path:
        """A file with one root."""
        path = self.outside.parent / f"only-{root['day']}.json"
        path.write_text(json.dumps(root))
        return path

    def consent(self, number: str, *roots: Path) -> tuple[str, int]:
        """The result of the comparison, and the exit status."""
        done = self.run("consent", number, *_root_options(roots))
        return json.loads(done.stdout)["root"]["compared"], done.exit_code

    def audit(self, month: str, *roots: Path) -> tuple[str, int]:
        """The result of the comparison by `export audit`, and the exit status."""
        done = self.run("export", "audit", "--month", month, *_root_options(roots))
        return json.loads(done.stderr)["compared"], done.exit_code


def _root_options(roots: Sequence[Path]) -> list[str]:
    return [word for root in roots for word in ("--root", str(root))]


@pytest.fixture
def operator(settings: Settings, built: bootstrap.Container, tmp_path: Path) -> Operator:
    del built
    outside = tmp_path / "kept"
    outside.mkdir()
    public = make_key(tmp_path / "key.pem")
    environ = {
        "REDIS_URL": settings.redis_url,
        "DATA_DIR": str(settings.data_dir),
        "CONSENT_SIGNING_KEY": str(tmp_path / "key.pem"),
    }
    return Operator(environ, public, outside)


def some_days(network: Network, months: Months) -> None:
    """Entries on 22 and 25 November and 3 December; none on other days. It is 6 December."""
    network.open(JILIN)
    network.open(SHANXI)
    months.pass_to("2026-11-25 09:00")
    network.text(JILIN, "PT")
    months.pass_to("2026-12-03 09:00")
    network.text(JILIN, "SX")
    months.pass_to("2026-12-06 09:00")


class Forger:
    """The owner of the store: rewrites entries, all hashes after them, and the records."""

    def __init__(self, raw: "redis.Redis") -> None:
        self._raw = raw

    def chain(self, number: str) -> list[AuditEntry]:
        (key,) = self._raw.scan_iter(f"*consent:{Msisdn(number).digits}")
        return [decode(AuditEntry, each) for each in self._raw.lrange(key, 0, -1)]

    def rewrite(self, number: str, edit: Edit) -> None:
        """Rewrite a chain, the customer's record and the audit log, so that all hashes fit."""
        forged, _ = self.rewrite_chain(number, edit)
        for key in sorted(self._raw.scan_iter("*audit:*")):
            month = key.decode()[-7:]
            rows = [decode(AuditEntry, f[b"entry"]) for _, f in self._raw.xrange(key)]
            if Msisdn(number) not in {row.number for row in rows}:
                continue
            others = [row for row in rows if row.number != Msisdn(number)]
            own = [row for row in forged if row.at.isoformat()[:7] == month]
            self._raw.delete(key)
            for row in sorted([*others, *own], key=lambda row: row.at):
                self._raw.xadd(key, {"entry": encode(row)})

    def rewrite_chain(self, number: str, edit: Edit) -> tuple[tuple[AuditEntry, ...], str]:
        """Rewrite a chain and the customer's record, but not the audit log."""
        (key,) = self._raw.scan_iter(f"*consent:{Msisdn(number).digits}")
        forged, head = append_to_chain(edit(self.chain(number)), "")
        self._raw.delete(key)
        self._raw.rpush(key, *map(encode, forged))
        (record,) = self._raw.scan_iter(f"*sub:{Msisdn(number).digits}")
        stored = self._raw.get(record)
        customer = decode_record(Subscription, stored)
        assert stored
        assert customer
        version = int(stored[: stored.index(b"|")])
        self._raw.set(record, encode_record(replace(customer, chain=head), version))
        return forged, head


@pytest.fixture
def forger(raw: "redis.Redis") -> Forger:
    return Forger(raw)


def reworded(entries: list[AuditEntry]) -> list[AuditEntry]:
    """The second entry (the yes) with other words."""
    return [
        replace(entry, reply_text="是的，我要") if index == 1 else entry
        for index, entry in enumerate(entries)
    ]
