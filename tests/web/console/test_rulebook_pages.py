"""Pages of the rule book: view, upload, difference, rehearsal, and a second person."""

import pytest
import redis

from app.bootstrap import Container
from app.rulebook.proposals import book_proposals
from app.rulebook.rehearsals import rehearsal_job
from receipts.model.calendar import month_of
from receipts.model.rule_books import ProposalKind
from receipts.model.staff import Role, StaffMember
from receipts.rulebook.loader import MAX_BOOK_BYTES, SHIPPED
from receipts.store.connection import RedisConnection
from tests.conftest import GUANGDONG, Network
from tests.support.browser import Form
from tests.support.fixtures import contents
from tests.support.staff import StaffBrowser, StaffSight
from tests.web.console.conftest import Staff

TEXT = SHIPPED.read_bytes()
LATER = b"""[[provinces.CN-GD.tariffs]]
version = "GD-2"
from = 2099-01-01
monthly_fen = 250
per_receipt_fen = 0

[provinces.CN-JL]"""
SECOND = (
    TEXT.replace(b'version = "invented-1"', b'version = "second"')
    .replace(b'cancel = ["TD"]', b'cancel = ["TD", "TDHZ"]')
    .replace(b"[provinces.CN-JL]", LATER)
)


def upload(
    browser: StaffBrowser, text: bytes = SECOND, reason: str = "new year's price"
) -> StaffSight:
    form = browser.goes("rulebook/upload").form_to("upload")
    return browser.sends(form, file=text, reason=reason)


def path_of(seen: StaffSight) -> str:
    return seen.answer.request.path.removeprefix("/console/")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_views_show_the_book_by_province(staff: Staff, language: str):
    browser = staff("an", Role.AUDITOR, language)
    overview = browser.goes("rulebook").text
    guangdong, fee, field = {
        "zh": ("广东", "1.00元", "二次确认时限 48小时"),
        "en": ("Guangdong", "1.00 yuan", "Time to confirm 48 hours"),
    }[language]
    assert f"{guangdong} " in overview
    assert fee in overview
    page = browser.goes("rulebook/provinces/CN-GD").text
    assert field in page
    assert "KTDXHZ" in page
    assert "GD-1 2020-01-01" in page
    assert "CN-FJ" not in page
    assert browser.goes("rulebook/provinces/CN-BJ").status == 404
    assert "TDXX" in browser.goes("rulebook/shared").text
    assert browser.goes("rulebook/file").answer.data == TEXT


def test_upload_is_compared_and_put_in_force_by_a_second_person(staff: Staff, built: Container):
    an, bo = staff("an"), staff("bo")
    seen = upload(an)
    assert seen.status == 200
    assert "Proposed. Another person must approve it now." in seen.text
    assert "Tariff GD-2 · Monthly fee None 2.50 yuan" in seen.text
    assert "Keywords of no language · Cancel Added: TDHZ" in seen.text
    assert "tariff GD-2, from 2099-01-01, is dearer" in seen.text
    assert "must be approved by another person" in seen.text
    assert built.books.in_force().number == 0
    path = path_of(seen)
    form = bo.goes(path).form_to("decision")
    assert "Approved. The rule book is in force." in bo.sends(form, decision="approve").text
    assert built.books.in_force().version == "second"
    assert "decided already" in bo.sends(form, decision="approve", once=another(form)).text
    overview = an.goes("rulebook").text
    assert "second" in overview
    assert "an / bo" in overview
    month = month_of(built.clock.now())
    acts = [act.act for batch in built.clients.staff.acts(month) for act in batch]
    assert {"rule_book_proposed", "rule_book_approved"} <= set(acts)


def another(form: Form) -> str:
    """The key of another form of the page."""
    return form.fields["once"][::-1]


def test_form_sent_twice_approves_once(staff: Staff, built: Container):
    path = path_of(upload(staff("an")))
    bo = staff("bo")
    form = bo.goes(path).form_to("decision")
    for _ in range(2):
        assert "The rule book is in force" in bo.sends(form, decision="approve").text
    assert built.books.in_force().number == 1


def test_proposer_has_no_form_to_approve_and_is_refused(staff: Staff, built: Container):
    an, bo = staff("an"), staff("bo")
    path = path_of(upload(an))
    assert not [form for form in an.goes(path).forms if form.action.endswith("/decision")]
    form = bo.goes(path).form_to("decision")
    own = an.goes(path).form_to("withdrawal").fields
    form.fields |= {"csrf_token": own["csrf_token"], "once": own["once"]}
    seen = an.sends(form, decision="approve")
    assert seen.status == 409
    assert "must be approved by another person" in seen.told[0]
    assert built.books.in_force().number == 0


