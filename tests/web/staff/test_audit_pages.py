"""The console's pages of the audit log, and the reading of logs in bounded work."""

import datetime as dt
import re

import pytest
import redis

from app.bootstrap import Container
from receipts.model.calendar import month_of
from receipts.model.charge import AuditEntry, StaffLookup
from receipts.model.staff import Role, StaffAct
from receipts.model.vocabulary import Msisdn
from receipts.ports.audit_log import LogKind, LogRecord
from receipts.ports.changes import ChangeSet
from receipts.store.codec import encode
from tests.conftest import GUANGDONG, ZHEJIANG, Network
from tests.support.fixtures import audit
from tests.support.staff import StaffBrowser, add_staff
from tests.web.staff.conftest import Sitting


@pytest.fixture
def auditor(sits: Sitting) -> StaffBrowser:
    return sits(Role.AUDITOR)


def look(built: Container, number: str, clerk: str, reason: str) -> None:
    at = built.clock.now()
    seen = StaffLookup(at, Msisdn(number), "console journey", clerk, reason)
    built.store.commit(ChangeSet(seen.number, lookups=(seen,)))


def cells(browser: StaffBrowser) -> list[list[str]]:
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", browser.seen.html, re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]


def test_sign_ins_and_acts_are_shown_newest_first(auditor: StaffBrowser, built: Container):
    add_staff(built, "bo.wu", Role.CLERK)
    auditor.goes("audit")
    acts = [row[3] for row in cells(auditor)]
    assert acts == ["添加账号", "登录", "添加账号"]
    assert cells(auditor)[0][1:3] == ["command:test", "–"]
    auditor.goes("audit?clerk=AUDITOR-1")
    assert [row[3] for row in cells(auditor)] == ["登录"]
    auditor.goes("audit?act=添加")
    assert len(cells(auditor)) == 2
    assert "没有符合条件的记录" in auditor.goes("audit?act=no-such-act").text


def test_looks_are_shown_with_masked_numbers(auditor: StaffBrowser, built: Container):
    look(built, GUANGDONG, "bo.wu", "asked in the shop")
    look(built, ZHEJIANG, "an.li", "")
    seen = auditor.goes("audit?kind=lookups")
    assert [row[1] for row in cells(auditor)] == ["an.li", "bo.wu"]
    assert "asked in the shop" in seen.text
    assert not {GUANGDONG[3:], ZHEJIANG[3:]} & set(re.findall(r"\d{11}", seen.html))
    auditor.goes("audit?kind=lookups&clerk=bo.wu")
    assert len(cells(auditor)) == 1


def test_changes_by_customers_themselves_are_not_acts_of_staff(
    auditor: StaffBrowser, built: Container, network: Network
):
    network.open(GUANGDONG)
    assert "没有符合条件的记录" in auditor.goes("audit?kind=audit").text
    entry = AuditEntry(
        built.clock.now(), Msisdn(GUANGDONG), "counter", "cancel", "active", "ending",
        clerk="bo.wu", shop="Tianhe 12", serial="20261129-3-A1B2C3-1",
    )  # fmt: skip
    built.store.commit(ChangeSet(entry.number, audit=(entry,)))
    auditor.goes("audit?kind=audit")
    (row,) = cells(auditor)
    assert row[1:4] == ["bo.wu", "Tianhe 12", "cancel"]
    assert "20261129-3-A1B2C3-1" in row[5]


@pytest.mark.parametrize(
    "odd", ["kind=x", "month=2026-13", "month=x", "before=x", "before=-1", "clerk=" + "x" * 5000]
)
def test_odd_addresses_show_a_page(auditor: StaffBrowser, odd: str):
    assert auditor.goes(f"audit?{odd}").status == 200


def test_older_pages_have_each_record_once(
    auditor: StaffBrowser, built: Container, raw: "redis.Redis"
):
    for n in range(130):
        look(built, f"+861380288{n:04}", "bo.wu", f"reason {n}")
    found, path = [], "audit?kind=lookups"
    for _ in range(10):
        auditor.goes(path)
        found += [row[5] for row in cells(auditor)]
        links = re.findall(r'rel="next" href="/console/([^"]+)"', auditor.seen.html)
        if not links:
            break
        path = links[0].replace("&amp;", "&")
    assert sorted(found) == sorted(f"reason {n}" for n in range(130))
    assert raw.keys("*:looks:*")


def test_page_reads_a_bounded_part_of_a_large_log(
    auditor: StaffBrowser, built: Container, raw: "redis.Redis", monkeypatch: pytest.MonkeyPatch
):
    month = month_of(built.clock.now())
    act = encode(StaffAct(built.clock.now(), "bo.wu", "signed_in", "counter"))
    pipe = raw.pipeline()
    for n in range(30_000):
        pipe.xadd(f"{{staff}}:acts:{month}", {"act": act}, id=f"{n + 1}-1")
    raw.delete(f"{{staff}}:acts:{month}")
    pipe.execute()
    connection, trips = built.clients.connection, []
    run = connection.execute

    def counting(*commands: tuple[object, ...]) -> list[object]:
        trips.append(len(commands))
        return run(*commands)

    monkeypatch.setattr(connection, "execute", counting)
    seen = auditor.goes("audit?clerk=no.such")
    assert "更早的记录尚未查找" in seen.text
    assert len(trips) <= 20
    found, before = 0, None
    while True:
        page = built.clients.audit_log.newest(LogKind.ACTS, month, lambda _: True, 500, before)
        found, before = found + len(page.records), page.older
        if before is None:
            break
    assert found == 30_000


