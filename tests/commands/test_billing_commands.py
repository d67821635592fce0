"""Billing commands: exports that balance, and consent that shows tampering."""

import csv
import io
import json
from pathlib import Path

import pytest
import redis
from msgspec.structs import replace

from app.bootstrap import Container
from receipts.delivery.status_updates import StatusUpdates
from receipts.model.charge import AuditEntry
from receipts.model.receipt import MessageKind, Receipt
from receipts.model.vocabulary import Msisdn
from receipts.ports.provider import ProviderStatus
from receipts.store.codec import decode, encode
from tests.conftest import GUANGDONG, JILIN, ZHEJIANG, Network
from tests.support.fixtures import SHANXI
from tests.support.months import Lines, Months, Run

pytestmark = pytest.mark.fixed_day

FRIEND = "+8613800138000"


@pytest.fixture
def a_month(network: Network, months: Months) -> None:
    """Three customers, monthly fees, and receipts at a price."""
    for number in (GUANGDONG, JILIN, SHANXI):
        network.open(number)
    for place in range(4):
        network.status(f"SM{place}", "delivered", sender=SHANXI, friend=FRIEND)
    network.status("SM9", "undelivered", sender=SHANXI, friend=FRIEND)
    months.send(SHANXI)


@pytest.mark.usefixtures("a_month")
def test_export_equals_the_customers_charges(run: Run, lines: Lines):
    done = run("export", "charges", "--month", "2026-11", "--format", "jsonl")
    exported = [json.loads(line) for line in done.stdout.splitlines()]
    seen = [c for n in (GUANGDONG, JILIN, SHANXI) for c in lines("charges", n)]
    assert sorted(c["id"] for c in exported) == sorted(c["id"] for c in seen)
    totals = json.loads(done.stderr)
    assert totals == {
        "what": "charges", "month": "2026-11", "count": 6, "fen": 340,
        "monthly_count": 2, "monthly_fen": 300, "receipt_count": 4, "receipt_fen": 40,
        "credit_count": 0, "credit_fen": 0,
    }  # fmt: skip
    assert totals["fen"] == sum(c["fen"] for c in seen)


@pytest.mark.usefixtures("a_month")
def test_credits_are_listed_and_exported_in_the_month_of_their_news(
    built: Container, months: Months, run: Run, lines: Lines
):
    first, second, *_ = (
        each for each in built.store.receipts_of(Msisdn(SHANXI), 9, MessageKind.RECEIPT)
        if each.charge_fen
    )  # fmt: skip

    def bounce(receipt: Receipt) -> None:
        update = (receipt.id, ProviderStatus.UNDELIVERED, "undelivered 30003", None)
        assert StatusUpdates(built.store, built.lifecycle).apply(*update)

    bounce(first)
    months.pass_to("2026-12-03 12:00")
    bounce(second)
    bounce(first)
    for month, receipt, fen in (("2026-11", first, 30), ("2026-12", second, -10)):
        charges = lines("charges", SHANXI, "--month", month)
        (credit,) = (each for each in charges if each["kind"] == "credit")
        assert (credit["fen"], credit["month"]) == (-10, month)
        assert credit["charge"] == f"receipt-{receipt.id}"
        assert sum(each["fen"] for each in charges) == fen
        totals = json.loads(run("export", "charges", "--month", month).stderr)
        assert (totals["credit_count"], totals["credit_fen"]) == (1, -10)


@pytest.mark.usefixtures("a_month")
def test_unpaid_fees_are_exported_until_paid(months: Months, run: Run):
    def unpaid() -> tuple[list[tuple[str, str]], int]:
        done = run("export", "unpaid", "--month", "2026-11")
        rows = csv.DictReader(io.StringIO(done.stdout))
        return [(row["number"], row["fen"]) for row in rows], json.loads(done.stderr)["fen"]

    assert unpaid() == ([], 0)
    months.collected(JILIN, "2026-11", paid=False)
    assert unpaid() == ([(JILIN, "200")], 200)
    months.collected(JILIN, "2026-11", paid=True)
    assert unpaid() == ([], 0)


