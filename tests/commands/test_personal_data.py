"""`customers export`, `customers forget`, the end of records, and look-ups by staff."""

import datetime as dt
import json
import re
from pathlib import Path

import pytest
import redis
from msgspec.structs import fields

from app.bootstrap import Container
from app.exports.personal_page import field_labels
from app.exports.serializers import column_names
from receipts.model.charge import AuditEntry, Charge, StaffLookup
from receipts.model.customer import (
    CallLog,
    CustomerCredentials,
    DailyReplyCount,
    LoginState,
    Subscription,
)
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.changes import Timer
from tests.conftest import GUANGDONG, ZHEJIANG, Network, TestClock
from tests.support.fixtures import stand
from tests.support.months import Lines, Months, Run
from tests.support.plain_store import plain_bytes
from tests.support.reports import told

pytestmark = pytest.mark.fixed_day

ANNA = Msisdn(GUANGDONG)
_SECTIONS = {"receipts", "charges", "consent", "texts", "calls", "timers", "lookups"}


@pytest.fixture
def lived(built: Container, network: Network, months: Months, clock: TestClock) -> Months:
    """A life with the service: subscribed, a receipt, a charge, a call, another customer beside."""
    for number in (GUANGDONG, ZHEJIANG):
        network.open(number)
    network.status("SM1", "delivered")
    network.status("SM2", "sent")
    network.status("SM3", "delivered", sender=ZHEJIANG, friend=GUANGDONG)
    network.post("/voice", CallSid="CA1", From=GUANGDONG, To="10086")
    months.ring()
    months.send(GUANGDONG)
    clock.move(days=4)
    assert told(built)
    return months


def _left(lived: Months, network: Network) -> None:
    network.text(GUANGDONG, "取消短信回执")
    network.text(GUANGDONG, "是")
    lived.pass_to("2027-01-02 00:00")
    lived.send(GUANGDONG)
    lived.clock.move(days=4)
    lived.ring()
    assert lived.customer(GUANGDONG).state == "none"


def _about(raw: "redis.Redis", number: str) -> set[str]:
    """The kinds of keys that name a customer, in their name or their value."""
    found = set()
    for key in raw.scan_iter():
        name, digits = key.decode(), number[1:]
        if digits in name or digits.encode() in plain_bytes(raw, key):
            found.add(re.sub(r"\{s\d+\}:", "", name).split(":")[0])
    return found


def _senders(built: Container, message_id: str) -> list[Msisdn]:
    """The senders of the texts with this id, as the index finds them."""
    today = built.clock.wall_clock().date()
    return [sender for sender, _ in built.clients.text_index.numbers_of(message_id, today)]


@pytest.mark.usefixtures("lived")
def test_export_has_all_records_of_the_person_and_none_of_another(run: Run) -> None:
    done = run("customers", "export", GUANGDONG, "--why", "asked by letter")
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert {name for name in _SECTIONS if data[name]} >= {"receipts", "charges", "consent", "texts"}
    assert data["subscription"]["state"] == "active"
    assert {text["message_id"] for text in data["texts"]} == {"SM1", "SM2"}
    assert all(receipt["number"] == GUANGDONG for receipt in data["receipts"])
    assert [look["reason"] for look in data["lookups"]] == ["asked by letter"]


def test_export_shows_no_digest_of_a_password(run: Run, built: Container, tmp_path: Path) -> None:
    del built
    digest = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQxMjM0NTY$" + "a" * 43
    listing = tmp_path / "list.csv"
    header, values = "number,network,password_digest", f'{GUANGDONG},china_mobile,"{digest}"'
    listing.write_text(f"{header}\n{values}\n")
    assert run("customers", "import", listing).exit_code == 0
    done = run("customers", "export", GUANGDONG)
    assert json.loads(done.stdout)["credentials"]["password_digest"] == "held"
    assert "argon2" not in done.stdout


@pytest.mark.usefixtures("lived")
def test_printable_page_is_bilingual_and_escapes_what_people_wrote(
    run: Run, network: Network, tmp_path: Path
) -> None:
    network.text(GUANGDONG, "取消<script>alert(1)</script>")
    page = tmp_path / "data.html"
    assert run("customers", "export", GUANGDONG, "--page", page).exit_code == 0
    html = page.read_text()
    for words in ("个人数据", "personal data", "工作人员的查询", "Look-ups by staff"):
        assert words in html
    assert "<script" not in html


def test_export_of_an_unknown_number_is_empty(run: Run) -> None:
    data = json.loads(run("customers", "export", GUANGDONG).stdout)
    assert not any(data[name] for name in _SECTIONS - {"lookups"})


def test_forget_leaves_only_what_the_law_keeps(
    run: Run, lived: Months, network: Network, raw: "redis.Redis"
) -> None:
    _left(lived, network)
    assert "receipts" in _about(raw, GUANGDONG)
    sent = [text.message_id for text in lived.built.clients.text_index.texts_of(ANNA)]
    assert all(ANNA in _senders(lived.built, message_id) for message_id in sent)
    assert sent
    others = _about(raw, ZHEJIANG)
    done = run("customers", "forget", GUANGDONG, "--why", "asked in a shop", "--yes")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["kept"]["charges"] == len(lived.charges(GUANGDONG)) > 0
    # A customer's own text to this number stays in that customer's records.
    kept = {"sub", "charges", "charged", "consent", "audit", "acts", "trail", "receipt"}
    assert _about(raw, GUANGDONG) <= kept
    assert all(key.split(b":")[2] == ZHEJIANG[1:].encode() for key in raw.keys("*:trail:*"))
    assert not lived.built.store.receipts_of(ANNA, None, None)
    assert not lived.built.clients.text_index.texts_of(ANNA)
    assert not any(ANNA in _senders(lived.built, m) for m in sent)
    # The trace of the erased customer's text to this one named it.
    assert _about(raw, ZHEJIANG) == others - {"trail"}


