"""Old signed requests sent again: an event that changed something is never applied twice."""

import pytest
import redis

from app.bootstrap import Container
from receipts.model.vocabulary import Msisdn, PromotionCategory
from receipts.store.keys import KeySchema
from tests.conftest import GUANGDONG, Network, TestClock
from tests.support.caller import heard
from tests.support.fixtures import audit, pass_days, stand, standing
from tests.support.texter import Texter, reply_of

LATER = (41, 400, 1000)
NO_EXTRAS = PromotionCategory.NONE


@pytest.mark.parametrize("days", LATER)
@pytest.mark.parametrize(
    ("body", "state"),
    [("QXDXHZ", "active"), ("取消短信回执", "active"), ("PT", "active"), ("EN", "active"),
     ("XWXX", "active"), ("KTDXHZ", "none")],
)  # fmt: skip
def test_old_text_sent_again_changes_nothing(
    network: Network, built: Container, raw: redis.Redis, clock: TestClock,
    days: int, body: str, state: str,
):  # fmt: skip
    me = Texter(network)
    stand(built, GUANGDONG, state)
    assert me.says(body, "SMa")
    pass_days(raw, clock, days)
    stand(built, GUANGDONG, state, order=None, language=None, promotions=NO_EXTRAS)
    before, entries = standing(built, GUANGDONG), audit(raw, GUANGDONG)
    assert me.says(body, "SMa") == ""
    assert standing(built, GUANGDONG) == before
    assert audit(raw, GUANGDONG) == entries
    assert me.says(body, "SMb")
    assert standing(built, GUANGDONG) != before


def test_old_yes_sent_again_confirms_no_later_request(
    network: Network, built: Container, raw: redis.Redis, clock: TestClock
):
    me = Texter(network)
    network.open()
    me.says("KTDXHZ", "SMa")
    pass_days(raw, clock, 200)
    stand(built, GUANGDONG, "none")
    me.says("KTDXHZ", "SMb")
    assert standing(built, GUANGDONG).state == "pending"
    assert reply_of(network.text(GUANGDONG, "是", f"SM{2:032x}")) == ""
    assert standing(built, GUANGDONG).state == "pending"


def test_old_key_press_sent_again_changes_nothing(
    network: Network, built: Container, raw: redis.Redis, clock: TestClock
):
    stand(built, GUANGDONG, "active", language="zh")
    call = {"CallSid": "CA1", "From": GUANGDONG}
    question = heard(network.post("/voice", **call))
    asked = heard(network.post(question.link, Digits="1", **call))
    links = [question.link, asked.link]
    for _ in range(3):
        if standing(built, GUANGDONG).state == "active":
            key = "2" if "cancelling" not in links[-1] else "1"
            links.append(heard(network.post(links[-1], Digits=key, **call)).link)
    assert standing(built, GUANGDONG).state == "ending"
    pass_days(raw, clock, 40)
    stand(built, GUANGDONG, "active", language="zh")
    before = standing(built, GUANGDONG)
    answer = heard(network.post(links[-2], Digits="1", **call))
    assert answer.over
    assert standing(built, GUANGDONG) == before


def test_acts_of_a_customer_cost_few_bytes(network: Network, raw: redis.Redis, built: Container):
    me, key = Texter(network), KeySchema(built.settings.shards).acts(Msisdn(GUANGDONG))
    network.open()
    for turn in range(20):
        me.says("PT" if turn % 2 else "SX")
    assert raw.llen(key) == 21
    assert raw.memory_usage(key) < 600