def test_log_with_many_records_of_one_moment_has_an_end(built: Container, raw: "redis.Redis"):
    month = month_of(built.clock.now())
    act = encode(StaffAct(built.clock.now(), "bo.wu", "signed_in", "counter"))
    for n in range(2_000):
        raw.xadd(f"{{staff}}:acts:{month}", {"act": act}, id=f"1000-{n}")
    raw.xadd(f"{{staff}}:acts:{month}", {"act": act}, id="1001-0")
    log, pages, before = built.clients.audit_log, 0, None
    for pages in range(1, 100):  # noqa: B007 - counted
        page = log.newest(LogKind.ACTS, month, lambda _: True, 50, before)
        before = page.older
        if before is None:
            break
    assert pages < 99


@pytest.mark.parametrize("kind", LogKind)
def test_parts_have_each_record_once(built: Container, network: Network, kind: LogKind):
    for n in range(40):
        network.open(f"+861380288{n:04}")
        look(built, f"+861380288{n:04}", "bo.wu", f"reason {n}")
        built.clients.staff.record([StaffAct(built.clock.now(), "bo.wu", f"act {n}")])
    log, month = built.clients.audit_log, month_of(built.clock.now())
    found: list[LogRecord] = []
    begin, parts = "", 0
    while parts == 0 or begin:
        records, begin = log.part(kind, month, begin, 7)
        assert len(records) <= 7
        found, parts = found + records, parts + 1
    assert len(found) == log.count(kind, month) >= 40
    assert len(set(map(encode, found))) == len(found)
    whole, end = log.part(kind, month, "", 1000)
    assert (whole, end) == (found, "")
    assert log.part(kind, month, "no place", 1000)[0] == found


def test_chain_of_a_customer_is_checked_and_the_look_recorded(
    auditor: StaffBrowser, built: Container, network: Network, raw: "redis.Redis"
):
    network.open(GUANGDONG)
    auditor.goes("audit/chain")
    seen = auditor.presses("/audit/chain", number="138 0288 0000", why="complaint 7")
    count = len(audit(raw, GUANGDONG))
    assert seen.told == [f"{count}条记录完整，未被改动。"]
    (found,) = built.clients.bulk_reader.lookups_of(Msisdn(GUANGDONG))
    assert (found.clerk, found.command, found.reason) == (
        "auditor-1", "console audit", "complaint 7",
    )  # fmt: skip
    key = next(key for key in raw.keys("*:consent:*"))
    entry = raw.lindex(key, 0)
    raw.lset(key, 0, entry.replace(b"none", b"gone", 1))
    seen = auditor.presses("/audit/chain", number=GUANGDONG)
    assert "第1条或其前一条被改动" in seen.told[0]
    raw.lset(key, 0, entry)
    raw.rpop(key)
    assert "末尾的记录缺失" in auditor.presses("/audit/chain", number=GUANGDONG).told[0]
    assert "没有确认记录" in auditor.presses("/audit/chain", number=ZHEJIANG).told[0]


def test_wrong_number_is_refused_and_no_look_recorded(auditor: StaffBrowser, raw: "redis.Redis"):
    auditor.goes("audit/chain")
    for number in ("", "12", "<b>", "x" * 5000):
        seen = auditor.presses("/audit/chain", number=number)
        assert (seen.status, seen.told[0]) == (400, "请输入正确的手机号码。")
    assert raw.keys("*:looks:*") == []


def test_months_reach_back_a_year(auditor: StaffBrowser, built: Container):
    html = auditor.goes("audit").html
    now = built.clock.now()
    for days in (0, 40, 300):
        assert f">{month_of(now - dt.timedelta(days=days))}</option>" in html


def test_part_is_downloaded_as_the_command_exports_it_and_recorded(
    auditor: StaffBrowser, built: Container
):
    look(built, GUANGDONG, "bo.wu", "=1+1")
    month = month_of(built.clock.now())
    seen = auditor.goes(f"audit/parts?kind=lookups&month={month}")
    assert "本部分1条，本月共1条" in seen.text
    found = {}
    for file_format in ("csv", "jsonl"):
        (path,) = re.findall(rf'href="/console/([^"]*format={file_format})"', seen.html)
        answer = auditor.goes(path.replace("&amp;", "&")).answer
        assert answer.headers["Content-Disposition"].startswith("attachment")
        found[file_format] = answer.get_data(as_text=True)
    assert found["csv"].splitlines()[0].startswith("at,number,command,clerk")
    assert "'=1+1" in found["csv"]
    assert f'"number": "{GUANGDONG}"' in found["jsonl"]
    auditor.goes("audit?act=导出")
    assert [row[4] for row in cells(auditor)] == [f"lookups {month}"] * 2


@pytest.mark.parametrize(
    "odd", ["", "kind=x&month=2026-11", "kind=acts&month=x", "kind=acts&month=2026-11&begin=%22"]
)
def test_odd_export_is_refused(auditor: StaffBrowser, odd: str):
    assert auditor.goes(f"audit/parts?{odd}").status == 400
    assert auditor.goes(f"audit/file?format=csv&{odd}").status == 400
    assert auditor.goes("audit/file?kind=acts&month=2026-11&format=exe").status == 400
