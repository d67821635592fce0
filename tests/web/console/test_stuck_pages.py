"""Pages of stuck receipts: lists, settling with a reason, and breakers by hand."""

import datetime as dt
import tomllib
from pathlib import Path

import pytest
from msgspec.structs import replace

import web.console
from app.bootstrap import Container
from receipts.model.calendar import month_of
from receipts.model.charge import AuditEntry
from receipts.model.receipt import Receipt
from receipts.model.staff import Role
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import ChangeSet, DeliveryResult
from statemachines.provider import PROVIDER, ProviderEvent, ProviderState
from statemachines.receipt import RECEIPT, STAFF, ReceiptState
from tests.conftest import GUANGDONG, TestClock
from tests.support.fixtures import a_receipt
from tests.support.staff import StaffBrowser, StaffSight
from tests.web.console.conftest import Staff

ANNA = Msisdn(GUANGDONG)


def in_state(built: Container, state: ReceiptState, seed: str = "0a", **more: object) -> Receipt:
    """A receipt of ten fen in a state, asked for an hour ago."""
    made = a_receipt(built, ANNA, seed=seed, price_fen=10, tariff="GD-1")
    earlier = built.clock.wall_clock() - dt.timedelta(hours=1)
    fields = {"provider": "twilio", "attempts": 1, "requested_at": earlier} | more
    moved = replace(made, version=2, state=state, **fields)
    failed = DeliveryResult("twilio", built.clock.now(), "30003", moved.id)
    results = (failed,) if state is ReceiptState.FAILED else ()
    built.store.commit(
        ChangeSet(ANNA, records=(moved,), results=results, counters=("failed:twilio:30003",))
    )
    return moved


def now_of(built: Container, receipt: Receipt) -> Receipt:
    (found,) = built.store.receipts([receipt.id])
    assert found is not None
    return found


def settle(browser: StaffBrowser, receipt: Receipt, do: str, reason: str = "as told") -> StaffSight:
    form = browser.goes(f"stuck/receipt?id={receipt.id}").form_to("receipt")
    return browser.sends(form, do=do, reason=reason)


def chain(built: Container) -> list[AuditEntry]:
    return built.clients.bulk_reader.consent(ANNA)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_first_page_counts_and_lists_what_is_stuck(staff: Staff, built: Container, language: str):
    in_state(built, ReceiptState.UNSURE, "0a")
    in_state(built, ReceiptState.FAILED, "0b")
    seen = staff("olga", language=language).goes("stuck")
    words = {
        "zh": ("结果不明 1", "发送失败 1", "超时未发 0", "手机关机或不在服务区", "使用中"),
        "en": ("In doubt 1", "Failed 1", "Due too long 0", "switched off", "In use"),
    }[language]
    for each in words:
        assert each in seen.text
    assert "13802880000" in seen.text


def test_receipt_in_doubt_is_settled_as_sent_and_charged(staff: Staff, built: Container):
    receipt = in_state(built, ReceiptState.UNSURE)
    seen = settle(staff("olga"), receipt, "staff_sent", "found in Twilio's log")
    assert "It counts as sent." in seen.text
    now = now_of(built, receipt)
    assert (now.state, now.charge_fen) == (ReceiptState.SENT, 10)
    (entry,) = chain(built)
    assert (entry.clerk, entry.reply_text, entry.channel) == (
        "olga", "found in Twilio's log", "console",
    )  # fmt: skip


def test_receipt_in_doubt_is_settled_as_not_sent(staff: Staff, built: Container):
    receipt = in_state(built, ReceiptState.UNSURE)
    assert "is not charged" in settle(staff("olga"), receipt, "staff_not_sent").text
    assert now_of(built, receipt).state is ReceiptState.FAILED
    months = [month_of(built.clock.now())]
    assert built.store.charges_of(ANNA, months) == []


def test_failed_receipt_is_sent_again_once_for_a_form_sent_twice(staff: Staff, built: Container):
    receipt, browser = in_state(built, ReceiptState.FAILED), staff("olga")
    form = browser.goes(f"stuck/receipt?id={receipt.id}").form_to("receipt")
    for _ in range(2):
        seen = browser.sends(form, do="staff_resend", reason="provider mended")
        assert "on its way again" in seen.text
    assert now_of(built, receipt).state is ReceiptState.DUE
    assert len(built.clients.outbox.fetch("w", 64, 0)) == 1
    assert len(chain(built)) == 1


@pytest.mark.parametrize("state", [ReceiptState.DUE, ReceiptState.SENDING, ReceiptState.SENT])
def test_receipt_that_moved_meanwhile_is_refused_and_unchanged(
    staff: Staff, built: Container, state: ReceiptState
):
    receipt, browser = in_state(built, ReceiptState.UNSURE), staff("olga")
    form = browser.goes(f"stuck/receipt?id={receipt.id}").form_to("receipt")
    moved = replace(receipt, version=3, state=state)
    built.store.commit(ChangeSet(ANNA, records=(moved,)))
    seen = browser.sends(form, do="staff_resend", reason="again")
    assert seen.status == 409
    assert now_of(built, receipt) == moved
    assert chain(built) == []


