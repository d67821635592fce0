"""The check of the archive, and of what the store knows of it."""

from collections.abc import Callable, Iterator

from receipts.store.archive.folder import ArchiveFolder
from receipts.store.archive.reader import DAMAGE
from receipts.store.archive.register import ArchiveRegister
from receipts.store.check.findings import Damage, DamageKind


class ArchiveCheck:
    """Reads every file of the archive. Methods raise StoreUnavailableError."""

    def __init__(self, register: ArchiveRegister, folder: ArchiveFolder, shards: int) -> None:
        self._register, self._folder, self._shards = register, folder, shards
        self.files = 0

    def findings(self, progress: Callable[[float], None] = lambda _: None) -> Iterator[Damage]:
        """Files that are missing or damaged, and receipts that are in neither place."""
        known, found = self._register.name(), self._folder.name()
        if not known:
            return
        if known != found:
            detail = "another store's" if found else "missing or empty"
            yield Damage(DamageKind.ARCHIVE_MISSING, str(self._folder.path), detail)
            return
        for shard in range(self._shards):
            for month in self._folder.months(shard):
                self.files += 1
                if fault := self._fault(month, shard):
                    yield Damage(DamageKind.ARCHIVE_DAMAGED, _name(month, shard), fault)
            yield from self._lost(shard)
            progress((shard + 1) / self._shards)

    def missing(self) -> list[str]:
        """Files that the store counts receipts in, and that are not in the folder."""
        is_ours = self._folder.name() == self._register.name()
        return [
            _name(month, shard)
            for shard in range(self._shards)
            for month, count in self._register.counts(shard).items()
            if count > 0 and not (is_ours and self._folder.file(month, shard).path.exists())
        ]

    def _fault(self, month: str, shard: int) -> str:
        try:
            return self._folder.file(month, shard).damage()
        except DAMAGE as error:
            return str(error)

    def _lost(self, shard: int) -> Iterator[Damage]:
        """Fewer receipts in a file than have left the store for it."""
        # A mover fills the file before it counts; an erasure counts before it lets go of the lock.
        with self._folder.lock(shard):
            for month, count in self._register.counts(shard).items():
                file = self._folder.file(month, shard)
                try:
                    there = file.count() if file.path.exists() else 0
                except DAMAGE:
                    continue  # it is a finding already
                if there < count:
                    detail = f"{count - there} of {count} receipts"
                    yield Damage(DamageKind.ARCHIVE_INCOMPLETE, _name(month, shard), detail)


def _name(month: str, shard: int) -> str:
    return f"archive {month} s{shard}"
