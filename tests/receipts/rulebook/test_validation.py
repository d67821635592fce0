"""Loading and validation of a rule book: each violation names its line and fix."""

import datetime as dt
import re
from pathlib import Path

import pytest

from receipts.rulebook.errors import RuleBookError, Violation
from receipts.rulebook.loader import SHIPPED, load_rule_book
from receipts.rulebook.tables import describe
from receipts.rulebook.wishes import Wish, WishMatcher

TEXT = SHIPPED.read_text(encoding="utf-8")
JILIN = "[provinces.CN-JL]"


def edited(tmp_path: Path, *changes: tuple[str, str], text: str = TEXT) -> Path:
    """A copy of the shipped book with the first occurrence of each text replaced."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    file = tmp_path / "rules.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refused(file: Path) -> RuleBookError:
    with pytest.raises(RuleBookError) as caught:
        load_rule_book(file)
    return caught.value


def only_violation(file: Path) -> Violation:
    (violation,) = refused(file).violations
    return violation


def tariff(version: str, since: str, monthly: int) -> str:
    return f"""
version = "{version}"
from = {since}
monthly_fen = {monthly}
per_receipt_fen = 0

"""


def test_new_tariff_starts_on_its_day_and_keeps_the_old_one(tmp_path: Path):
    later = f"[[provinces.CN-GD.tariffs]]{tariff('GD-2', '2027-01-01', 200)}{JILIN}"
    guangdong = load_rule_book(edited(tmp_path, (JILIN, later))).provinces["CN-GD"]
    assert guangdong.tariff_at(dt.date(2026, 12, 31)).version == "GD-1"
    assert guangdong.tariff_at(dt.date(2027, 1, 1)).version == "GD-2"
    assert guangdong.tariff_at(dt.date(1999, 1, 1)).version == "GD-1"
    assert guangdong.tariff("GD-1") == guangdong.tariffs[0]
    assert guangdong.tariff("GD-9") is None


def test_byte_order_mark_is_accepted(tmp_path: Path):
    assert load_rule_book(edited(tmp_path, text=f"\ufeff{TEXT}")) == load_rule_book(None)


# Each row breaks one rule: old and new text, and a part of the problem and of its fix. The
# violation names the line of the new text.
GD_FEES = "monthly_fen = 100"
GD_WORDS = 'words.open = ["KTDXHZ"]'
BROKEN = [
    (GD_FEES, "monthly_fen = 301", "is 301; the most is 300 fen (3 yuan)", "0 to 300"),
    (GD_FEES, "monthly_fen = -1", "monthly_fen is -1; the least is 0 fen", "0 to 300"),
    (GD_FEES, "monthly_fen = 1.5", "monthly_fen is not a whole number", "number of fen"),
    (GD_FEES, 'monthly_fen = "free"', "is not a whole number", "number of fen"),
    ("per_receipt_fen = 10", "per_receipt_fen = 999", "is 999; the most is 300", "0 to 300"),
    ("from = 2020-01-01", 'from = "next year"', "from is not a day", "2026-12-01"),
    ("from = 2020-01-01", "from = 2020-02-30", "TOML", "correct the line"),
    ('version = "JL-1"', 'version = "GD-1"', "used twice", "its own name"),
    ("trial_days = 30", "trial_day = 30", "trial_day is not a known name", "spelling"),
    (
        '"text", "web", "counter"]',
        '"text", "fax"]',
        "“fax” is not a known value",
        "text, voice, web, counter",
    ),
    ('doors = ["text", "web", "counter"]', "doors = []", "doors is an empty list", "text, voice"),
    ('"text", "web", "counter"]', '"text", "text"]', "twice", "once"),
    ('greeting = ["zh", "en"]', 'greeting = ["zh", "yue"]', "yue", "en, zh"),
    (GD_WORDS, 'words.opne = ["KTDXHZ"]', "“opne”", "open"),
    (GD_WORDS, 'words.open = "KTDXHZ"', "open is not a list", "list"),
    (GD_WORDS, 'words.open = ["KTDXHZ", 1]', "a value of open is not a text", "list"),
    ('cancel = ["TD"]', 'cancle = ["TD"]', "“cancle”", "open, cancel"),
    ('cancel = ["TD"]', "cancel = [[]]", "is not a text in quotes", "list"),
    (GD_WORDS, 'words.open = ["。！"]', "“。！” has no letters or digits", "letters"),
    (
        'words.cancel = ["QXDXHZ"]',
        'words.cancel = ["ｋｔｄｘｈｚ"]',
        "means both “open” and “cancel”",
        "change one",
    ),
    (GD_WORDS, 'words.open = ["p t"]', "(it reads the same as PT)", "change one"),
    (GD_WORDS, 'words.open = ["Start"]', "keeps for itself", "another word"),
    ('open = ["SUBSCRIBE"', 'open = ["UNSTOP"', "a word the provider keeps", "[words.kept]"),
    ('help = ["HELP", "INFO"]', 'help = ["HELP", "TIPS"]', "not a word", "[words.kept]"),
    (
        'flash = ["SX"]',
        'flash = ["SX", "PT"]',
        "PT means both “ordinary” and “flash”",
        "change one",
    ),
    ("confirmation_hours = 24", "confirmation_hours = 0", "is 0; the least is 1 hour", "1 to 720"),
    ('cancel_takes_effect = "now"', 'cancel_takes_effect = "soon"', "“soon”", "month_end or now"),
    ("audit_months = 36", "audit_months = 3", "the least is 5 months", "5 months"),
    ("[5, 30, 120, 600, 3600]", "[5, 4]", "must not decrease", "ascending"),
    ("[5, 30, 120, 600, 3600]", "[]", "is an empty list", "at least one"),
    ("[5, 30, 120, 600, 3600]", "[86400]", "expire_after_hours", "shorten"),
    (
        GD_WORDS,
        f"limits.replies_an_hour = 0\n{GD_WORDS}",
        "is 0; the least is 1",
        "shipped rule book",
    ),
    ("monthly_cap_fen = 300", "monthly_cap_fen = 299", "over the cap", "lower the fee"),
    (GD_WORDS, "words.open = []", "open is an empty list", "list"),
    ("trial_days = 30", "trial_days = 3650000", "the most is 366 days", "0 to 366"),
    ("audit_months = 36", "audit_months = 36000", "the most is 600 months", "5 months"),
    ('ordinary = ["PT"]', 'ordinary = ["PTX"]', "teach PT", "[words.code]"),
    ('yes = ["是"]', 'yes = ["好"]', "teach 是", "[words.zh]"),
    ('list_all = ["0000", "00000"]', 'list_all = ["00000"]', "teach 0000", "[words.code]"),
    (
        'CN-GD = { zh = "广东", en',
        'CN-GD = { zh = "广东", eng',
        "eng is not a known name",
        "spelling",
    ),
]


@pytest.mark.parametrize(("old", "new", "problem", "fix"), BROKEN, ids=[row[1] for row in BROKEN])
def test_violation_names_line_problem_and_fix(
    tmp_path: Path, old: str, new: str, problem: str, fix: str
):
    file = edited(tmp_path, (old, new))
    violation = only_violation(file)
    assert problem in violation.problem
    assert fix in violation.fix
    line = file.read_text(encoding="utf-8").splitlines()[(violation.line or 0) - 1]
    assert ("monthly_fen = 300" if "monthly_cap" in new else new.splitlines()[0]) in line
    assert f"{file}:{violation.line}: " in str(refused(file))


def test_province_overrides_some_limits_and_inherits_the_others(tmp_path: Path):
    own = "limits.monthly_cap_fen = 99\nlimits.replies_a_day = 7\n"
    book = load_rule_book(edited(tmp_path, ("[provinces.CN-SX]", f"[provinces.CN-SX]\n{own}")))
    limits = book.limits_in("CN-SX")
    assert (limits.monthly_cap_fen, limits.replies_a_day, limits.replies_an_hour) == (99, 7, 40)
    assert book.limits_in("CN-GD") == book.limits_in(None) == book.limits
    assert "40 replies an hour and 7 a day, 3 receipts shown, 0.99 yuan a month" in describe(
        book, "CN-SX"
    )
    file = edited(tmp_path, ("[provinces.CN-HE]", f"[provinces.CN-HE]\n{own}"))
    assert "150 fen is over the cap of 99" in only_violation(file).problem


def test_tariffs_out_of_order_are_refused(tmp_path: Path):
    again = f"[[provinces.CN-GD.tariffs]]{tariff('GD-2', '2020-01-01', 0)}{JILIN}"
    file = edited(tmp_path, (JILIN, again))
    violation = only_violation(file)
    assert "is not after 2020-01-01" in violation.problem
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[(violation.line or 0) - 2 : violation.line] == [
        'version = "GD-2"',
        "from = 2020-01-01",
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("per_receipt_fen = 10\n", "", "per_receipt_fen is missing"),
        ("CN-GX = {", "CN-XX = {", "has no name"),
        ("[provinces.CN-SX]", "[provinces]\nCN-QQ = 1\n\n[provinces.CN-SX]", "not a table"),
        ("\n[names]", "\n[nam]", "missing"),
        ('version = "invented-1"', "", "version is missing"),
    ],
)
def test_missing_value_is_named(tmp_path: Path, old: str, new: str, problem: str):
    assert problem in str(refused(edited(tmp_path, (old, new))))


def test_all_violations_are_reported_at_once(tmp_path: Path):
    high_fees = (GD_FEES, "monthly_fen = 301"), ("monthly_fen = 200", "monthly_fen = 400")
    violations = refused(edited(tmp_path, *high_fees)).violations
    assert [violation.where[1] for violation in violations] == ["CN-GD", "CN-JL"]


def test_province_with_text_channel_alone_needs_a_keyword_for_every_intent(tmp_path: Path):
    text_only = ('doors = ["text", "counter"]', 'doors = ["text"]')
    assert load_rule_book(edited(tmp_path, text_only))
    no_ask = ('words.ask = ["HZCX"]', ""), ('ask = ["查询短信回执"]', ""), ('ask = ["STATUS"]', "")
    violations = {
        each.where: each for each in refused(edited(tmp_path, text_only, *no_ask)).violations
    }
    violation = violations["provinces", "CN-SN", "doors"]
    assert violation.problem == "customers have no way to check"
    assert violation.fix == "add a word for “ask” or a channel"
    assert violations["words", "zh", "ask"].line


def test_channel_that_opens_must_also_cancel(tmp_path: Path):
    no_cancel = re.sub(r"(?m)^(words\.)?cancel = .*\n", "", TEXT)
    problems = {each.problem for each in refused(edited(tmp_path, text=no_cancel)).violations}
    assert problems == {
        "customers can subscribe by text but not cancel",
        "has no word for “cancel”",
    }


def test_keyword_that_replies_teach_must_be_in_the_book(tmp_path: Path):
    without_zh = re.sub(r"(?s)\[words\.zh\].*?(?=\[words\.en\])", "", TEXT)
    violations = refused(edited(tmp_path, text=without_zh)).violations
    assert {each.where[-1] for each in violations} == {"open", "ask", "yes"}
    assert all(each.line for each in violations)


def test_tenth_province_is_refused_because_the_menu_has_nine_keys(tmp_path: Path):
    more = "".join(
        f'[provinces.{code}]\ndoors = ["text"]\nwords.open = ["K{code[3:]}"]\n'
        f"[[provinces.{code}.tariffs]]{tariff(code, '2020-01-01', 0)}"
        for code in ("CN-BJ", "CN-SH")
    )
    violation = only_violation(edited(tmp_path, ("[names]", more + "[names]")))
    assert violation.where == ("provinces", "CN-SH")


def test_unreadable_file_is_refused(tmp_path: Path):
    assert "check the path" in str(refused(tmp_path / "none.toml"))
    file = tmp_path / "rules.toml"
    file.write_bytes(TEXT.encode("gb18030"))
    assert "save it as UTF-8" in str(refused(file))


PROMOTION = """
[[messages]]
name = "lights"
kind = "public_interest"
from = 2026-11-01
until = 2026-12-31
zh = "请勿在驾驶时使用手机。"
en = "Do not use your phone while driving."
"""
WITH_PROMOTION = TEXT.replace('name = "lights"', 'name = "other"', 1)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "lights"\nkind', 'name = "fair"\nkind', "is used twice"),
        ("until = 2026-12-31", "until = 2026-10-31", "is before 2026-11-01"),
        ("until = 2026-12-31", 'until = "soon"', "write a day"),
        ('"public_interest"', '"none"', "use news, public_interest, advertising"),
        ('"public_interest"', '"gossip"', "use news, public_interest or advertising"),
        ("until = 2026-12-31", 'until = 2026-12-31\nprovinces = ["CN-BJ"]', "is not a province of"),
        ("请勿在驾驶时使用手机。", "字" * 31, "at most 30 characters"),
        ("请勿在驾驶时使用手机。", " 空", "write one line"),
        ("while driving", "while driving €", "plain characters"),
        ("while driving", "w" * 81, "at most 80"),
    ],
)
def test_invalid_promotion_is_refused(tmp_path: Path, old: str, new: str, message: str):
    book = WITH_PROMOTION + PROMOTION
    assert len(load_rule_book(edited(tmp_path, text=book)).messages) == 4
    error = str(refused(edited(tmp_path, text=WITH_PROMOTION + PROMOTION.replace(old, new, 1))))
    assert message in error
    assert int(error.split(":")[1]) > len(WITH_PROMOTION.splitlines())


def test_promotion_without_opt_out_keyword_is_refused(tmp_path: Path):
    changes = (('no_messages = ["TDXX"]\n', ""), ('no_messages = ["退订信息", "取消信息"]\n', ""))
    assert "customers have no word to ask for news or to stop it" in str(
        refused(edited(tmp_path, *changes))
    )


@pytest.mark.parametrize(("old", "new", "problem"), [
    ("[phrases.zh]\n", '[phrases.zh]\nagree2 = ["是"]\n', "agree2"),
    ("[phrases.en]\n", '[phrases.fr]\nagree = ["oui"]\n\n[phrases.en]\n', "fr"),
    ('decline = [\n  "否"', 'decline = [\n  "取消", "否"', "also listed under cancelling"),
    ('decline = [\n  "否"', 'decline = [\n  " ", "否"', "“ ” has no letters or digits"),
    (GD_WORDS, f'phrases.agree = ["取消"]\n{GD_WORDS}', "also listed under cancelling"),
])  # fmt: skip
def test_invalid_phrase_is_refused(tmp_path: Path, old: str, new: str, problem: str):
    assert problem in str(refused(edited(tmp_path, (old, new))))


def test_book_without_phrases_has_the_shipped_ones(tmp_path: Path):
    plain = re.sub(r"(?s)\[phrases\.zh\].*?(?=\n# ---- The eight)", "", TEXT)
    assert load_rule_book(edited(tmp_path, text=plain)).phrases == load_rule_book(None).phrases


def test_province_adds_phrases(tmp_path: Path):
    own = f'phrases.cancelling = ["莫搞了"]\n{GD_WORDS}'
    matcher = WishMatcher(load_rule_book(edited(tmp_path, (GD_WORDS, own))))
    assert matcher.match("莫搞了", "CN-GD") is Wish.CANCEL
    assert matcher.match("莫搞了", "CN-JL") is not Wish.CANCEL


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ('MA = "lost"', ("reports", "families")),
        ('Ma = "failed"', ("reports", "families")),
        ("MA = 1", ("reports", "families")),
    ],
)
def test_wrong_meaning_of_a_code_is_refused_with_a_fix(
    tmp_path: Path, written: str, path: tuple[str, ...]
):
    violation = only_violation(edited(tmp_path, ('MA = "rejected"', written)))
    assert violation.where[:2] == path
    assert "two capitals" in violation.fix


def test_unknown_cause_of_a_code_is_refused_with_a_fix(tmp_path: Path):
    violation = only_violation(edited(tmp_path, ('"27" = "switched_off"', '"27" = "asleep"')))
    assert violation.where[:2] == ("reports", "causes")
    assert "switched_off" in violation.fix


def test_way_to_pay_has_both_languages_or_is_left_out(tmp_path: Path):
    assert load_rule_book(None).payment is None
    both = '[payment]\nzh = "请缴费。"\nen = "Please pay."\n\n[words.code]'
    payment = load_rule_book(edited(tmp_path, ("[words.code]", both))).payment
    assert payment is not None
    assert (payment.zh, payment.en) == ("请缴费。", "Please pay.")
    one = both.replace('en = "Please pay."\n', "")
    assert "payment" in str(refused(edited(tmp_path, ("[words.code]", one))))
