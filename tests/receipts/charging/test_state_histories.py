"""Histories over months: trials, cancellation, unpaid fees, and the charges of each."""

import pytest

from tests.conftest import Network, TestClock
from tests.support.months import Months

pytestmark = pytest.mark.fixed_day

GUANGDONG = "+8613802880000"  # one yuan a month, ends with the month
HEBEI = "+8613903112345"  # 1.50 yuan a month, ends at once
ZHEJIANG = "+8613957112345"  # three yuan a month after a trial of 30 days; window of 24 hours
SHANXI = "+8613903512345"  # no monthly fee, 10 fen a receipt
OPEN, CANCEL, YES, NO = "开通短信回执", "取消短信回执", "是", "否"

# The clock starts on 22 November 2026 at noon in China.
TRIAL_WINDOW, TRIAL_ENDS = "2026-12-21 00:00", "2026-12-22 00:00"


def collect(months: Months, *unpaid: str, paid: bool = False) -> None:
    for month in unpaid:
        months.collected(GUANGDONG, month, paid=paid)


def bill(months: Months, *billed: str) -> None:
    for month in billed:
        months.bill(month)


def test_trial_asks_for_confirmation_one_window_before_its_end(network: Network, months: Months):
    network.open(ZHEJIANG)
    months.pass_to("2026-12-20 23:59")
    assert months.notices(ZHEJIANG) == []
    months.pass_to(TRIAL_WINDOW)
    (question,) = months.notices(ZHEJIANG)
    assert "12月22日起每月3元" in question
    assert "首30天免费" not in question, "the trial is over then"
    assert months.fees(ZHEJIANG) == {}


def test_confirmed_trial_has_first_fee_on_promised_day(network: Network, months: Months):
    network.open(ZHEJIANG)
    months.pass_to(TRIAL_WINDOW)
    network.text(ZHEJIANG, YES)
    bill(months, "2026-12")
    months.pass_to("2026-12-21 23:59")
    assert months.fees(ZHEJIANG) == {}
    months.pass_to(TRIAL_ENDS)
    assert months.fees(ZHEJIANG) == {"2026-12": 300}
    bill(months, "2026-12")
    months.pass_to("2027-01-01 00:00")
    bill(months, "2027-01")
    assert months.fees(ZHEJIANG) == {"2026-12": 300, "2027-01": 300}


def test_unconfirmed_trial_ends_uncharged(network: Network, months: Months):
    network.open(ZHEJIANG)
    months.pass_to(TRIAL_WINDOW)
    months.pass_to(TRIAL_ENDS)
    assert months.customer(ZHEJIANG).state == "none"
    assert "未收费" in months.notices(ZHEJIANG)[0]
    months.pass_to("2027-01-02 00:00")
    bill(months, "2026-11", "2026-12", "2027-01")
    assert months.charges(ZHEJIANG) == []


def test_declined_trial_runs_out_uncharged(network: Network, months: Months):
    network.open(ZHEJIANG)
    months.pass_to(TRIAL_WINDOW)
    network.text(ZHEJIANG, NO)
    assert months.customer(ZHEJIANG).state == "ending"
    months.pass_to(TRIAL_ENDS)
    assert months.customer(ZHEJIANG).state == "none"
    bill(months, "2026-12")
    assert months.charges(ZHEJIANG) == []


def test_late_question_keeps_its_whole_window(network: Network, months: Months, clock: TestClock):
    network.open(ZHEJIANG)
    clock.move(days=29, hours=8)  # without workers: four hours of the trial are left
    months.ring()
    assert "12月22日起" in months.notices(ZHEJIANG)[0]
    months.pass_to("2026-12-22 18:00")
    network.text(ZHEJIANG, YES)
    months.pass_to("2026-12-22 19:00")
    assert months.fees(ZHEJIANG) == {"2026-12": 300}


