"""The rule book: the shipped one is right, and a wrong one is told how to become right."""

import datetime as dt
import re
from pathlib import Path

import pytest

from receipts.model.vocabulary import Channel, Intent, Language
from receipts.numbering.plan import NumberingPlan
from receipts.rulebook.errors import RuleBookError
from receipts.rulebook.loader import SHIPPED, load_rule_book
from receipts.rulebook.normalise import normalise
from receipts.rulebook.schema import CancellationEffect, RuleBook
from receipts.rulebook.tables import check_report, describe
from receipts.rulebook.validation import TAUGHT_KEYWORDS

#: Capitals in our sentences that nobody is asked to text.
NO_WORDS = {"SMS", "A"}
COVERED = {"CN-GD", "CN-JL", "CN-GX", "CN-SX", "CN-HE", "CN-ZJ", "CN-FJ", "CN-SN"}


@pytest.fixture(scope="module")
def book() -> RuleBook:
    return load_rule_book(None)


def edited(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """The shipped book with some texts replaced, each exactly once."""
    text = SHIPPED.read_text(encoding="utf-8")
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


def test_the_shipped_book_covers_the_eight_provinces_and_says_it_is_invented(book: RuleBook):
    assert set(book.provinces) == COVERED
    assert book.invented


def test_the_shipped_book_shows_every_kind_of_province(book: RuleBook):
    provinces = book.provinces.values()
    assert not book.provinces["CN-JL"].has(Channel.VOICE)
    assert any(not each.has(Channel.WEB) for each in provinces)
    assert any(each.tariffs[0].free for each in provinces)
    assert any(each.tariffs[0].per_receipt_fen for each in provinces)
    assert any(each.tariffs[0].trial_days for each in provinces)
    assert any(each.cancel_takes_effect is CancellationEffect.NOW for each in provinces)


def test_guangdong_costs_a_yuan_a_month(book: RuleBook):
    guangdong = book.province("CN-GD")
    assert guangdong
    assert (guangdong.tariffs[0].monthly_fen, guangdong.tariffs[0].per_receipt_fen) == (100, 0)
    assert guangdong.window == dt.timedelta(hours=48)


def test_where_cantonese_is_spoken_the_hotline_greets_in_it(book: RuleBook):
    greeted = {code for code, each in book.provinces.items() if "yue" in each.greeting}
    assert greeted == {"CN-GD", "CN-GX"}


def test_every_province_a_number_can_be_of_has_a_name(book: RuleBook):
    numbering = NumberingPlan()
    numbers = {f"+86{prefix}0000" for prefix in range(1300000, 1400000, 7)}
    homes = {numbering.info(number).province for number in numbers} - {None}
    assert len(book.names) == 31
    assert homes <= book.names.keys()
    assert book.name("CN-BJ", Language.ZH) == "北京"
    assert book.name("CN-BJ", Language.EN) == "Beijing"
    assert book.name("XX", Language.EN) == "XX"


@pytest.mark.parametrize("code", ["CN-BJ", "", None, "nonsense"])
def test_a_province_that_is_not_covered_has_no_rules(book: RuleBook, code: str | None):
    assert book.province(code) is None


def test_a_new_tariff_counts_from_its_day_and_history_stays(tmp_path: Path):
    later = '[[provinces.CN-GD.tariffs]]\nversion = "GD-2"\nfrom = 2027-01-01\n'
    later += "monthly_fen = 200\nper_receipt_fen = 0\n\n[provinces.CN-JL]"
    guangdong = load_rule_book(edited(tmp_path, ("[provinces.CN-JL]", later))).provinces["CN-GD"]
    assert guangdong.tariff_at(dt.date(2026, 12, 31)).version == "GD-1"
    assert guangdong.tariff_at(dt.date(2027, 1, 1)).version == "GD-2"
    assert guangdong.tariff_at(dt.date(1999, 1, 1)).version == "GD-1"
    assert guangdong.tariff("GD-1") == guangdong.tariffs[0]
    assert guangdong.tariff("GD-9") is None


def test_the_wait_before_another_attempt_grows_and_then_stays(book: RuleBook):
    waits = [book.sending.delay(attempts).total_seconds() for attempts in range(8)]
    assert waits == [5, 5, 30, 120, 600, 3600, 3600, 3600]


def test_a_book_with_a_byte_order_mark_is_read(tmp_path: Path):
    file = tmp_path / "rules.toml"
    file.write_bytes(b"\xef\xbb\xbf" + SHIPPED.read_bytes())
    assert load_rule_book(file).provinces.keys() == COVERED


# Each row breaks one rule: what is replaced, by what, the line that must be named (its text), a
# word of what is said, and a word of how to mend it.
GD_FEES = "monthly_fen = 100"
GD_WORDS = 'words.open = ["KTDXHZ"]'
BROKEN = [
    (GD_FEES, "monthly_fen = 301", "<= 300", "0 to 300"),
    (GD_FEES, "monthly_fen = -1", ">= 0", "0 to 300"),
    (GD_FEES, "monthly_fen = 1.5", "float", "whole fen"),
    (GD_FEES, 'monthly_fen = "free"', "str", "whole fen"),
    ("per_receipt_fen = 10", "per_receipt_fen = 999", "<= 300", "0 to 300"),
    ("from = 2020-01-01", 'from = "next year"', "date", "2026-12-01"),
    ("from = 2020-01-01", "from = 2020-02-30", "TOML", "correct the line"),
    ('version = "JL-1"', 'version = "GD-1"', "used twice", "name of its own"),
    ("trial_days = 30", "trial_day = 30", "unknown field `trial_day`", "spelling"),
    ('"text", "web", "counter"]', '"text", "fax"]', "'fax'", "text, voice, web, counter"),
    ('doors = ["text", "web", "counter"]', "doors = []", "length >= 1", "text, voice"),
    ('"text", "web", "counter"]', '"text", "text"]', "twice", "once"),
    ('"yue", "en"]', '"fr"]', "fr", "en, yue, zh"),
    (GD_WORDS, 'words.opne = ["KTDXHZ"]', "'opne'", "open"),
    (GD_WORDS, 'words.open = "KTDXHZ"', "array", "list"),
    (GD_WORDS, 'words.open = ["KTDXHZ", 1]', "int", "list"),
    ('cancel = ["TD"]', 'cancle = ["TD"]', "'cancle'", "open, cancel"),
    ('cancel = ["TD"]', "cancel = [[]]", "array", "list"),
    (GD_WORDS, 'words.open = ["。！"]', "nothing is left", "letters"),
    ('words.cancel = ["QXDXHZ"]', 'words.cancel = ["ｋｔｄｘｈｚ"]', "clashes", "change one"),
    (GD_WORDS, 'words.open = ["p t"]', "clashes with PT", "change one"),
    (GD_WORDS, 'words.open = ["Start"]', "keeps for itself", "another word"),
    ('open = ["SUBSCRIBE"', 'open = ["UNSTOP"', "a word the provider keeps", "[words.kept]"),
    ('help = ["HELP", "INFO"]', 'help = ["HELP", "TIPS"]', "not a word", "[words.kept]"),
    ('flash = ["SX"]', 'flash = ["SX", "PT"]', "clashes with PT", "change one"),
    ("confirmation_hours = 24", "confirmation_hours = 0", ">= 1", "shipped rule book"),
    ('cancel_takes_effect = "now"', 'cancel_takes_effect = "soon"', "'soon'", "month_end or now"),
    ("audit_months = 36", "audit_months = 3", ">= 5", "5 months"),
    ("[5, 30, 120, 600, 3600]", "[5, 4]", "shorter", "growing"),
    ("[5, 30, 120, 600, 3600]", "[]", "length >= 1", "at least one"),
    ("[5, 30, 120, 600, 3600]", "[86400]", "expire_after_hours", "shorten"),
    (GD_WORDS, f"limits.hints_a_day = 0\n{GD_WORDS}", ">= 1", "shipped rule book"),
    ("monthly_cap_fen = 300", "monthly_cap_fen = 299", "over the cap", "lower the fee"),
    (GD_WORDS, "words.open = []", "length >= 1", "list"),
    ("trial_days = 30", "trial_days = 3650000", "<= 366", "366 days"),
    ("audit_months = 36", "audit_months = 36000", "<= 600", "5 months"),
    ('ordinary = ["PT"]', 'ordinary = ["PTX"]', "teach PT", "[words.code]"),
    ('yes = ["是"]', 'yes = ["好"]', "teach 是", "[words.zh]"),
    ('list_all = ["0000", "00000"]', 'list_all = ["00000"]', "teach 0000", "[words.code]"),
    ('CN-GD = { zh = "广东", en', 'CN-GD = { zh = "广东", eng', "unknown field", "spelling"),
]


@pytest.mark.parametrize(("old", "new", "what", "fix"), BROKEN, ids=[row[1] for row in BROKEN])
def test_a_broken_rule_is_told_with_file_line_and_fix(
    tmp_path: Path, old: str, new: str, what: str, fix: str
):
    file = edited(tmp_path, (old, new))
    (fault,) = refused(file).violations
    lines = file.read_text(encoding="utf-8").splitlines()
    assert what in fault.problem
    assert fix in fault.fix
    assert fault.line
    if new.startswith("monthly_cap"):
        assert lines[fault.line - 1] == "monthly_fen = 300"
    else:
        assert new.splitlines()[0] in lines[fault.line - 1]
    assert f"{file}:{fault.line}: " in str(refused(file))


def test_a_province_has_its_own_limits_and_the_rest_of_all(tmp_path: Path):
    own = "limits.monthly_cap_fen = 99\nlimits.hints_a_day = 7\n"
    file = edited(tmp_path, ("[provinces.CN-SX]", f"[provinces.CN-SX]\n{own}"))
    book = load_rule_book(file)
    limits = book.limits_in("CN-SX")
    assert (limits.monthly_cap_fen, limits.hints_a_day, limits.help_answers_a_day) == (99, 7, 3)
    assert book.limits_in("CN-GD") == book.limits_in(None) == book.limits
    assert "7 hints a day, 3 receipts shown, 0.99 yuan a month" in describe(book, "CN-SX")
    file = edited(tmp_path, ("[provinces.CN-HE]", f"[provinces.CN-HE]\n{own}"))
    (fault,) = refused(file).violations
    assert "150 fen is over the cap of 99" in fault.problem


def test_tariffs_out_of_order_are_refused(tmp_path: Path):
    again = '[[provinces.CN-GD.tariffs]]\nversion = "GD-2"\nfrom = 2020-01-01\n'
    again += "monthly_fen = 0\nper_receipt_fen = 0\n\n[provinces.CN-JL]"
    file = edited(tmp_path, ("[provinces.CN-JL]", again))
    (fault,) = refused(file).violations
    named = file.read_text(encoding="utf-8").splitlines()[(fault.line or 0) - 2 : fault.line]
    assert named == ['version = "GD-2"', "from = 2020-01-01"]
    assert "is not after 2020-01-01" in fault.problem


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("per_receipt_fen = 10\n", "", "missing required field `per_receipt_fen`"),
        ("CN-GX = {", "CN-XX = {", "has no name"),
        ("[provinces.CN-SX]", "[provinces]\nCN-QQ = 1\n\n[provinces.CN-SX]", "no table"),
        ("\n[names]", "\n[nam]", "missing"),
        ('version = "invented-1"', "", "missing required field `version`"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, old: str, new: str, what: str):
    assert what in str(refused(edited(tmp_path, (old, new))))


def test_several_faults_are_told_at_once(tmp_path: Path):
    file = edited(
        tmp_path, (GD_FEES, "monthly_fen = 301"), ("monthly_fen = 200", "monthly_fen = 400")
    )
    assert [fault.where[1] for fault in refused(file).violations] == ["CN-GD", "CN-JL"]


def test_a_province_with_texts_only_needs_a_word_for_every_wish(tmp_path: Path):
    file = edited(tmp_path, ('doors = ["text", "counter"]', 'doors = ["text"]'))
    assert load_rule_book(file)
    words = ('words.ask = ["HZCX"]', ""), ('ask = ["查询短信回执"]', ""), ('ask = ["STATUS"]', "")
    text = file.read_text(encoding="utf-8")
    for old, new in words:
        text = text.replace(old, new, 1)
    file.write_text(text, encoding="utf-8")
    faults = {fault.where: fault for fault in refused(file).violations}
    fault = faults["provinces", "CN-SN", "doors"]
    assert (fault.problem, fault.fix) == ("no door for ask", "add a word for ask or a door")
    assert faults["words", "zh", "ask"].line


def test_a_door_that_opens_must_also_cancel(tmp_path: Path):
    text = SHIPPED.read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if not line.startswith(("cancel =", "words.cancel"))]
    file = tmp_path / "rules.toml"
    file.write_text("\n".join(kept), encoding="utf-8")
    assert {fault.problem for fault in refused(file).violations} == {
        "a text can open but not cancel",
        "no word for cancel",
    }


