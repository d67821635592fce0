"""Pages of the operator's messages: list, preview, and a proposal of a changed rule book."""

import pytest
import redis

from app.bootstrap import Container
from receipts.model.staff import Role
from receipts.rulebook.loader import parse_rule_book
from tests.support.fixtures import contents
from tests.support.staff import StaffBrowser, StaffSight
from tests.web.console.conftest import Staff

NEW = {
    "name": "winter", "kind": "news", "since": "2026-12-01", "until": "2026-12-31",
    "zh": "冬至快乐。", "en": "Happy winter solstice.", "reason": "the season",
}  # fmt: skip


def types(browser: StaffBrowser, do: str, /, **typed: str) -> StaffSight:
    """Fill in the form of a new message and press a button."""
    form = browser.goes("rulebook/messages/edit").form_to("edit")
    form.fields.pop("provinces")
    return browser.sends(form, do=do, **(NEW | typed))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_list_shows_the_messages(staff: Staff, language: str):
    page = staff("an", Role.AUDITOR, language).goes("rulebook/messages")
    assert "彩铃首月免费，详询10086。 Ring-back tones" in page.text
    assert {"zh": "全部省份", "en": "All provinces"}[language] in page.text
    assert "edit" not in page.html


def test_preview_shows_the_longest_receipt_in_both_languages(staff: Staff):
    an = staff("an")
    page = an.goes("rulebook/messages/edit?name=ringtones").text
    assert "(70 of 70)" in page
    assert "(160 of 160)" in page
    assert "彩铃首月免费，详询10086。拒收回TDXX" in page
    seen = types(an, "preview")
    assert seen.status == 200
    assert "【新闻】冬至快乐。" in seen.text
    assert "News: Happy winter solstice." in seen.text
    assert seen.value("zh") == "冬至快乐。"


def test_preview_and_errors_keep_the_input_and_change_nothing(staff: Staff, raw: "redis.Redis"):
    an = staff("an")
    before = unchanged(raw)
    for do, typed, said in (
        ("preview", {}, "【新闻】冬至快乐。"),
        ("propose", {"zh": "字" * 31}, "zh has 31 characters; the most is 30"),
        ("propose", {"en": "no 中文"}, "en has characters that are not allowed"),
        ("propose", {"until": "2026-11-01"}, "is before 2026-12-01"),
        ("propose", {"until": "soon"}, "is not a day"),
        ("propose", {"kind": "gossip"}, "not a known value"),
        ("propose", {"reason": " "}, "Please give a reason"),
        ("propose", {"name": "<b>&"}, ""),
    ):
        seen = types(an, do, **typed)
        if said:
            assert said in seen.text
            assert seen.value("name") == "winter"
            assert unchanged(raw) == before
    assert "<b>&" not in seen.html


def unchanged(raw: "redis.Redis") -> dict[object, object]:
    return {key: value for key, value in contents(raw).items() if "session" not in str(key)}


def test_new_message_is_in_force_after_a_second_person(staff: Staff, built: Container):
    an, bo = staff("an"), staff("bo")
    seen = types(an, "propose")
    assert "Message “winter” · Chinese None 冬至快乐。" in seen.text
    path = seen.answer.request.path.removeprefix("/console/")
    bo.sends(bo.goes(path).form_to("decision"), decision="approve")
    text = built.books.text(built.books.in_force().book)
    assert text is not None
    book = parse_rule_book(text, "x")
    assert (book.version, book.messages[-1].name) == ("invented-1+1", "winter")
    assert b"# ---- Keywords valid in every province" in text
    assert "winter" in an.goes("rulebook/messages").text


def test_list_of_provinces_in_place_of_all_is_shown_whole(staff: Staff):
    an = staff("an")
    form = an.goes("rulebook/messages/edit?name=ringtones").form_to("edit")
    form.fields.pop("provinces")
    typed = {"kind": "advertising", "do": "propose", "reason": "smaller"}
    seen = an.sends(form, provinces="CN-GD", **typed)
    assert "Provinces All provinces Guangdong" in seen.text


def test_running_message_ends_today(staff: Staff, built: Container):
    an = staff("an")
    seen = an.sends(an.goes("rulebook/messages/edit?name=fair").form_to("end"))
    today = f"{built.clock.now():%Y-%m-%d}"
    assert f"Message “fair” · Until 2099-12-31 {today}" in seen.text
    assert "End the message “fair”" in seen.text


def test_unknown_message_is_not_found(staff: Staff):
    an = staff("an")
    assert an.goes("rulebook/messages/edit?name=none").status == 404
    form = an.goes("rulebook/messages/edit?name=fair").form_to("end")
    assert an.sends(form, name="none").status == 400
