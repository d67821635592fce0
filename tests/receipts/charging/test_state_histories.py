"""Customers over the months: second yeses, leaving, unpaid fees, and what is never charged."""

import pytest

from tests.conftest import Network, TestClock
from tests.support.months import Months

GUANGDONG = "+8613802880000"  # one yuan a month, ends with the month
HEBEI = "+8613903112345"  # 1.50 yuan a month, ends at once
ZHEJIANG = "+8613957112345"  # three yuan a month after a trial of 30 days; window of 24 hours
SHANXI = "+8613903512345"  # nothing a month, 10 fen a receipt

# The clock begins on 22 November 2026 at noon in China.
TRIAL_ENDS = "2026-12-22 00:00"


def test_a_trial_asks_for_a_second_yes_one_window_before_its_end(network: Network, months: Months):
    network.open(ZHEJIANG)
    months.pass_to("2026-12-20 23:59")
    assert months.notices(ZHEJIANG) == []
    months.pass_to("2026-12-21 00:00")
    (asked,) = months.notices(ZHEJIANG)
    assert "12月22日起每月3元" in asked
    assert "首30天免费" not in asked, "the trial is over then: only its price is told"
    assert months.fees(ZHEJIANG) == {}


def test_after_a_second_yes_the_first_fee_falls_on_the_promised_day(
    network: Network, months: Months
):
    network.open(ZHEJIANG)
    months.pass_to("2026-12-21 00:00")
    network.text(ZHEJIANG, "是")
    months.bill("2026-12")
    months.pass_to("2026-12-21 23:59")
    assert months.fees(ZHEJIANG) == {}, "nothing before the promised day, whoever bills"
    months.pass_to(TRIAL_ENDS)
    assert months.fees(ZHEJIANG) == {"2026-12": 300}
    months.bill("2026-12")
    months.pass_to("2027-01-01 00:00")
    months.bill("2027-01")
    assert months.fees(ZHEJIANG) == {"2026-12": 300, "2027-01": 300}


def test_silence_at_the_end_of_a_trial_ends_it_uncharged(network: Network, months: Months):
    network.open(ZHEJIANG)
    months.pass_to("2026-12-21 00:00")
    months.pass_to(TRIAL_ENDS)
    assert months.customer(ZHEJIANG).state == "none"
    assert "未产生任何费用" in months.notices(ZHEJIANG)[0]
    months.pass_to("2027-01-02 00:00")
    for month in ("2026-11", "2026-12", "2027-01"):
        months.bill(month)
    assert months.charges(ZHEJIANG) == []


def test_a_no_at_the_end_of_a_trial_lets_it_run_out_uncharged(network: Network, months: Months):
    network.open(ZHEJIANG)
    months.pass_to("2026-12-21 00:00")
    network.text(ZHEJIANG, "否")
    assert months.customer(ZHEJIANG).state == "ending"
    months.pass_to(TRIAL_ENDS)
    assert months.customer(ZHEJIANG).state == "none"
    months.bill("2026-12")
    assert months.charges(ZHEJIANG) == []


def test_a_question_that_comes_late_still_leaves_its_whole_window(
    network: Network, months: Months, clock: TestClock
):
    network.open(ZHEJIANG)
    clock.move(days=29, hours=8)  # the workers slept: four hours of the trial are left
    months.ring()
    assert "12月22日起" in months.notices(ZHEJIANG)[0]
    months.pass_to("2026-12-22 18:00")
    network.text(ZHEJIANG, "是")
    months.pass_to("2026-12-22 19:00")
    assert months.fees(ZHEJIANG) == {"2026-12": 300}


def test_a_second_trial_is_not_given(network: Network, months: Months):
    network.open(ZHEJIANG)
    network.text(ZHEJIANG, "取消短信回执")
    months.pass_to("2026-12-01 00:00")
    offer = network.text(ZHEJIANG, "开通短信回执").get_data(as_text=True)
    assert "首30天免费" not in offer
    assert "12月1日" in offer
    network.text(ZHEJIANG, "是")
    assert months.fees(ZHEJIANG) == {"2026-12": 300}


def test_one_who_comes_back_while_a_cancelled_trial_runs_out_is_charged_as_offered(
    network: Network, months: Months
):
    network.open(ZHEJIANG)
    network.text(ZHEJIANG, "取消短信回执")
    network.open(ZHEJIANG)
    months.pass_to("2026-12-01 00:00")
    months.bill("2026-12")
    assert months.fees(ZHEJIANG) == {"2026-11": 300, "2026-12": 300}


def test_a_cancel_between_second_yes_and_first_fee_costs_nothing(network: Network, months: Months):
    network.open(ZHEJIANG)
    months.pass_to("2026-12-21 00:00")
    network.text(ZHEJIANG, "是")
    network.text(ZHEJIANG, "取消短信回执")
    months.pass_to("2027-01-02 00:00")
    months.bill("2026-12")
    assert months.charges(ZHEJIANG) == []
    assert months.customer(ZHEJIANG).state == "none"


def test_a_cancelled_service_ends_with_its_month_even_if_nobody_rings(
    network: Network, months: Months, clock: TestClock
):
    network.open(SHANXI)
    network.text(SHANXI, "取消短信回执")
    clock.move(days=9)  # 1 December at noon: no worker has been awake
    network.status("SM1", "delivered", sender=SHANXI)
    months.bill("2026-12")
    months.send(SHANXI)
    assert months.charges(SHANXI) == []