def test_a_book_without_the_words_that_replies_teach_is_refused_with_a_line(tmp_path: Path):
    text = SHIPPED.read_text(encoding="utf-8")
    head, rest = text.split("[words.zh]", 1)
    file = tmp_path / "rules.toml"
    file.write_text(head + rest[rest.index("[words.en]") :], encoding="utf-8")
    faults = {fault.where[-1]: fault for fault in refused(file).violations}
    assert faults.keys() == {"open", "ask", "yes"}
    assert all(fault.line for fault in faults.values())


def test_the_words_that_replies_teach_outright_are_held_to_the_book():
    rooms = Path(SHIPPED).parents[2]
    files = ("keywords/replies.toml", "receipts/wording/notices.toml")
    said = "".join((rooms / name).read_text(encoding="utf-8") for name in files)
    sentences = " ".join(re.findall(r'"(.*)"', said))
    taught = set(re.findall(r"(?<![A-Z{])[A-Z]{1,6}(?![A-Za-z}])", sentences))
    assert taught - {word for _, _, word in TAUGHT_KEYWORDS} <= NO_WORDS


def test_a_tenth_province_is_refused_since_the_hotline_has_one_key_for_each(tmp_path: Path):
    more = "".join(
        f'[provinces.{code}]\ndoors = ["text"]\nwords.open = ["K{code[3:]}"]\n'
        f'[[provinces.{code}.tariffs]]\nversion = "{code}"\nfrom = 2020-01-01\n'
        "monthly_fen = 0\nper_receipt_fen = 0\n\n"
        for code in ("CN-BJ", "CN-SH")
    )
    file = edited(tmp_path, ("[names]", more + "[names]"))
    (fault,) = refused(file).violations
    assert fault.where == ("provinces", "CN-SH")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path):
    assert "check the path" in str(refused(tmp_path / "none.toml"))


