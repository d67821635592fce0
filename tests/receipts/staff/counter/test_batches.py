"""Batches: nothing happens before a second person's approval, and then once."""

import datetime as dt

import pytest
import redis

from app.bootstrap import Container
from receipts.bulk_import.number_list import read_numbers
from receipts.model.counter import Batch, BatchAct
from receipts.model.staff import Role, StaffMember
from receipts.model.vocabulary import DisplayMode, Language, Msisdn
from receipts.staff.counter.batches import MAX_NUMBERS, Batches, BatchRefusedError
from receipts.staff.counter.listed_acts import ListedActs
from receipts.staff.counter.owner_texts import OwnerTexts
from statemachines.approval import ApprovalState
from statemachines.subscription import SubscriptionState
from tests.conftest import GUANGDONG, JILIN, ZHEJIANG, Network, TestClock
from tests.support.fixtures import notices

LI = StaffMember("li", Role.CLERK, "天河店")
WANG = StaffMember("wang", Role.SUPERVISOR, "天河店")
ZHAO = StaffMember("zhao", Role.SUPERVISOR, "越秀店")
NUMBERS = tuple(map(Msisdn, (GUANGDONG, JILIN, ZHEJIANG)))


@pytest.fixture
def batches(built: Container) -> Batches:
    texts = OwnerTexts(built.store, built.policy, built.lifecycle)
    return Batches(built.clients.batches, ListedActs(texts, built.clock), built.clock)


def propose(
    batches: Batches, act: BatchAct = BatchAct.CANCEL, by: StaffMember = LI, nonce: str = "n" * 16
) -> Batch:
    return batches.propose(act, NUMBERS, by, "store closes", nonce)


def state(built: Container, number: str) -> SubscriptionState:
    return built.store.load(Msisdn(number)).subscription.state


def test_nothing_happens_before_the_approval(batches: Batches, built: Container, network: Network):
    network.open(GUANGDONG)
    batch = propose(batches)
    assert state(built, GUANGDONG) is SubscriptionState.ACTIVE
    assert batches.show(batch.id, WANG).state is ApprovalState.WAITING


def test_approved_list_is_carried_out_with_evidence_and_texts(
    batches: Batches, built: Container, network: Network
):
    network.open(GUANGDONG)
    batch = propose(batches)
    done = batches.approve(batch.id, WANG)
    assert (done.done, done.changed, done.is_running) == (3, 1, False)
    assert state(built, GUANGDONG) is SubscriptionState.ENDING
    entry = built.clients.bulk_reader.consent(Msisdn(GUANGDONG))[-1]
    assert (entry.clerk, entry.shop, entry.identity) == ("li", "天河店", "batch:wang")
    assert "天河店" in notices(built, GUANGDONG)[-1]
    assert notices(built, JILIN) == []


def test_offer_subscribes_no_one_without_the_owners_own_text(
    batches: Batches, built: Container, network: Network
):
    batches.approve(propose(batches, BatchAct.OFFER).id, WANG)
    assert state(built, GUANGDONG) is SubscriptionState.PENDING
    network.text(GUANGDONG, "是")
    assert state(built, GUANGDONG) is SubscriptionState.ACTIVE


@pytest.mark.parametrize("act", BatchAct)
def test_each_act_changes_as_at_the_counter(
    batches: Batches, built: Container, network: Network, act: BatchAct
):
    network.open(JILIN)
    if act is BatchAct.FLASH:
        network.text(JILIN, "PT")
    batches.approve(propose(batches, act).id, WANG)
    after = built.store.load(Msisdn(JILIN)).subscription
    expected = {
        BatchAct.OFFER: after.state is SubscriptionState.ACTIVE,
        BatchAct.CANCEL: after.state is SubscriptionState.ENDING,
        BatchAct.ORDINARY: after.mode is DisplayMode.TEXT,
        BatchAct.FLASH: after.mode is DisplayMode.FLASH,
        BatchAct.CHINESE: after.language is Language.ZH,
        BatchAct.ENGLISH: after.language is Language.EN,
    }
    assert expected[act]


@pytest.mark.parametrize(
    ("by", "reason"),
    [(StaffMember("li", Role.SUPERVISOR, "天河店"), "same_person"), (ZHAO, "unknown")],
)
def test_proposer_and_another_shop_cannot_approve(batches: Batches, by: StaffMember, reason: str):
    batch = propose(batches)
    with pytest.raises(BatchRefusedError) as refused:
        batches.approve(batch.id, by)
    assert refused.value.reason == reason
    assert batches.show(batch.id, LI).state is ApprovalState.WAITING


