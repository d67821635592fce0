"""What every answer on the 7500 line has in common, and what the provider may add or leave out."""

from itertools import product
from pathlib import Path

import pytest
import redis

from app import bootstrap
from app.bootstrap import Container
from app.factory import create_app
from app.settings import Settings
from receipts.model.vocabulary import Language
from receipts.rulebook.loader import SHIPPED
from tests.conftest import ACCOUNT, GUANGDONG, PUBLIC_URL, TOKEN, Network, TestClock
from tests.support.fixtures import stand, standing
from tests.support.texter import Texter, reply_of

STATES = ("none", "active", "ending", "suspended")
TEXTS = (
    "KTDXHZ", "是", "否", "QXDXHZ", "CXDXHZ", "PT", "SX", "0000", "BZ", "ZJHZ", "KFJL", "EN", "ZH",
    "SUBSCRIBE", "STATUS", "STOP", "KTHZ", "KTDXH", "qqqqqqq", "", "<&>\"'", "👋",
)  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_every_text_in_every_state_is_answered_with_one_message(
    me: Texter, built: Container, clock: TestClock, state: str
):
    """``says`` checks type, encoding, shape and length of each answer."""
    for text, language in product(TEXTS, Language):
        clock.move(days=1)  # help for the unknown is rationed by the day
        stand(built, GUANGDONG, state, order=None, language=language)
        assert me.says(text), text


def test_every_text_is_answered_while_an_order_waits(
    me: Texter, built: Container, clock: TestClock
):
    for text in TEXTS:
        clock.move(days=1)
        stand(built, GUANGDONG, "none")
        me.says("KTDXHZ")
        assert me.says(text), text


def test_a_text_may_come_with_fields_we_have_never_heard_of(me: Texter):
    more = {"NumMedia": "0", "FromCity": "广州", "SmsStatus": "received", "AddOns": '{"a":[1]}'}
    assert "每月1元" in me.says("KTDXHZ", **more, NewField2031="", **{"a b&c=d": "é"})


def test_a_number_may_be_spelt_in_any_way_the_provider_knows(network: Network, built: Container):
    for sender in ("13802880000", "8613802880000", "+86 138 0288 0000", "008613802880000"):
        assert reply_of(network.text(sender, "KTDXHZ"))
        assert standing(built, GUANGDONG).state == "pending"
        reply_of(network.text(sender, "否"))
        assert standing(built, GUANGDONG).state == "none"


def test_a_text_of_another_day_with_the_same_words_is_a_new_text(
    me: Texter, built: Container, clock: TestClock
):
    me.says("KTDXHZ")
    me.says("否")
    clock.move(days=1)
    me.says("KTDXHZ")
    assert standing(built, GUANGDONG).state == "pending"


def test_words_with_markup_in_them_reach_the_customer_as_they_are(
    settings: Settings, clock: TestClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """An operator may choose any word; a reply that quotes it must stay valid."""
    book = tmp_path / "book.toml"
    word = """KT<1>&"HZ'"""
    text = SHIPPED.read_text("utf-8").replace(
        'words.cancel = ["QXDXHZ"]', f"words.cancel = ['''{word}''']"
    )
    book.write_text(text, "utf-8")
    monkeypatch.setattr(bootstrap, "clock_for", lambda *_, **__: clock)
    ours = Settings.read(
        {
            "REDIS_URL": settings.redis_url,
            "PUBLIC_URL": PUBLIC_URL,
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "RULE_BOOK": str(book),
        }
    )
    phone = Texter(Network(create_app(ours).test_client()))
    assert f"发{word}可随时取消" in phone.says("KTDXHZ")
    assert "即时" not in phone.says("是")
    assert "11月30日" in phone.says(word)


@pytest.mark.parametrize("field", ["MessageSid", "From", "Body"])
def test_a_text_without_a_needed_field_is_refused_by_its_name(
    network: Network, raw: redis.Redis, field: str
):
    fields = {"MessageSid": "SM1", "From": GUANGDONG, "Body": "KTDXHZ"}
    del fields[field]
    before = len(raw.keys("*"))
    answer = network.post("/sms", **fields)
    assert answer.status_code == 400
    assert answer.mimetype != "text/plain"
    assert field in answer.get_data(as_text=True)
    assert len(raw.keys("*")) == before