def test_forgetting_is_in_the_chain_of_consent_with_who_and_why(
    run: Run, lived: Months, network: Network
) -> None:
    _left(lived, network)
    run("customers", "forget", GUANGDONG, "--why", "asked in a shop", "--yes")
    entry = lived.built.clients.bulk_reader.consent(ANNA)[-1]
    assert (entry.action, entry.reply_text) == ("forget", "asked in a shop")
    assert entry.clerk
    assert run("consent", GUANGDONG).exit_code == 0


@pytest.mark.parametrize("state", ["active", "ending", "suspended"])
def test_forget_is_refused_while_the_service_runs(
    run: Run, built: Container, state: str, raw: "redis.Redis"
) -> None:
    stand(built, GUANGDONG, state)
    before = {key: raw.dump(key) for key in raw.scan_iter()}
    done = run("customers", "forget", GUANGDONG, "--why", "asked", "--yes")
    assert done.exit_code == 2
    assert "cancel it first" in done.stderr
    assert {key: raw.dump(key) for key in raw.scan_iter()} == before


@pytest.mark.usefixtures("lived")
def test_forget_waits_for_receipts_under_way(run: Run, built: Container, network: Network) -> None:
    network.status("SM9", "delivered")
    stand(built, GUANGDONG, "none")
    done = run("customers", "forget", GUANGDONG, "--why", "asked", "--yes")
    assert done.exit_code == 2
    assert "not settled yet" in done.stderr


def test_forget_asks_first(run: Run, built: Container) -> None:
    stand(built, GUANGDONG, "none")
    assert run("customers", "forget", GUANGDONG, "--why", "asked").exit_code == 1
    assert not built.clients.bulk_reader.consent(ANNA)


def test_second_forget_changes_nothing_but_its_entry(
    run: Run, lived: Months, network: Network
) -> None:
    _left(lived, network)
    for _ in range(2):
        assert run("customers", "forget", GUANGDONG, "--why", "asked", "--yes").exit_code == 0
    actions = [each.action for each in lived.built.clients.bulk_reader.consent(ANNA)]
    assert actions.count("forget") == 2


def test_record_of_a_person_who_left_ends_by_the_rule_book(lived: Months, network: Network) -> None:
    _left(lived, network)
    left_at = lived.customer(GUANGDONG).left_at
    assert left_at is not None
    months = lived.built.book.retention.left_months
    lived.clock.at = left_at + months * dt.timedelta(days=31) - dt.timedelta(hours=1)
    lived.ring()
    assert lived.customer(GUANGDONG).opened_at is not None
    lived.clock.move(hours=2)
    lived.ring()
    customer = lived.customer(GUANGDONG)
    assert (customer.opened_at, customer.left_at, customer.channel) == (None, None, None)
    assert lived.built.clients.bulk_reader.consent(ANNA)[-1].hash == customer.chain
    assert not lived.built.store.receipts_of(ANNA, None, MessageKind.RECEIPT)
    assert not lived.built.clients.bulk_reader.timers_of(ANNA)


def test_record_of_a_person_who_came_back_stays(lived: Months, network: Network) -> None:
    _left(lived, network)
    network.open()
    assert lived.customer(GUANGDONG).left_at is None
    lived.clock.move(days=400)
    lived.ring()
    assert lived.customer(GUANGDONG).state == "active"


@pytest.mark.usefixtures("lived")
def test_each_look_by_staff_is_exported_with_who_and_why(run: Run, lines: Lines) -> None:
    run("show", GUANGDONG, "--why", "ticket 4711")
    run("receipts", GUANGDONG)
    run("charges", GUANGDONG)
    run("trail", GUANGDONG, ZHEJIANG, "SM1")
    run("consent", GUANGDONG)
    looks = lines("export", "lookups", "--month", "2026-11", "--format", "jsonl")
    assert [look["command"] for look in looks] == [
        "show",
        "receipts",
        "charges",
        "trail",
        "consent",
    ]
    assert looks[0]["reason"] == "ticket 4711"
    assert all(look["clerk"] and look["number"] == GUANGDONG for look in looks)


@pytest.mark.usefixtures("lived")
def test_printable_page_labels_every_field_in_both_languages(run: Run) -> None:
    labels = field_labels()
    assert all(len(label) == 2 and all(label) for label in labels.values())
    kinds = (Subscription, CustomerCredentials, LoginState, DailyReplyCount, Receipt, CallLog)
    names = {each.name for kind in (*kinds, Timer, StaffLookup) for each in fields(kind)}
    names |= {*column_names(AuditEntry), *column_names(Charge)}
    data = json.loads(run("customers", "export", GUANGDONG).stdout)
    names |= {name for text in data["texts"] for name in text} | data["subscription"].keys()
    assert names - labels.keys() == {"version", "text_trace"}