def test_act_without_reason_or_of_another_name_changes_no_record(staff: Staff, built: Container):
    receipt, browser = in_state(built, ReceiptState.UNSURE), staff("olga")
    assert settle(browser, receipt, "staff_sent", " ").status == 400
    assert settle(browser, receipt, "send", "why not").status == 409
    assert now_of(built, receipt) == receipt


def test_auditor_sees_and_decides_not(staff: Staff, built: Container):
    receipt = in_state(built, ReceiptState.UNSURE)
    operator, auditor = staff("olga"), staff("anton", Role.AUDITOR)
    assert "may look but not decide" in auditor.goes(f"stuck/receipt?id={receipt.id}").text
    assert "Hold" not in auditor.goes("stuck").text
    form = operator.goes(f"stuck/receipt?id={receipt.id}").form_to("receipt")
    own = auditor.goes("stuck").forms[0].fields
    form.fields |= {"csrf_token": own["csrf_token"], "once": own["once"]}
    assert auditor.sends(form, do="staff_sent", reason="x").status == 403
    assert now_of(built, receipt) == receipt


def test_look_at_a_receipt_is_recorded(staff: Staff, built: Container):
    receipt = in_state(built, ReceiptState.UNSURE)
    staff("olga").goes(f"stuck/receipt?id={receipt.id}")
    (look,) = built.clients.bulk_reader.lookups_of(ANNA)
    assert (look.command, look.clerk) == ("console stuck", "olga")


@pytest.mark.parametrize("name", ["", "a-ffff", "x" * 300, "' or 1=1", "\x00"])
def test_unknown_receipt_is_told(staff: Staff, name: str):
    seen = staff("olga").goes(f"stuck/receipt?id={name}")
    assert seen.status == 404
    assert "was not found" in seen.text


def test_lists_have_pages(staff: Staff, built: Container):
    for n in range(60):
        in_state(built, ReceiptState.UNSURE, f"{n + 16:x}")
    browser = staff("olga")
    assert "See all" in browser.goes("stuck").text
    first = browser.goes("stuck/list/unsure")
    assert first.html.count("stuck/receipt?id=") == 50
    second = browser.goes("stuck/list/unsure?page=2")
    assert second.html.count("stuck/receipt?id=") == 10
    assert "Previous page" in second.text
    for wrong in ("other", "unsure?page=0", "unsure?page=x", "unsure?page=99999", "unsure?page=-1"):
        assert browser.goes(f"stuck/list/{wrong}").status == 404


def test_provider_is_held_and_released_by_hand(staff: Staff, built: Container, clock: TestClock):
    browser = staff("olga")
    form = browser.goes("stuck").form_to("breaker")
    provider = form.fields["provider"]
    seen = browser.sends(form, do="hold", reason="their network is down")
    assert f"{provider} is held." in seen.text
    assert "held by olga" in seen.text
    state = built.clients.rate_limiter.load([provider])[provider]
    assert (state.state, state.reason) == (ProviderState.HELD, "their network is down")
    again = browser.sends(browser.goes("stuck").form_to("breaker"), do="release", reason="back")
    assert f"{provider} is released." in again.text
    acts = [a for batch in built.clients.staff.acts(month_of(clock.now())) for a in batch]
    assert [(a.act, a.subject, a.clerk, a.reason) for a in acts][:2] == [
        ("provider_release", provider, "olga", "back"),
        ("provider_hold", provider, "olga", "their network is down"),
    ]


def test_switch_without_reason_or_provider_is_refused(staff: Staff, built: Container):
    browser = staff("olga")
    form = browser.goes("stuck").form_to("breaker")
    assert browser.sends(form, do="hold", reason="").status == 400
    assert browser.sends(form, do="trip", reason="x").status == 400
    assert browser.sends(form, do="release", reason="x").status == 409
    assert browser.sends(form, do="hold", reason="x", provider="nobody").status == 400
    names = built.lifecycle.router.names
    assert all(not s.version for s in built.clients.rate_limiter.load(names).values())


def test_every_refusal_and_state_has_its_words():
    words = tomllib.loads((Path(web.console.__file__).parent / "texts/stuck.toml").read_text())
    reasons = {RECEIPT.fire(s, e).reason for s in ReceiptState for e in STAFF} - {None}
    assert reasons <= set(words["settle"]["refused"])
    assert {str(e) for e in STAFF} == set(words["settle"]["do"])
    assert {str(state) for state in ProviderState} == set(words["breaker"]["state"])
    today = tomllib.loads((Path(web.console.__file__).parent / "texts/today.toml").read_text())
    assert {str(state) for state in ProviderState} <= set(today["breaker"])
    by_hand = (ProviderEvent.HOLD, ProviderEvent.RELEASE)
    refused = {PROVIDER.fire(s, e).reason for s in ProviderState for e in by_hand} - {None}
    assert refused <= set(words["breaker"]["refused"])