def test_second_trial_is_not_offered(network: Network, months: Months):
    network.open(ZHEJIANG)
    network.text(ZHEJIANG, CANCEL)
    months.pass_to("2026-12-22 00:00")
    offer = network.text(ZHEJIANG, OPEN).get_data(as_text=True)
    assert "首30天免费" not in offer
    assert "当月按整月收费" in offer
    network.text(ZHEJIANG, YES)
    assert months.fees(ZHEJIANG) == {"2026-12": 300}


@pytest.mark.parametrize("moment", ["2026-11-22 12:01", "2026-11-30 23:00", "2026-12-10 12:00"])
def test_cancelled_trial_goes_on_as_it_was(network: Network, months: Months, moment: str):
    network.open(ZHEJIANG)
    network.text(ZHEJIANG, CANCEL)
    months.pass_to(moment)
    offer = network.text(ZHEJIANG, OPEN).get_data(as_text=True)
    assert "试用至12月22日，期满须再次确认才收费" in offer
    network.text(ZHEJIANG, YES)
    bill(months, "2026-11")
    months.pass_to(TRIAL_WINDOW)
    assert "12月22日起每月3元" in months.notices(ZHEJIANG)[0]
    bill(months, "2026-12")
    assert months.charges(ZHEJIANG) == []
    network.text(ZHEJIANG, YES)
    months.pass_to(TRIAL_ENDS)
    assert months.fees(ZHEJIANG) == {"2026-12": 300}


@pytest.mark.parametrize("leave", [NO, CANCEL])
def test_return_after_renewal_question_does_not_prolong_trial(
    network: Network, months: Months, leave: str
):
    network.open(ZHEJIANG)
    months.pass_to(TRIAL_WINDOW)
    network.text(ZHEJIANG, leave)
    offer = network.text(ZHEJIANG, OPEN).get_data(as_text=True)
    assert "12月22日起按整月收费" in offer
    network.text(ZHEJIANG, YES)
    assert months.fees(ZHEJIANG) == {}
    months.pass_to(TRIAL_ENDS)
    assert months.fees(ZHEJIANG) == {"2026-12": 300}


def test_cancellation_before_first_fee_costs_nothing(network: Network, months: Months):
    network.open(ZHEJIANG)
    months.pass_to(TRIAL_WINDOW)
    network.text(ZHEJIANG, YES)
    network.text(ZHEJIANG, CANCEL)
    months.pass_to("2027-01-02 00:00")
    bill(months, "2026-12")
    assert months.charges(ZHEJIANG) == []
    assert months.customer(ZHEJIANG).state == "none"


def test_cancelled_service_ends_with_its_month_without_timers(
    network: Network, months: Months, clock: TestClock
):
    network.open(SHANXI)
    network.text(SHANXI, CANCEL)
    clock.move(days=9)  # 1 December at noon, without workers
    network.status("SM1", "delivered", sender=SHANXI)
    bill(months, "2026-12")
    months.send(SHANXI)
    assert months.charges(SHANXI) == []


def test_offer_stays_valid_beyond_end_of_month(network: Network, months: Months):
    network.open(GUANGDONG)
    network.text(GUANGDONG, CANCEL)
    months.pass_to("2026-11-30 20:00")
    network.text(GUANGDONG, OPEN)
    months.pass_to("2026-12-01 08:00")
    assert months.customer(GUANGDONG).state == "pending"
    network.text(GUANGDONG, YES)
    assert months.customer(GUANGDONG).state == "active"
    assert months.fees(GUANGDONG) == {"2026-11": 100, "2026-12": 100}


def test_number_half_an_hour_after_list_cancels_nothing(
    network: Network, months: Months, clock: TestClock
):
    network.open(HEBEI)
    network.text(HEBEI, "00000")
    clock.move(minutes=31)
    network.text(HEBEI, "1")
    assert months.customer(HEBEI).state == "active"


def test_two_consecutive_unpaid_months_end_service(network: Network, months: Months):
    network.open(GUANGDONG)
    months.pass_to("2026-12-01 12:00")
    bill(months, "2026-12")
    collect(months, "2026-11")
    assert months.customer(GUANGDONG).state == "suspended"
    collect(months, "2026-12")
    assert months.customer(GUANGDONG).state == "none"
    assert "连续两个月" in months.notices(GUANGDONG)[0]


