"""Shipped rule book: its provinces, its names and its pages."""

import datetime as dt
import re
from pathlib import Path

import pytest

from receipts.model.vocabulary import Channel, Intent, Language
from receipts.numbering.plan import NumberingPlan
from receipts.rulebook.loader import SHIPPED
from receipts.rulebook.schema import CancellationEffect, RuleBook
from receipts.rulebook.tables import check_report, describe
from receipts.rulebook.validation import TAUGHT_KEYWORDS
from tests.conftest import shipped_book

#: Capitals in our texts that are no keywords.
NO_KEYWORDS = {"SMS", "A"}
COVERED = {"CN-GD", "CN-JL", "CN-GX", "CN-SX", "CN-HE", "CN-ZJ", "CN-FJ", "CN-SN"}


@pytest.fixture
def book() -> RuleBook:
    return shipped_book()


def test_shipped_book_covers_eight_provinces_of_every_kind_and_is_invented(book: RuleBook):
    assert set(book.provinces) == COVERED
    assert book.invented
    provinces = book.provinces.values()
    assert Channel.VOICE not in book.provinces["CN-JL"].doors
    assert any(Channel.WEB not in each.doors for each in provinces)
    assert any(each.tariffs[0].free for each in provinces)
    assert any(each.tariffs[0].per_receipt_fen for each in provinces)
    assert any(each.tariffs[0].trial_days for each in provinces)
    assert any(each.cancel_takes_effect is CancellationEffect.NOW for each in provinces)
    assert {each.greeting for each in provinces} == {("zh", "en")}, "no page is in Cantonese"


def test_guangdong_costs_one_yuan_a_month(book: RuleBook):
    guangdong = book.provinces["CN-GD"]
    assert (guangdong.tariffs[0].monthly_fen, guangdong.tariffs[0].per_receipt_fen) == (100, 0)
    assert guangdong.window == dt.timedelta(hours=48)


def test_every_province_of_the_numbering_plan_has_a_name(book: RuleBook):
    numbering = NumberingPlan()
    numbers = (f"+86{prefix}0000" for prefix in range(1300000, 1400000, 7))
    homes = {numbering.info(number).province for number in numbers} - {None}
    assert len(book.names) == 31
    assert homes <= book.names.keys()
    assert book.name("CN-BJ", Language.ZH) == "北京"
    assert book.name("CN-BJ", Language.EN) == "Beijing"
    assert book.name("XX", Language.EN) == "XX"


@pytest.mark.parametrize("code", ["CN-BJ", "", None, "nonsense"])
def test_province_that_is_not_covered_has_no_rules(book: RuleBook, code: str | None):
    assert book.province(code) is None


def test_retry_delay_grows_and_then_repeats(book: RuleBook):
    delays = [book.sending.delay(attempts).total_seconds() for attempts in range(8)]
    assert delays == [5, 5, 30, 120, 600, 3600, 3600, 3600]


def test_every_literal_keyword_in_our_texts_is_validated():
    root = Path(SHIPPED).parents[2]
    files = ("keywords/replies.toml", "receipts/wording/notices.toml")
    source = "".join((root / name).read_text(encoding="utf-8") for name in files)
    sentences = " ".join(re.findall(r'"(.*)"', source))
    taught = set(re.findall(r"(?<![A-Z{])[A-Z]{1,6}(?![A-Za-z}])", sentences))
    assert taught - {word for _, _, word in TAUGHT_KEYWORDS} <= NO_KEYWORDS


def test_report_shows_keywords_and_fees_of_every_province_in_aligned_columns(book: RuleBook):
    report = check_report(book)
    assert "invented" in report
    rows = [line for line in report.splitlines() if line.startswith("CN-")]
    for code, province in book.provinces.items():
        row = next(row for row in rows if row.startswith(code))
        assert province.names.zh in row
        assert province.words[Intent.OPEN][0] in row
        assert f"{province.tariffs[0].version} " in report
    # A Chinese name of two characters is four columns wide.
    assert len({row.index(" yes ") for row in rows if " yes " in row}) == 1


def test_description_of_a_province(book: RuleBook):
    page = describe(book, "CN-GX")
    assert "CN-GX Guangxi 广西" in page
    assert "0.50 yuan a month, 0.05 yuan a receipt, 20 free a month" in page
    assert "KTDXHZ, 开通短信回执" in page
    assert "30 days of trial" in describe(book, "CN-ZJ")
    assert describe(book, "CN-BJ") == "CN-BJ Beijing 北京: not covered"
    assert describe(book, "XX") == "XX: no such province"


def test_report_and_description_show_promotions(book: RuleBook):
    assert "春季交易会本周六在广州开幕" in check_report(book)
    assert "fair (news, 2020-01-01 to 2099-12-31)" in describe(book, "CN-GD")
    assert "fair" not in describe(book, "CN-JL")
    assert "lights" in describe(book, "CN-JL")