@pytest.mark.parametrize(
    ("text", "reason", "said"),
    [
        (b"nonsense", "why", "is not TOML"),
        (TEXT.replace(b"monthly_fen = 100", b"monthly_fen = 900"), "why", "the most is 300 fen"),
        (TEXT.replace(b"monthly_fen = 100", b"monthly_fen = 90"), "why", "has begun"),
        (TEXT.replace(b'version = "GD-1"', b'version = "GD-9"'), "why", "cannot be removed"),
        (TEXT, "why", "no different from the rule book in force"),
        (SECOND, " ", "Please give a reason"),
        (b"", "why", "Please choose a rule book file"),
        (b"#" * (MAX_BOOK_BYTES + 1), "why", "more than 500 KB"),
        (b"\xff\xfe\x00", "why", "is not UTF-8"),
    ],
)
def test_bad_file_is_refused_in_words_and_not_kept(
    staff: Staff, raw: "redis.Redis", text: bytes, reason: str, said: str
):
    browser = staff("an")
    before = kept(raw)
    seen = upload(browser, text, reason)
    assert (seen.status, said in seen.text) == (400, True)
    assert kept(raw) == before


def kept(raw: "redis.Redis") -> dict[object, object]:
    """The store without sessions, which each page touches."""
    return {
        key: value for key, value in contents(raw).items() if b"session" not in str(key).encode()
    }


def test_error_names_its_line(staff: Staff):
    seen = upload(staff("an"), TEXT.replace(b"monthly_fen = 100", b"monthly_fen = 900", 1))
    line = TEXT.split(b"monthly_fen = 100")[0].count(b"\n") + 1
    assert f"Line {line} provinces.CN-GD.tariffs.monthly_fen" in seen.text


def test_auditor_reads_a_proposal_and_cannot_decide(staff: Staff, built: Container):
    path = path_of(upload(staff("an")))
    browser = staff("cai", Role.AUDITOR)
    page = browser.goes(path)
    assert "not allowed to approve" in page.text
    own = page.form_to("language").fields
    for ending in ("decision", "withdrawal", "rehearsal"):
        form = Form(f"/console/{path}/{ending}", dict(own))
        assert browser.sends(form, decision="approve").status == 403
    assert browser.goes("rulebook/upload").status == 403
    assert built.books.in_force().number == 0


def test_reject_needs_a_reason_and_withdraw_is_the_proposers(staff: Staff, built: Container):
    an, bo = staff("an"), staff("bo")
    first, second = path_of(upload(an)), path_of(upload(an))
    form = bo.goes(first).form_to("decision", 1)
    assert bo.sends(form, decision="reject", reason=" ").status == 400
    form = bo.goes(first).form_to("decision", 1)
    assert "Rejected" in bo.sends(form, decision="reject", reason="too dear").text
    assert "too dear" in an.goes(first).text
    assert "Withdrawn" in an.sends(an.goes(second).form_to("withdrawal")).text
    assert built.books.in_force().number == 0


def test_rehearsal_shows_progress_then_bills_and_a_picture(
    staff: Staff, built: Container, network: Network
):
    network.open(GUANGDONG)
    an = staff("an")
    path = path_of(upload(an))
    month = month_of(built.clock.now())
    seen = an.sends(an.goes(path).form_to("rehearsal"), month=month)
    assert "Waiting to begin" in seen.text
    assert 'http-equiv="refresh"' in seen.html
    assert an.goes(f"{path}/chart.svg").status == 404
    job = rehearsal_job(built)
    while job.step("w"):
        pass
    seen = an.goes(path)
    assert 'http-equiv="refresh"' not in seen.html
    assert "Guangdong CN-GD 1 1.00 → 2.50" in seen.text
    picture = an.goes(f"{path}/chart.svg").answer
    assert picture.content_type.startswith("image/svg+xml")
    assert b"<script" not in picture.data
    form = an.goes(path).form_to("rehearsal")
    assert an.sends(form, month="2020-01").status == 400


def test_earlier_version_is_proposed_again(staff: Staff, built: Container):
    an, bo = staff("an"), staff("bo")
    path = path_of(upload(an))
    bo.sends(bo.goes(path).form_to("decision"), decision="approve")
    seen = bo.sends(bo.goes("rulebook").form_to("again"))
    assert "Return to version invented-1" in seen.text
    an.sends(an.goes(path_of(seen)).form_to("decision"), decision="approve")
    assert (built.books.in_force().number, built.books.in_force().version) == (2, "invented-1")
    form = an.goes("rulebook").form_to("again")
    assert an.sends(form, book="0" * 16).status == 400


def test_unknown_proposal_is_not_found(staff: Staff):
    browser = staff("an")
    assert browser.goes("rulebook/proposals/0123456789abcdef").status == 404
    assert browser.goes("rulebook/proposals/x%0a%7b").status == 404


@pytest.mark.parametrize(
    "path", ["rulebook", "rulebook/provinces/CN-GD", "rulebook/messages", "rulebook/proposals/{}"]
)
def test_pages_take_a_bounded_number_of_round_trips(
    staff: Staff, built: Container, path: str, monkeypatch: pytest.MonkeyPatch
):
    browser, desk = staff("an"), book_proposals(built)
    by, counts, asked = StaffMember("bo", Role.OPERATOR), [], []
    run = RedisConnection.run
    monkeypatch.setattr(RedisConnection, "run", lambda *given: asked.append(1) or run(*given))
    made = 0
    for more in (2, 30):
        for number in range(made, made + more):
            text = TEXT.replace(b"replies_a_day = 120", b"replies_a_day = %d" % (number + 50))
            proposal = desk.propose(text, "x", ProposalKind.UPLOAD, by, "r", f"n{number}")
        made += more
        asked.clear()
        assert browser.goes(path.format(proposal.id)).status == 200
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 8