@pytest.mark.parametrize("ended", ["rejected", "withdrawn", "expired"])
def test_ended_batch_is_never_approved(
    batches: Batches, built: Container, network: Network, clock: TestClock, ended: str
):
    network.open(GUANGDONG)
    batch = propose(batches)
    if ended == "rejected":
        batches.reject(batch.id, WANG, "wrong list")
    elif ended == "withdrawn":
        batches.withdraw(batch.id, LI)
    else:
        clock.move(days=3, seconds=1)
    assert batches.show(batch.id, WANG).state == ended
    with pytest.raises(BatchRefusedError) as refused:
        batches.approve(batch.id, WANG)
    assert refused.value.reason == "decided"
    assert state(built, GUANGDONG) is SubscriptionState.ACTIVE


def test_only_the_proposer_withdraws(batches: Batches):
    batch = propose(batches)
    with pytest.raises(BatchRefusedError, match="not_owner"):
        batches.withdraw(batch.id, WANG)


def test_repeated_forms_propose_and_act_once(batches: Batches, built: Container, network: Network):
    network.open(GUANGDONG)
    batch, again = propose(batches), propose(batches)
    assert batch == again
    assert len(batches.latest(WANG, 10)) == 1
    batches.approve(batch.id, WANG)
    told = notices(built, GUANGDONG)
    network.text(GUANGDONG, "KTDXHZ")
    network.text(GUANGDONG, "是")  # keeps the service
    assert batches.approve(batch.id, WANG).changed == 1
    assert notices(built, GUANGDONG) == told
    assert state(built, GUANGDONG) is SubscriptionState.ACTIVE


def test_interrupted_run_is_resumed_and_acts_for_each_number_once(
    batches: Batches, built: Container, network: Network, monkeypatch: pytest.MonkeyPatch
):
    network.open(GUANGDONG)
    network.open(JILIN)
    batch, run, calls = propose(batches), ListedActs.run, []

    def killed(self: ListedActs, number: Msisdn, listed: object) -> bool:
        calls.append(number)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return run(self, number, listed)

    monkeypatch.setattr(ListedActs, "run", killed)
    with pytest.raises(KeyboardInterrupt):
        batches.approve(batch.id, WANG)
    assert batches.show(batch.id, WANG).is_running
    monkeypatch.undo()
    done = batches.approve(batch.id, WANG)
    assert (done.done, done.changed) == (3, 2)
    assert len(notices(built, GUANGDONG)) == 1


def test_list_that_is_not_the_proposed_one_is_not_carried_out(
    batches: Batches, built: Container, network: Network, raw: "redis.Redis"
):
    network.open(GUANGDONG)
    batch = propose(batches, BatchAct.ORDINARY)
    raw.set(f"{{staff}}:batch-numbers:{batch.id}", f"1 {GUANGDONG}")
    with pytest.raises(BatchRefusedError, match="list_changed"):
        batches.approve(batch.id, WANG)
    assert built.store.load(Msisdn(GUANGDONG)).subscription.mode is DisplayMode.FLASH


def test_each_decision_is_on_the_log_of_staff(batches: Batches, built: Container):
    batches.approve(propose(batches).id, WANG)
    month = built.clock.now().astimezone(dt.timezone(dt.timedelta(hours=8))).strftime("%Y-%m")
    acts = [(each.clerk, each.act) for page in built.clients.staff.acts(month) for each in page]
    assert acts == [("wang", "batch_done"), ("wang", "batch_approved"), ("li", "batch_proposed")]


@pytest.mark.parametrize("count", [0, MAX_NUMBERS + 1])
def test_empty_and_too_long_lists_are_refused(batches: Batches, count: int):
    numbers = [Msisdn(f"+8613800{n:06}") for n in range(count)]
    with pytest.raises(BatchRefusedError, match="count"):
        batches.propose(BatchAct.CANCEL, numbers, LI, "reason", "n" * 16)


@pytest.mark.parametrize(
    ("contents", "wrong"),
    [
        ("number\n13802880000\n13844012345\n", ()),
        ("\ufeffNumber\r\n138 0288 0000\r\n", ()),
        ("number\n13802880000\n1380288\n", ((3, "no_number"),)),
        ("number\n13802880000\n\n+8613802880000\n", ((4, "repeated"),)),
        ('number\n"13802880000\n13844012345\n', ((2, "no_number"),)),
    ],
)
def test_list_is_read_with_its_wrong_lines(contents: str, wrong: tuple[tuple[int, str], ...]):
    read = read_numbers(contents.encode())
    assert read.wrong == wrong
    assert read.numbers


@pytest.mark.parametrize(
    "contents", [b"", b"phone\n13802880000\n", b"PK\x03\x04 a workbook", b"\xff\xfe\x00\x01"]
)
def test_other_files_are_unreadable(contents: bytes):
    assert read_numbers(contents).is_unreadable