@pytest.mark.usefixtures("a_month")
def test_export_order_is_stable(run: Run):
    first = run("export", "charges", "--month", "2026-11").stdout
    assert first == run("export", "charges", "--month", "2026-11").stdout
    rows = list(csv.DictReader(io.StringIO(first)))
    assert [row["number"] for row in rows if row["number"] == SHANXI] == [SHANXI] * 4


def test_export_of_an_empty_month_is_a_header(run: Run):
    done = run("export", "charges", "--month", "2026-10")
    assert done.stdout == "number,id,kind,fen,month,why,at,tariff,charge\n"
    assert json.loads(done.stderr)["fen"] == 0


def test_formulas_are_escaped_in_csv_only(network: Network, run: Run):
    network.open(GUANGDONG)
    network.text(GUANGDONG, "开通短信回执")
    said = '=HYPERLINK("http://example.org")'
    network.text(JILIN, "开通短信回执")
    network.text(JILIN, said)
    rows = list(csv.DictReader(io.StringIO(run("export", "audit", "--month", "2026-11").stdout)))
    assert f"'{said}" in {row["heard"] for row in rows}
    assert all(row["number"].startswith("+86") for row in rows), "numbers stay numbers"
    exact = run("export", "audit", "--month", "2026-11", "--format", "jsonl").stdout.splitlines()
    assert said in {json.loads(line)["heard"] for line in exact}
    assert len(exact) == len(rows)


@pytest.mark.usefixtures("a_month")
def test_export_for_excel_has_a_mark_and_numbers_as_text(run: Run, tmp_path: Path):
    out = tmp_path / "charges.csv"
    run("export", "charges", "--month", "2026-11", "--format", "excel", "--out", out)
    raw = out.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfnumber,")
    assert raw.count(b"\r\n") == raw.count(b"\n") == 7
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))
    plain = run("export", "charges", "--month", "2026-11").stdout
    exact = list(csv.DictReader(io.StringIO(plain)))
    assert [row["number"] for row in rows] == [f'="{row["number"]}"' for row in exact]
    assert {row["month"] for row in rows} == {'="2026-11"'}
    assert [row["fen"] for row in rows] == [row["fen"] for row in exact]


