"""Message ids that are counters: another text under an old id gets its own receipt."""

import datetime as dt
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from receipts.model.message import DeliveryReport, MessageStatus
from receipts.model.reported_time import ReportedTime
from receipts.providers.smsc_status import SmscStatusTable
from tests.receipts.reports.conftest import ReportRig
from tests.support.reports import ANNA, FRIEND, PATIENCE, swept, trail

VALIDITY_HOURS = 48


def report(
    rig: ReportRig,
    status: str = "DELIVRD",
    *,
    message: str = "17",
    sent: float | None = None,
    done: float | None = None,
    live: bool = False,
) -> DeliveryReport:
    """A report now; ``sent`` and ``done`` are hours from the start of the test."""
    start = dt.datetime(2026, 11, 22, 4, 0, tzinfo=dt.UTC)

    def at(hours: float | None) -> ReportedTime | None:
        return None if hours is None else ReportedTime(start + dt.timedelta(hours=hours))

    meaning, cause = SmscStatusTable().read(status)
    return DeliveryReport(
        message, ANNA, FRIEND, meaning, status, rig.clock.now(),
        cause=cause, submitted=at(sent), done=at(done), live=live,
    )  # fmt: skip


def tell(rig: ReportRig, *reports: DeliveryReport) -> int:
    """The number of new reports among these."""
    return rig.built.report_service.ingest_batch(reports).accepted


def test_same_id_submitted_on_two_days_is_two_texts(rig: ReportRig):
    rig.stand()
    first = report(rig, sent=0, done=0.1)
    assert tell(rig, first) == 1
    rig.clock.move(hours=24)
    second = report(rig, "UNDELIV", sent=24, done=24.1)
    assert tell(rig, second, second, first) == 1
    assert rig.outcomes() == ["delivered", "failed"]
    assert len({receipt.id for receipt in rig.receipts()}) == 2
    assert [text.status for text in trail(rig.built, "17").earlier] == [MessageStatus.DELIVERED]
    indexed = rig.built.clients.text_index.texts_of(ANNA)
    assert [each.begun for each in indexed] == [first.at, second.at]


def test_two_texts_of_one_id_in_one_batch_are_told_apart(rig: ReportRig):
    rig.stand()
    rig.clock.move(hours=30)
    days = [report(rig, status, sent=day, done=day + 1) for day in (0, 24)
            for status in ("ACCEPTD", "DELIVRD")]  # fmt: skip
    assert tell(rig, *days, *days) == 4
    assert rig.outcomes() == ["delivered", "delivered"]


def test_delivery_at_another_time_is_another_text(rig: ReportRig):
    rig.stand()
    assert tell(rig, report(rig, done=0)) == 1
    rig.clock.move(hours=20)
    assert tell(rig, report(rig, done=20), report(rig, done=0)) == 1
    assert rig.outcomes() == ["delivered", "delivered"]


def test_repeat_with_a_fresh_time_of_the_same_day_stays_a_repeat(rig: ReportRig):
    rig.stand()
    assert tell(rig, report(rig, done=0), report(rig, done=5)) == 1
    assert rig.outcomes() == ["delivered"]


def test_repeat_within_the_validity_period_stays_a_repeat(rig: ReportRig):
    rig.stand()
    tell(rig, report(rig))
    rig.clock.move(hours=VALIDITY_HOURS)
    assert tell(rig, report(rig)) == 0
    assert tell(rig, report(rig, "EXPIRED")) == 1  # contradicted, and kept for staff
    assert rig.outcomes() == ["delivered"]


def test_report_without_times_after_the_validity_period_is_another_text(rig: ReportRig):
    rig.stand()
    tell(rig, report(rig))
    rig.clock.move(hours=VALIDITY_HOURS, seconds=1)
    assert tell(rig, report(rig), report(rig)) == 1
    assert rig.outcomes() == ["delivered", "delivered"]


@pytest.mark.parametrize(
    "fields", [{"sent": 0.0}, {"done": 0.0}, {"message": "SM" + "0a" * 16}, {"live": True}]
)
def test_late_repeat_with_a_proof_of_its_text_stays_a_repeat(
    rig: ReportRig, fields: dict[str, float]
):
    rig.stand()
    tell(rig, report(rig, **fields))  # type: ignore[arg-type]
    rig.clock.move(days=5)
    assert tell(rig, report(rig, **fields)) == 0  # type: ignore[arg-type]
    assert rig.outcomes() == ["delivered"]


