"""Customers' own sentences: wishes by phrases, aware of negation and of other services."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipts.rulebook.wishes import Wish, WishMatcher
from tests.conftest import shipped_book

MATCHER = WishMatcher(shipped_book())

SENTENCES = {
    Wish.CANCEL: (
        *("取消", "我想取消短信回执，谢谢", "關閉短信回執", "帮我cancel一下"),
        *("QXDXHZ谢谢", "取 消 业 务"),
        *("please cancel my SMS Receipt", "Unsubscribe me, thanks!", "好的，取消吧", "cancle it"),
    ),
    Wish.MAYBE_CANCEL: (
        *("不用了", "我不想要了", "别再发了", "怎么取消", "昨天取消了吗", "取消？"),
        *("取消不了", "别扣我话费了"),
        *("他取消了", "如果收费就取消", "取消牙医", "不要"),
        *("我不想要短信回执，取消", "取消流量包和短信回执"),
        *("how do I cancel", "I don't want this, cancel", "cancel?", "unsubscrbe", "no more texts"),
        *("是取消短信回执", "cancel my fine", "还没取消", "I did not cancel"),
    ),
    Wish.KEEP: (
        *("不要取消", "别给我取消", "不要把短信回执取消", "我没说要取消"),
        *("請不要取消", "短信回执先别取消"),
        *("don't cancel", "I do not want to cancel", "please don’t cancel my sms receipt"),
    ),
    Wish.OTHER_SERVICE: (
        *("取消流量包", "帮我把彩铃业务退订", "cancel my data plan", "cancel the flight"),
    ),
    Wish.NO_EXTRAS: ("不要广告", "取消新闻", "no ads", "stop the ads please"),
    Wish.CHARGES: ("为什么扣我钱", "why was I charged"),
    Wish.AGREE: ("是的", "好的，谢谢", "是的谢谢", "可以", "好", "yep", "yes please", "👍"),
    Wish.MAYBE_AGREE: ("是的吗？", "是吗", "好的，什么时候", "yes but when"),
    Wish.DECLINE: ("不", "不开通", "no thanks", "不同意，谢谢"),
    None: ("", "你好", "我要流量包", "短信回执是什么", "晚上吃什么", "🙏", "闪信是什么"),
    Wish.ENGLISH: ("I don't speak Chinese", "不要中文", "请改成英文"),
    Wish.ORDINARY: ("关闭闪信", "no more flash messages", "改成普通短信"),
}  # fmt: skip
CASES = [(text, wish) for wish, texts in SENTENCES.items() for text in texts]


@pytest.mark.parametrize(("text", "wish"), CASES)
def test_wish_of_a_sentence(text: str, wish: Wish | None):
    assert MATCHER.match(text, "CN-GD") is wish


@pytest.mark.parametrize("text", ["取消", "不要取消", "退订短信回执", "please cancel"])
def test_unknown_words_beside_a_cancel_make_it_unsure(text: str):
    for beside in ("蘑菇", "xylophone", "如果", "昨天"):
        assert MATCHER.match(f"{text} {beside}") is Wish.MAYBE_CANCEL


def test_polite_phrases_are_not_part_of_the_core():
    assert MATCHER.core("请帮我 KTDXHZ，谢谢") == "ktdxhz"


@given(st.text(max_size=400))
def test_any_text_has_at_most_one_wish(text: str):
    assert MATCHER.match(text) in {None, *Wish}


def test_long_text_is_matched_quickly():
    start = time.process_time()
    for text in ("取" * 2000, "not " * 500, "x" * 1_000_000):
        MATCHER.match(text)
    assert time.process_time() - start < 0.2