def test_whole_unpaid_month_after_suspension_ends_service(network: Network, months: Months):
    network.open(GUANGDONG)
    collect(months, "2026-11")
    months.pass_to("2026-12-31 23:59")
    assert months.customer(GUANGDONG).state == "suspended"
    months.pass_to("2027-01-01 00:00")
    assert months.customer(GUANGDONG).state == "none"
    assert "连续两个月" in months.notices(GUANGDONG)[0]
    assert months.fees(GUANGDONG) == {"2026-11": 100}


def test_payment_resumes_service_and_suspension_is_free(network: Network, months: Months):
    network.open(GUANGDONG)
    collect(months, "2026-11")
    months.pass_to("2026-12-31 23:00")
    bill(months, "2026-12")
    assert months.fees(GUANGDONG) == {"2026-11": 100}
    collect(months, "2026-11", paid=True)
    assert months.customer(GUANGDONG).state == "active"
    assert "恢复" in months.notices(GUANGDONG)[0]
    assert months.fees(GUANGDONG) == {"2026-11": 100, "2026-12": 100}


def test_partly_suspended_months_are_billed(network: Network, months: Months):
    network.open(GUANGDONG)
    months.pass_to("2026-12-03 12:00")
    collect(months, "2026-11")
    months.pass_to("2027-01-20 12:00")
    collect(months, "2026-11", paid=True)
    months.pass_to("2027-02-20 12:00")
    collect(months, "2027-01")
    months.pass_to("2027-03-20 12:00")
    collect(months, "2027-01", paid=True)
    bill(months, "2026-12", "2027-01", "2027-02", "2027-03")
    assert months.fees(GUANGDONG) == {
        "2026-11": 100, "2026-12": 100, "2027-01": 100, "2027-02": 100, "2027-03": 100,
    }  # fmt: skip
    months.pass_to("2027-04-10 12:00")
    collect(months, "2027-03")
    months.pass_to("2027-05-31 12:00")
    collect(months, "2027-03", paid=True)
    bill(months, "2027-05")
    assert months.fees(GUANGDONG)["2027-05"] == 100


def test_service_ended_for_unpaid_fees_reopens_once_paid(network: Network, months: Months):
    network.open(GUANGDONG)
    months.pass_to("2026-12-01 12:00")
    bill(months, "2026-12")
    collect(months, "2026-11", "2026-12")
    reply = network.text(GUANGDONG, OPEN).get_data(as_text=True)
    assert "未缴清" in reply
    assert "KTDXHZ重新开通" in reply
    assert "自动恢复" not in reply, "payment alone does not reopen an ended service"
    assert months.customer(GUANGDONG).state == "none"
    collect(months, "2026-11", "2026-12", paid=True)
    network.open(GUANGDONG)
    assert months.customer(GUANGDONG).state == "active"
    assert months.fees(GUANGDONG) == {"2026-11": 100, "2026-12": 100}


@pytest.mark.parametrize("moment", ["2026-11-30 12:00", "2026-12-01 12:00"])
def test_confirmation_is_refused_if_a_fee_has_failed_since_the_offer(
    network: Network, months: Months, moment: str
):
    network.open(GUANGDONG)
    network.text(GUANGDONG, CANCEL)
    months.pass_to(moment)
    network.text(GUANGDONG, OPEN)
    before = months.customer(GUANGDONG).state
    collect(months, "2026-11")
    assert "未缴清" in network.text(GUANGDONG, YES).get_data(as_text=True)
    assert months.customer(GUANGDONG).state == before
    collect(months, "2026-11", paid=True)
    network.text(GUANGDONG, YES)
    assert months.customer(GUANGDONG).state == "active"


@pytest.mark.parametrize("status", ["delivered", "undelivered"])
def test_receipts_in_trial_are_free(network: Network, months: Months, status: str):
    network.open(ZHEJIANG)
    network.status("SM1", status, sender=ZHEJIANG, friend="+8613800138000")
    months.send(ZHEJIANG)
    assert months.charges(ZHEJIANG) == []
