"""Pages of bulk changes: a list is uploaded by one person and decided on by another."""

import io

import pytest

from app.bootstrap import Container
from receipts.model.staff import Role, StaffArea
from receipts.model.vocabulary import Msisdn
from statemachines.subscription import SubscriptionState
from tests.conftest import GUANGDONG, Network
from tests.support.browser import Sight
from tests.support.staff import StaffBrowser
from tests.web.staff.conftest import Sitting

LIST = f"number\n{GUANGDONG}\n13844012345\n"


@pytest.fixture
def clerk(sits: Sitting) -> StaffBrowser:
    return sits(Role.CLERK, StaffArea.COUNTER)


@pytest.fixture
def supervisor(sits: Sitting) -> StaffBrowser:
    return sits(Role.SUPERVISOR, StaffArea.COUNTER)


def upload(browser: StaffBrowser, contents: str = LIST, **typed: str) -> Sight:
    browser.goes("bulk")
    file = (io.BytesIO(contents.encode()), "list.csv")
    return browser.presses("/upload", file=file, **({"act": "cancel", "reason": "moved"} | typed))


def decide(browser: StaffBrowser, decision: str, **typed: str) -> Sight:
    forms = [form for form in browser.seen.forms if form.action.endswith("/decision")]
    form = next(form for form in forms if form.fields["decision"] == decision)
    return browser.sends(form, **typed)


def path(browser: StaffBrowser) -> str:
    address: str = browser.seen.answer.request.path
    return address.removeprefix("/counter/")


def state(built: Container) -> SubscriptionState:
    return built.store.load(Msisdn(GUANGDONG)).subscription.state


def test_second_person_approves_and_the_list_is_carried_out(
    clerk: StaffBrowser, supervisor: StaffBrowser, built: Container, network: Network
):
    network.open(GUANGDONG)
    upload(clerk)
    assert "待审批" in clerk.seen.text
    assert state(built) is SubscriptionState.ACTIVE
    supervisor.goes(path(clerk))
    seen = decide(supervisor, "approve")
    assert "已处理2/2个，其中1位客户有变更" in seen.text
    assert state(built) is SubscriptionState.ENDING


def test_proposer_has_no_button_to_approve_and_is_refused(
    supervisor: StaffBrowser, built: Container, network: Network
):
    network.open(GUANGDONG)
    upload(supervisor)
    assert "另一位主管" in supervisor.seen.text
    form = supervisor.form("/withdrawal")
    form.action = form.action.replace("/withdrawal", "/decision")
    seen = supervisor.sends(form, decision="approve")
    assert (seen.status, seen.told[0]) == (
        409, "不能批准自己提交的清单，须由另一位主管批准。"
    )  # fmt: skip
    assert state(built) is SubscriptionState.ACTIVE


def test_rejection_needs_a_reason_that_the_clerk_reads(
    clerk: StaffBrowser, supervisor: StaffBrowser
):
    upload(clerk)
    supervisor.goes(path(clerk))
    assert decide(supervisor, "reject", reason=" ").status == 400
    decide(supervisor, "reject", reason="old list")
    clerk.goes(path(clerk))
    assert "old list" in clerk.seen.text
    assert "未批准" in clerk.seen.text


def test_withdrawn_list_cannot_be_approved(clerk: StaffBrowser, supervisor: StaffBrowser):
    upload(clerk)
    supervisor.goes(path(clerk))
    clerk.presses("/withdrawal")
    assert "已撤回" in clerk.seen.text
    assert decide(supervisor, "approve").status == 409


@pytest.mark.parametrize(
    ("contents", "typed", "said"),
    [
        ("", {}, "请选择CSV文件"),
        (LIST, {"reason": " "}, "请填写原因"),
        ("phone\n1\n", {}, "无法读取该文件"),
        ("number\n13802880000\n123\n", {}, "第3行：不是11位中国内地手机号码"),
        ("number\n13802880000\n13802880000\n", {}, "第3行：号码重复"),
        ("number\n", {}, "清单有误"),
        ("number\n" + "".join(f"1380288{n:04}\n" for n in range(1001)), {}, "超过1000个号码"),
        ("number\n" + "1\n" * 60_000, {}, "超过1000个号码"),
    ],
)
def test_bad_list_is_refused_in_words_and_nothing_is_kept(
    clerk: StaffBrowser, contents: str, typed: dict[str, str], said: str
):
    seen = upload(clerk, contents, **typed)
    assert seen.status == 400
    assert said in seen.text
    clerk.goes("bulk")
    assert "暂无记录" in clerk.seen.text


def test_unknown_act_and_unknown_batch_are_refused(clerk: StaffBrowser):
    assert upload(clerk, act="open").status == 400
    assert clerk.goes("bulk/0123456789abcdef").status == 404


def test_page_is_in_english_too(sits: Sitting):
    browser = sits(Role.CLERK, StaffArea.COUNTER)
    browser.language = "en"
    upload(browser)
    assert "Waiting for approval" in browser.seen.text