def test_an_offer_keeps_its_window_beyond_the_end_of_the_month(network: Network, months: Months):
    network.open(GUANGDONG)
    network.text(GUANGDONG, "取消短信回执")
    months.pass_to("2026-11-30 20:00")
    network.text(GUANGDONG, "开通短信回执")
    months.pass_to("2026-12-01 08:00")
    assert months.customer(GUANGDONG).state == "pending"
    network.text(GUANGDONG, "是")
    assert months.customer(GUANGDONG).state == "active"
    assert months.fees(GUANGDONG) == {"2026-11": 100, "2026-12": 100}


def test_opening_twice_in_a_month_is_charged_once(network: Network, months: Months):
    for _ in range(3):
        network.open(HEBEI)
        network.text(HEBEI, "取消短信回执")
    assert months.fees(HEBEI) == {"2026-11": 150}


def test_0000_lists_what_is_held_and_its_number_cancels_it(network: Network, months: Months):
    network.open(HEBEI)
    listed = network.text(HEBEI, "0000").get_data(as_text=True)
    assert "1" in listed
    network.text(HEBEI, "1")
    assert months.customer(HEBEI).state == "none"
    assert months.fees(HEBEI) == {"2026-11": 150}


def test_a_number_half_an_hour_after_the_list_is_just_a_number(
    network: Network, months: Months, clock: TestClock
):
    network.open(HEBEI)
    network.text(HEBEI, "00000")
    clock.move(minutes=31)
    network.text(HEBEI, "1")
    assert months.customer(HEBEI).state == "active"


def test_two_unpaid_months_running_end_the_service_with_a_notice(network: Network, months: Months):
    network.open(GUANGDONG)
    months.collected(GUANGDONG, "2026-11", paid=False)
    assert months.customer(GUANGDONG).state == "suspended"
    months.collected(GUANGDONG, "2026-12", paid=False)
    assert months.customer(GUANGDONG).state == "none"
    assert "连续两个月" in months.notices(GUANGDONG)[0]


def test_a_whole_month_unpaid_after_the_pause_ends_it_as_well(network: Network, months: Months):
    network.open(GUANGDONG)
    months.collected(GUANGDONG, "2026-11", paid=False)
    months.pass_to("2026-12-31 23:59")
    assert months.customer(GUANGDONG).state == "suspended"
    months.pass_to("2027-01-01 00:00")
    assert months.customer(GUANGDONG).state == "none"
    assert "连续两个月" in months.notices(GUANGDONG)[0]
    assert months.fees(GUANGDONG) == {"2026-11": 100}


def test_a_paid_fee_brings_the_service_back_and_the_pause_costs_nothing(
    network: Network, months: Months
):
    network.open(GUANGDONG)
    months.collected(GUANGDONG, "2026-11", paid=False)
    months.pass_to("2026-12-31 23:00")
    months.bill("2026-12")
    assert months.fees(GUANGDONG) == {"2026-11": 100}, "no service, no fee"
    months.collected(GUANGDONG, "2026-11", paid=True)
    assert months.customer(GUANGDONG).state == "active"
    assert "恢复" in months.notices(GUANGDONG)[0]
    assert months.fees(GUANGDONG) == {"2026-11": 100, "2026-12": 100}


def test_a_month_without_any_service_is_not_billed_later_either(network: Network, months: Months):
    network.open(GUANGDONG)
    months.pass_to("2026-12-03 12:00")
    months.collected(GUANGDONG, "2026-11", paid=False)
    months.pass_to("2027-01-20 12:00")
    months.collected(GUANGDONG, "2026-11", paid=True)
    months.pass_to("2027-02-20 12:00")
    months.collected(GUANGDONG, "2027-01", paid=False)
    months.pass_to("2027-03-20 12:00")
    months.collected(GUANGDONG, "2027-01", paid=True)
    for month in ("2026-12", "2027-01", "2027-02", "2027-03"):
        months.bill(month)
    assert months.fees(GUANGDONG) == {
        "2026-11": 100, "2026-12": 100, "2027-01": 100, "2027-02": 100, "2027-03": 100,
    }  # fmt: skip
    months.pass_to("2027-04-10 12:00")
    months.collected(GUANGDONG, "2027-03", paid=False)
    months.pass_to("2027-05-31 12:00")
    months.collected(GUANGDONG, "2027-03", paid=True)
    months.bill("2027-05")
    assert months.fees(GUANGDONG)["2027-05"] == 100


def test_who_was_ended_for_unpaid_fees_comes_back_once_they_are_paid(
    network: Network, months: Months
):
    network.open(GUANGDONG)
    for month in ("2026-11", "2026-12"):
        months.collected(GUANGDONG, month, paid=False)
    said = network.text(GUANGDONG, "开通短信回执").get_data(as_text=True)
    # Paying does not bring an ended service back by itself.
    assert "未缴清" in said
    assert "KTDXHZ重新开通" in said
    assert "自动恢复" not in said
    assert months.customer(GUANGDONG).state == "none"
    for month in ("2026-11", "2026-12"):
        months.collected(GUANGDONG, month, paid=True)
    network.open(GUANGDONG)
    assert months.customer(GUANGDONG).state == "active"
    assert months.fees(GUANGDONG) == {"2026-11": 100}


@pytest.mark.parametrize("fate", ["delivered", "undelivered"])
def test_receipts_in_a_trial_are_free(network: Network, months: Months, fate: str):
    network.open(ZHEJIANG)
    network.status("SM1", fate, sender=ZHEJIANG, friend="+8613800138000")
    months.send(ZHEJIANG)
    assert months.charges(ZHEJIANG) == []
