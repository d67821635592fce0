"""Message ids: equal notations are one text, also after the trace has expired."""

import pytest

from receipts.model.message import MessageStatus
from receipts.reports.message_trace import normalise_message_id
from receipts.reports.reconciliation import Reconciliation
from receipts.store.retention import RetentionSeconds
from tests.conftest import BEIJING, ZHEJIANG
from tests.receipts.reports.conftest import ReportRig
from tests.support.reports import FRIEND, trail


@pytest.mark.parametrize("equal", [
    ("31", "031", " 31 ", "0000000000000000000000031", "1f", "1F", "0x1f", "0X001F"),
    ("0", "000", "0x0"), ("SM0a1B", "sm0a1b"), ("0ab-7", "0AB-7"),
    ("18446744073709551615", "ffffffffffffffff", "0xFFFFFFFFFFFFFFFF"),
])  # fmt: skip
def test_notations_of_one_id_are_one_text(equal: tuple[str, ...]):
    assert len({normalise_message_id(notation) for notation in equal}) == 1


@pytest.mark.parametrize(("one", "other"), [
    ("10", "16"), ("10", "0x10"), ("010", "a1"), ("0ab-7", "ab-7"), ("１０", "10"), ("0x", "0"),
    ("18446744073709551616", "10000000000000000"), ("1" * 40, "0" + "1" * 40),
    ("9" * 5000, "8" * 5000),
])  # fmt: skip
def test_different_ids_are_different_texts(one: str, other: str):
    assert normalise_message_id(one) != normalise_message_id(other)


def test_one_id_to_two_recipients_is_two_texts(rig: ReportRig):
    rig.stand()
    rig.report("DELIVRD", message="1f", friend=FRIEND)
    rig.report("EXPIRED", message="31", friend=BEIJING)
    found = sorted((str(r.recipient), str(r.outcome)) for r in rig.receipts())
    assert found == [(BEIJING, "failed"), (ZHEJIANG, "delivered")]


@pytest.mark.parametrize(
    ("raw_status", "reason"), [("DELIVRD", "repeated"), ("EXPIRED", "contradicted")]
)
def test_report_after_the_end_of_its_trace_gives_no_second_receipt(
    rig: ReportRig, raw_status: str, reason: str
):
    assert RetentionSeconds().trails < RetentionSeconds().receipts
    rig.stand()
    rig.report("DELIVRD")
    rig.forget_reports()
    for _ in range(2):
        rig.report(raw_status)
    assert rig.outcomes() == ["delivered"]
    assert [str(event.no_receipt_reason) for event in trail(rig.built).history] == [reason]
    totals = Reconciliation.from_counts(rig.built.clients.bulk_reader.counts())
    assert (totals.reports, totals.receipts) == (2, 1)
    assert (totals.reasons, totals.missing) == ({reason: 1}, 0)


def test_report_without_parts_does_not_shorten_a_long_text(rig: ReportRig):
    rig.stand()
    rig.report("DELIVRD", part=1, parts=3)
    rig.report("ENROUTE")
    rig.report("DELIVRD 2", MessageStatus.DELIVERED, part=1, parts=2)
    rig.report("DELIVRD", part=2, parts=3)
    assert (rig.outcomes(), trail(rig.built).parts) == ([], 3)
    rig.report("DELIVRD", part=3, parts=3)
    rig.report("DELIVRD", part=4, parts=4)
    assert (rig.outcomes(), trail(rig.built).parts) == (["delivered"], 3)
