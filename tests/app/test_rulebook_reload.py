"""The rule book is edited while the service runs."""

import datetime as dt
from pathlib import Path

import pytest
import redis
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from app import rulebook_reload
from app.bootstrap import Container
from app.protection import file_watch
from app.settings import Settings
from receipts.model.calendar import month_of
from receipts.model.vocabulary import Msisdn
from tests.app.conftest import AFTER, BEFORE, OPEN, dearer, write
from tests.conftest import GUANGDONG, ZHEJIANG, Network, TestClock
from tests.support.caller import Call
from tests.support.fixtures import standing
from tests.support.reports import swept

pytestmark = pytest.mark.usefixtures("at_once")


def offer(network: Network, sender: str = GUANGDONG) -> str:
    return network.text(sender, OPEN).text


def test_valid_change_applies_to_the_next_text(doors: Network, book: Path):
    assert BEFORE in offer(doors)
    write(book, dearer(book.read_text()))
    with capture_logs() as told:
        assert AFTER in offer(doors)
    logged = next(each for each in told if each["log_level"] == "info")
    assert logged["event"] == "rule book in force"
    assert (logged["version"], logged["before"]) == ("second", "invented-1")
    shown = generate_latest().decode()
    assert 'version="second"} 1.0' in shown
    assert 'version="invented-1"} 0.0' in shown


def test_invalid_change_is_refused_and_logged_once(doors: Network, book: Path):
    good = book.read_text()
    assert BEFORE in offer(doors)
    write(book, good.replace("monthly_fen = 100", "monthly_fen = 900", 1))
    with capture_logs() as told:
        assert BEFORE in offer(doors)
        assert BEFORE in offer(doors)
    refused = [each for each in told if each["event"].startswith("rule book refused")]
    line = next(n for n, said in enumerate(good.splitlines(), 1) if said == "monthly_fen = 100")
    assert len(refused) == 1
    assert f"rules.toml:{line}: " in refused[0]["why"]
    assert "Fix: write a whole number of fen" in refused[0]["why"]
    assert refused[0]["in_force"] == "invented-1"
    write(book, dearer(good))
    assert AFTER in offer(doors)