def test_each_text_of_an_id_waits_for_its_own_final_report(rig: ReportRig):
    rig.stand()
    tell(rig, report(rig, "ACCEPTD", sent=0))
    rig.clock.move(hours=24)
    tell(rig, report(rig, "ACCEPTD", sent=24))
    rig.clock.move(hours=PATIENCE - 24, seconds=1)
    assert (swept(rig.built), rig.outcomes()) == (1, ["no_answer"])
    tell(rig, report(rig, sent=24, done=25))
    assert rig.outcomes() == ["no_answer", "delivered"]
    assert rig.fire_timeout() == 0
    tell(rig, report(rig, sent=0, done=51))
    assert rig.outcomes() == ["no_answer", "delivered", "delivered"]


@pytest.mark.parametrize("first", ["DELIVRD", "ACCEPTD"])
@pytest.mark.parametrize("expired", [True, False])
def test_id_reused_weeks_later_is_another_text(rig: ReportRig, first: str, *, expired: bool):
    rig.stand()
    tell(rig, report(rig))
    if expired:
        rig.forget_reports()
    rig.clock.move(days=41)
    for status in dict.fromkeys((first, "DELIVRD")):
        assert tell(rig, report(rig, status)) == 1
    assert rig.outcomes() == ["delivered", "delivered"]


def test_parts_submitted_seconds_apart_are_one_text(rig: ReportRig):
    rig.stand()
    for part in (1, 2):
        told = report(rig, sent=part / 600, done=1)
        tell(rig, replace(told, part=part, parts=2))
    assert rig.outcomes() == ["delivered"]


def test_repeats_of_parts_that_arrived_hours_apart_are_no_new_text(rig: ReportRig):
    rig.stand()
    parts = [replace(report(rig, done=part * 3), part=part, parts=2) for part in (1, 2)]
    assert (tell(rig, *parts), tell(rig, *parts)) == (2, 0)
    assert rig.outcomes() == ["delivered"]


@pytest.mark.parametrize("status", ["UNDELIV", "EXPIRED", "REJECTD"])
def test_same_failure_at_another_time_is_another_text(rig: ReportRig, status: str):
    rig.stand()
    assert tell(rig, report(rig, status, done=0)) == 1
    rig.clock.move(hours=24)
    assert tell(rig, report(rig, status, done=24), report(rig, status, done=0)) == 1
    assert len(rig.outcomes()) == 2


def test_old_texts_of_an_id_are_dropped_in_the_end(rig: ReportRig):
    rig.stand()
    for day in range(12):
        tell(rig, report(rig, sent=24 * day, done=24 * day + 1))
        rig.clock.move(hours=24)
    assert len(rig.receipts()) == 12
    assert len(trail(rig.built, "17").earlier) == 7


OUTCOMES = {"DELIVRD": "delivered", "UNDELIV": "failed", "REJECTD": "rejected"}


def test_any_order_of_reports_gives_each_text_of_an_id_one_receipt(rig: ReportRig):
    hours = st.lists(st.integers(0, 200), min_size=1, max_size=5, unique=True)
    finals = st.lists(st.sampled_from(sorted(OUTCOMES)), min_size=5, max_size=5)

    @settings(
        derandomize=True, deadline=None, max_examples=60, suppress_health_check=[*HealthCheck]
    )
    @given(hours, finals, st.randoms(use_true_random=False))
    def each_once(sent: list[int], statuses: list[str], chance: random.Random) -> None:
        rig.raw.flushall()
        rig.stand()
        texts = dict(zip(sent, statuses, strict=False))
        reports = [
            report(rig, status, sent=hour, done=hour + 0.5)
            for hour, final in texts.items()
            for status in (*(("ACCEPTD",) if chance.random() < 0.5 else ()), final)
        ]
        said = reports + chance.sample(reports, k=len(reports) // 2)
        chance.shuffle(said)
        while said:
            count = chance.randint(1, 4)
            tell(rig, *said[:count])
            del said[:count]
        assert sorted(rig.outcomes()) == sorted(OUTCOMES[final] for final in texts.values())

    each_once()