@pytest.mark.parametrize(
    ("heard", "cell"),
    [
        ("0000", '="0000"'),
        ("13802880000", '="13802880000"'),
        ("1/2", '="1/2"'),
        ("2e5", '="2e5"'),
        ("True", '="True"'),
        ('1"2', '="1""2"'),
        ("=1+1", "'=1+1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("＝1+1", "'＝1+1"),
        ("-5", "'-5"),
        ("不用了", "不用了"),
    ],
)
def test_export_for_excel_keeps_every_text_a_text(
    network: Network, run: Run, heard: str, cell: str
):
    network.text(JILIN, "开通短信回执")
    network.text(JILIN, heard)
    done = run("export", "audit", "--month", "2026-11", "--format", "excel")
    rows = list(csv.DictReader(io.StringIO(done.stdout.removeprefix("\ufeff"))))
    assert cell in {row["heard"] for row in rows}
    assert all(row["at"].startswith("2026-11-22T") for row in rows)


@pytest.mark.usefixtures("a_month")
def test_export_file_is_written_atomically(run: Run, tmp_path: Path):
    out = tmp_path / "charges.csv"
    done = run("export", "charges", "--month", "2026-11", "--out", out)
    assert done.stdout == ""
    assert len(out.read_text(encoding="utf-8").splitlines()) == 7
    assert not list(tmp_path.glob("*.part"))


def test_errors_are_printed_as_a_sentence(run: Run, tmp_path: Path):
    gone = run("export", "charges", "--month", "2026-11", "--out", tmp_path / "no" / "x.csv")
    assert gone.exit_code == 2
    assert gone.stderr.startswith("sms-receipt: ")
    assert run("bill", "--month", "2026-13").exit_code == 2
    future = run("bill", "--month", "2027-01")
    assert (future.exit_code, future.stderr.splitlines()[-1]) == (
        2, "sms-receipt: 2027-01 has not started yet, so nothing is due.",
    )  # fmt: skip
    assert run("consent", GUANGDONG, "--charge", "monthly-2026-11").exit_code == 2


@pytest.mark.usefixtures("a_month")
def test_bill_prints_totals(months: Months, lines: Lines):
    months.pass_to("2026-12-01 00:00")
    assert lines("bill", "--month", "2026-12") == [
        {"month": "2026-12", "customers": 3, "charged_now": 2, "fen_now": 300, "charged_before": 0}
    ]


def test_consent_shows_offer_and_reply_of_a_charge(network: Network, run: Run, months: Months):
    network.open(JILIN)
    months.pass_to("2027-01-01 00:00")
    months.bill("2027-01")
    done = run("consent", JILIN, "--charge", "monthly-2027-01")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["charge"]["fen"] == 200
    assert "每月2元" in told["offer"]["shown"]
    assert (told["offer"]["heard"], told["reply"]["heard"]) == ("开通短信回执", "是")
    assert (told["reply"]["door"], told["reply"]["clerk"]) == ("text", "")
    assert told["tariff_agreed"]["version"] == told["tariff_in_force"]["version"] == "JL-1"
    assert [entry["act"] for entry in told["entries"]] == ["order", "confirm"]
    assert told["chain"] == {"entries": 2, "intact": True, "from_the_first": True}


def test_consent_of_a_fee_after_a_trial_is_the_second_yes(
    network: Network, run: Run, months: Months
):
    network.open(ZHEJIANG)
    months.pass_to("2026-12-21 00:00")
    network.text(ZHEJIANG, "Y")
    months.pass_to("2026-12-22 00:00")
    told = json.loads(run("consent", ZHEJIANG, "--charge", "monthly-2026-12").stdout)
    assert "试用即将期满" in told["offer"]["shown"]
    assert told["reply"]["heard"] == "Y"


@pytest.mark.usefixtures("a_month")
def test_every_charge_has_consent(network: Network, run: Run, months: Months, lines: Lines):
    network.text(GUANGDONG, "取消短信回执")
    network.text(GUANGDONG, "开通短信回执")
    network.text(GUANGDONG, "是")
    months.pass_to("2026-12-05 00:00")
    months.bill("2026-12")
    network.status("SM20", "delivered", sender=SHANXI, friend=FRIEND)
    months.send(SHANXI)
    for number in (GUANGDONG, JILIN, SHANXI):
        for charge in lines("charges", number):
            done = run("consent", number, "--charge", charge["id"])
            assert done.exit_code == 0, done.output


def test_rewritten_entry_is_detected(network: Network, run: Run, raw: "redis.Redis"):
    network.open(JILIN)
    network.text(JILIN, "PT")
    (chain,) = list(raw.scan_iter(f"*consent:{Msisdn(JILIN).digits}"))
    genuine = decode(AuditEntry, raw.lindex(chain, 1))
    forged = encode(replace(genuine, reply_text="是的，我要"))
    raw.lset(chain, 1, forged)
    done = run("consent", JILIN, "--charge", "monthly-2026-11")
    assert done.exit_code == 1
    told = json.loads(done.stdout)["chain"]
    assert (told["intact"], told["first_wrong"]) == (False, 2)
    assert told["entry"]["heard"] == "是的，我要"


def test_removed_entry_is_detected_at_any_position(network: Network, run: Run, raw: "redis.Redis"):
    network.open(JILIN)
    network.text(JILIN, "PT")
    network.text(JILIN, "SX")
    (chain,) = list(raw.scan_iter(f"*consent:{Msisdn(JILIN).digits}"))
    entries = raw.lrange(chain, 0, -1)
    for missing, first_wrong in ((1, 2), (2, 3), (3, 4)):
        raw.delete(chain)
        raw.rpush(chain, *(e for place, e in enumerate(entries) if place != missing))
        done = run("consent", JILIN)
        assert done.exit_code == 1
        assert json.loads(done.stdout)["chain"]["first_wrong"] == first_wrong


def test_charge_without_consent_is_detected(network: Network, run: Run, raw: "redis.Redis"):
    network.open(JILIN)
    raw.delete(*raw.scan_iter(f"*consent:{Msisdn(JILIN).digits}"))
    done = run("consent", JILIN, "--charge", "monthly-2026-11")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["reply"] is None