def test_missing_or_fresh_file_changes_nothing(
    doors: Network, book: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(file_watch, "_SETTLED", 60.0)
    good = book.read_text()
    book.unlink()
    assert BEFORE in offer(doors)
    # A truncated file may be valid TOML: a fresh change is read if it is still there a look later.
    write(book, dearer(good), old=0)
    assert BEFORE in offer(doors)
    assert AFTER in offer(doors)


def test_changed_comment_is_ignored(doors: Network, book: Path):
    write(book, "# the same\n" + book.read_text())
    with capture_logs() as told:
        assert BEFORE in offer(doors)
    assert [each["event"] for each in told] == ["answered"]


def test_province_opens_on_the_day_of_its_first_tariff(
    doors: Network, book: Path, clock: TestClock
):
    write(book, book.read_text().replace("from = 2020-01-01", "from = 2027-01-01", 1))
    assert "广东暂未提供" in offer(doors)
    clock.at = dt.datetime(2026, 12, 31, 16, tzinfo=dt.UTC)  # midnight in China
    assert BEFORE in offer(doors)


def test_province_limits_override_the_defaults(doors: Network, book: Path):
    own = "limits.replies_an_hour = 1\nlimits.monthly_cap_fen = 100\n"
    write(book, book.read_text().replace("[provinces.CN-GD]", f"[provinces.CN-GD]\n{own}", 1))

    def answers(sender: str) -> list[bool]:
        return ["未能识别" in doors.text(sender, f"啦{n}").text for n in range(4)]

    assert answers(GUANGDONG) == [True, False, False, False]
    assert answers(ZHEJIANG) == [True] * 4


def test_dropping_a_tariff_in_force_warns_and_keeps_charges(
    doors: Network, book: Path, built: Container
):
    doors.open(GUANGDONG)
    write(book, dearer(book.read_text()))
    with capture_logs() as told:
        asked = doors.text(GUANGDONG, "查询短信回执").text
    warned = [each["what"] for each in told if each["log_level"] == "warning"]
    assert warned == ["CN-GD: tariff GD-1 is in force and was dropped"]
    # The reply shows the price in force; the earlier charge stays unchanged.
    assert AFTER in asked
    assert charges(built) == [("GD-1", 100)]


def test_changed_retention_applies_to_new_records(doors: Network, book: Path, raw: "redis.Redis"):
    offer(doors)
    claim = b"claim:sms:SM" + b"%032x"
    days = [next(k for k in raw.scan_iter("*") if claim % 1 in k)]
    write(book, book.read_text().replace("claims_days = 40", "claims_days = 50"))
    offer(doors)
    days.append(next(k for k in raw.scan_iter("*") if claim % 2 in k))
    assert [round(raw.ttl(key) / 86_400) for key in days] == [40, 50]


def test_book_read_by_another_process_applies_while_the_file_is_invalid(
    doors: Network, with_book: Settings, book: Path
):
    assert BEFORE in offer(doors)
    good = dearer(book.read_text())
    write(book, good)
    # Another process reads it, while no request makes this one look.
    rulebook_reload.load_effective_rule_book(with_book)
    write(book, good.replace("monthly_fen = 250", "monthly_fen = 900", 1))
    assert AFTER in offer(doors)


def test_yes_to_a_withdrawn_price_gets_a_new_offer(doors: Network, built: Container, book: Path):
    assert BEFORE in offer(doors)
    write(book, dearer(book.read_text()))
    again = doors.text(GUANGDONG, "是").text
    assert "您上次的开通申请已失效" in again
    assert AFTER in again
    assert charges(built) == []
    assert AFTER in doors.text(GUANGDONG, "是").text
    assert charges(built) == [("GD-2", 250)]


def test_trial_continues_only_at_the_confirmed_price(
    doors: Network, built: Container, clock: TestClock, book: Path
):
    doors.open(ZHEJIANG)
    clock.move(days=29)
    swept(built)
    old = 'version = "ZJ-1"\nfrom = 2020-01-01\nmonthly_fen = 300'
    new = 'version = "ZJ-2"\nfrom = 2020-01-01\nmonthly_fen = 200'
    write(book, book.read_text().replace(old, new))
    again = doors.text(ZHEJIANG, "是").text
    assert "资费已调整" in again
    assert "每月2元" in again
    held = standing(built, ZHEJIANG)
    assert (held.trial, held.order and held.order.tariff) == (True, "ZJ-2")
    assert "每月2元" in doors.text(ZHEJIANG, "是").text
    assert not standing(built, ZHEJIANG).trial


def test_key_press_after_a_price_change_gets_the_new_offer(
    doors: Network, built: Container, book: Path
):
    call = Call(doors)
    call.dials()
    assert BEFORE in call.presses("11").text
    write(book, dearer(book.read_text()))
    assert AFTER in call.presses("1").text
    assert charges(built) == []
    call.presses("1")
    assert charges(built) == [("GD-2", 250)]
    assert AFTER in built.clients.bulk_reader.consent(Msisdn(GUANGDONG))[0].shown_text


def test_key_press_for_a_closed_province_opens_nothing(
    doors: Network, built: Container, book: Path
):
    call = Call(doors)
    call.dials()
    assert BEFORE in call.presses("11").text
    text = book.read_text().replace('["CN-GD", "CN-FJ"]', '["CN-FJ"]')
    write(book, text[: text.index("[provinces.CN-GD]")] + text[text.index("[provinces.CN-JL]") :])
    assert "广东暂未提供" in call.presses("1").text
    assert charges(built) == []


def charges(built: Container) -> list[tuple[str, int]]:
    found = built.store.charges_of(Msisdn(GUANGDONG), [month_of(built.clock.now())])
    return [(charge.tariff, charge.fen) for charge in found]