def test_a_file_that_is_not_utf_8_is_told(tmp_path: Path):
    file = tmp_path / "rules.toml"
    file.write_bytes(SHIPPED.read_text(encoding="utf-8").encode("gb18030"))
    assert "save it as UTF-8" in str(refused(file))


def test_the_report_shows_every_province_its_words_and_its_fees(book: RuleBook):
    report = check_report(book)
    assert "invented" in report
    for code, province in book.provinces.items():
        row = next(line for line in report.splitlines() if line.startswith(code))
        assert province.names.zh in row
        assert province.words[Intent.OPEN][0] in row
        assert f"{province.tariffs[0].version} " in report


def test_the_columns_of_the_report_line_up_in_both_scripts(book: RuleBook):
    rows = [line for line in check_report(book).splitlines() if line.startswith("CN-")]
    # A Chinese name of two characters is four columns wide.
    assert len({line.index(" yes ") for line in rows if " yes " in line}) == 1


def test_one_province_is_described_for_people(book: RuleBook):
    page = describe(book, "CN-GX")
    assert "CN-GX Guangxi 广西" in page
    assert "0.50 yuan a month, 0.05 yuan a receipt, 20 free a month" in page
    assert "KTDXHZ, 开通短信回执" in page
    assert "30 days of trial" in describe(book, "CN-ZJ")


