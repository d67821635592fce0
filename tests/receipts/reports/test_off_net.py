"""Recipients of other networks: one free notification a month, and a recorded reason."""

import pytest

from receipts.model.vocabulary import DisplayMode, Language, Network
from tests.conftest import UNICOM
from tests.receipts.reports.conftest import ReportRig
from tests.support.reports import ANNA, trail


def test_off_net_notification_is_sent_once_a_month_and_free(rig: ReportRig):
    rig.stand()
    for n in range(3):
        rig.report("DELIVRD", message=f"SM{n}", friend=UNICOM)
    (notice,) = rig.notices()
    assert ("也不收回执费（短信费照常收取）" in notice.text, notice.mode, notice.price_fen) == (
        True,
        DisplayMode.TEXT,
        0,
    )
    assert rig.receipts() == []
    rig.clock.move(days=9)  # the first of December in China
    rig.report("EXPIRED", message="SM3", friend=UNICOM)
    rig.report("EXPIRED", message="SM4", friend="+447700900123")
    assert len(rig.notices()) == 2
    assert rig.built.account.charges(ANNA) == []


def test_off_net_notification_has_the_customers_language(rig: ReportRig):
    rig.stand(language=Language.EN)
    rig.report("DELIVRD", friend=UNICOM)
    (notice,) = rig.notices()
    assert (notice.language, "the text itself is charged as usual" in notice.text) == (
        Language.EN,
        True,
    )


def test_new_subscription_in_the_same_month_sends_no_second_notification(rig: ReportRig):
    rig.stand()
    rig.report("DELIVRD", message="SM1", friend=UNICOM)
    rig.stand("none")
    rig.stand()
    rig.report("DELIVRD", message="SM2", friend=UNICOM)
    assert len(rig.notices()) == 1


@pytest.mark.parametrize(
    ("state", "raw_status"),
    [("active", "ACCEPTD"), ("none", "DELIVRD"), ("pending", "DELIVRD"), ("suspended", "DELIVRD")],
)
def test_no_notification_before_a_final_report_or_without_the_service(
    rig: ReportRig, state: str, raw_status: str
):
    rig.stand(state)
    rig.report(raw_status, friend=UNICOM)
    assert rig.notices() == []


def test_sender_now_off_net_has_the_reason_on_record(rig: ReportRig):
    rig.stand(network=Network.CHINA_TELECOM)
    rig.report("DELIVRD")
    reason = str(trail(rig.built).no_receipt_reason)
    assert (rig.receipts(), reason) == ([], "sender_off_net")
