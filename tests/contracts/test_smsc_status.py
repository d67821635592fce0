"""Statuses and codes of message centres: one table for the feed and for Kannel."""

import pytest

from receipts.model.message import FailureCause, MessageStatus
from receipts.providers.smsc_status import SmscStatusTable

NAMES = {
    MessageStatus.DELIVERED: ("DELIVRD", "DELIVERED", "delivered", " Delivrd "),
    MessageStatus.FAILED: ("UNDELIV", "UNDELIVERABLE", "Undelivered", "MK:0001", "mn:0017"),
    MessageStatus.EXPIRED: ("EXPIRED", "expired"),
    MessageStatus.REJECTED: ("REJECTD", "REJECTED", "MA:0051", "MB:0069", "CB:0007", "cb7"),
    MessageStatus.UNDERWAY: ("ACCEPTD", "ACCEPTED", "ENROUTE", "EN_ROUTE", "en route", "SCHEDULED"),
    MessageStatus.UNKNOWN: (
        *("DELETED", "UNKNOWN", "SKIPPED", "CA:0051", "XX:0001", "2", "MADEIRA", "", "已送达"),
    ),
}


@pytest.mark.parametrize(
    ("name", "meaning"), [(name, meaning) for meaning, names in NAMES.items() for name in names]
)
def test_names_of_one_state_have_one_meaning(name: str, meaning: MessageStatus):
    assert SmscStatusTable().read(name)[0] is meaning


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        ("UNDELIV", "001", FailureCause.UNKNOWN_NUMBER),
        ("UNDELIV", "MK:0001", FailureCause.UNKNOWN_NUMBER),
        ("MN:0001", "", FailureCause.UNKNOWN_NUMBER),
        ("UNDELIV", "27", FailureCause.SWITCHED_OFF),
        ("EXPIRED", "027", FailureCause.SWITCHED_OFF),
        ("UNDELIV", "13", FailureCause.BARRED),
        ("UNDELIV", "MA:0001", FailureCause.UNKNOWN),
        ("UNDELIV", "", FailureCause.UNKNOWN),
        ("UNDELIV", "000", FailureCause.UNKNOWN),
        ("UNDELIV", "odd", FailureCause.UNKNOWN),
        ("DELIVRD", "001", FailureCause.UNKNOWN),
        ("ACCEPTD", "27", FailureCause.UNKNOWN),
    ],
)
def test_only_a_known_code_of_a_failure_states_a_cause(status: str, code: str, cause: FailureCause):
    assert SmscStatusTable().read(status, code)[1] is cause


def test_rule_book_changes_families_and_causes_of_a_gateway():
    table = SmscStatusTable(
        {"MA": MessageStatus.UNKNOWN, "XX": MessageStatus.FAILED},
        {"MI:0024": FailureCause.SWITCHED_OFF, "027": FailureCause.UNKNOWN},
    )
    assert table.read("MA:0001")[0] is MessageStatus.UNKNOWN
    assert table.read("XX:0001") == (MessageStatus.FAILED, FailureCause.UNKNOWN)
    assert table.read("UNDELIV", "MI:24") == (MessageStatus.FAILED, FailureCause.SWITCHED_OFF)
    assert table.read("UNDELIV", "27")[1] is FailureCause.UNKNOWN
    assert table.read("MK:0001")[1] is FailureCause.UNKNOWN_NUMBER
