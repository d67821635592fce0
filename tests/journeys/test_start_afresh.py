"""A demo that starts afresh: all its data gone, the same addresses and secrets."""

from pathlib import Path

from receipts.store.archive.folder import ArchiveFolder
from tests.support.phones import Phones
from tests.support.product import Service, until

GUANGDONG = "13802880000"


def test_demo_starts_afresh_with_no_data_and_the_real_time(tmp_path: Path):
    service = Service(tmp_path / "data", {})
    with service.running_demo(), Phones(service.network) as phones:
        phone = phones.standing(GUANGDONG)
        phone.asks("KTDXHZ")
        phone.asks("是")
        service.later("+48h")
        before = (service.folder / "demo.env").read_text()
        assert service.shows(GUANGDONG)["state"] == "active"
        first = phones.get("events")["last"]
        archive = ArchiveFolder(service.folder / "archive")
        archive.create()
        archive.new_file("2026-01", 0).add({})
        assert phones.get("service")["can_start_afresh"]
        phones.post("afresh")
        until(lambda: is_afresh(phones, first), why="the network to be back")
        assert service.shows(GUANGDONG)["state"] == "none"
        assert phones.get("service")["clock"]["moved_seconds"] == 0
        assert (service.folder / "demo.env").read_text() == before
        assert not (service.folder / "store" / "erased").exists()
        assert not archive.months()
        # It serves as the first one did.
        assert "回复“是”" in phones.standing(GUANGDONG).asks("KTDXHZ")


def is_afresh(phones: Phones, first: int) -> bool:
    """Whether another run of the network answers, and the service behind it."""
    try:
        return phones.get("events", after=first)["reset"] and bool(phones.get("service")["clock"])
    except (AssertionError, OSError):
        return False