def test_a_province_that_is_not_covered_is_described_as_such(book: RuleBook):
    assert describe(book, "CN-BJ") == "CN-BJ Beijing 北京: not covered"
    assert describe(book, "XX") == "XX: no such province"


def test_no_word_of_the_shipped_book_is_lost_in_folding(book: RuleBook):
    for province in book.provinces.values():
        for words in province.words.values():
            assert all(normalise(word) for word in words)


NOTICE = """
[[messages]]
name = "lights"
kind = "public_interest"
from = 2026-11-01
until = 2026-12-31
zh = "请勿在驾驶时使用手机。"
en = "Do not use your phone while driving."
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "", ""),
        ('name = "lights"\nkind', 'name = "fair"\nkind', "is used twice"),
        ("until = 2026-12-31", "until = 2026-10-31", "is before 2026-11-01"),
        ("until = 2026-12-31", 'until = "soon"', "write a day"),
        ('"public_interest"', '"none"', "use news, public_interest, advertising"),
        ('"public_interest"', '"gossip"', "use news, public_interest or advertising"),
        ("until = 2026-12-31", 'until = 2026-12-31\nprovinces = ["CN-BJ"]', "is no province of"),
        ("请勿在驾驶时使用手机。", "字" * 31, "at most 30 characters"),
        ("请勿在驾驶时使用手机。", " 空", "write one line"),
        ("while driving", "while driving €", "plain characters"),
        ("while driving", "w" * 81, "at most 80"),
    ],
)
def test_a_message_that_could_not_be_carried_is_refused_with_its_line_and_its_mend(
    tmp_path: Path, old: str, new: str, said: str
):
    text = SHIPPED.read_text(encoding="utf-8")
    text = text.replace('name = "lights"', 'name = "other"', 1)
    file = tmp_path / "rules.toml"
    file.write_text(text + (NOTICE.replace(old, new, 1) if old else NOTICE), encoding="utf-8")
    if not said:
        assert len(load_rule_book(file).messages) == 4
        return
    wrong = str(refused(file))
    assert said in wrong
    line = int(wrong.split(":")[1])
    assert line > len(text.splitlines())


def test_a_message_that_nobody_could_stop_by_text_is_refused(tmp_path: Path):
    changes = (('no_messages = ["TDXX"]\n', ""), ('no_messages = ["退订信息", "取消信息"]\n', ""))
    assert "nobody can ask for news by text, or stop it" in str(refused(edited(tmp_path, *changes)))


def test_the_checker_and_a_province_show_their_messages(book: RuleBook):
    assert "春季交易会本周六在广州开幕" in check_report(book)
    assert "fair (news, 2020-01-01 to 2099-12-31)" in describe(book, "CN-GD")
    assert "fair" not in describe(book, "CN-JL")
    assert "lights" in describe(book, "CN-JL")
