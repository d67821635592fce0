"""Twilio's inbound SMS webhook: replies, form fields, sender formats."""

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

TEXTS = (
    "KTDXHZ", "是", "否", "QXDXHZ", "CXDXHZ", "PT", "SX", "0000", "BZ", "ZJHZ", "KFJL", "EN", "ZH",
    "SUBSCRIBE", "STATUS", "STOP", "KTHZ", "KTDXH", "qqqqqqq", "", "<&>\"'", "👋",
)  # fmt: skip


@pytest.mark.parametrize("state", ["none", "active", "ending", "suspended", "pending"])
def test_every_text_in_every_state_gets_one_valid_reply(
    me: Texter, built: Container, clock: TestClock, state: str
):
    for text, language in product(TEXTS, Language):
        clock.move(days=1)  # hints are limited by the day
        order = state == "pending"
        stand(built, GUANGDONG, "none" if order else state, order=None, language=language)
        if order:
            me.says("KTDXHZ")
        assert me.says(text), text


def test_unknown_fields_are_ignored(me: Texter):
    more = {"NumMedia": "0", "FromCity": "广州", "SmsStatus": "received", "AddOns": '{"a":[1]}'}
    assert "每月1元" in me.says("KTDXHZ", **more, NewField2031="", **{"a b&c=d": "é"})


def test_sender_formats_are_one_number(network: Network, built: Container):
    for sender in ("13802880000", "8613802880000", "+86 138 0288 0000", "008613802880000"):
        assert reply_of(network.text(sender, "KTDXHZ"))
        assert standing(built, GUANGDONG).state == "pending"
        reply_of(network.text(sender, "否"))
        assert standing(built, GUANGDONG).state == "none"


def test_same_text_of_another_day_is_a_new_message(me: Texter, built: Container, clock: TestClock):
    me.says("KTDXHZ")
    me.says("否")
    clock.move(days=1)
    me.says("KTDXHZ")
    assert standing(built, GUANGDONG).state == "pending"


@pytest.mark.fixed_day
def test_keyword_with_markup_is_escaped(
    settings: Settings, clock: TestClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    book = tmp_path / "book.toml"
    word = """KT<1>&"HZ'"""
    text = SHIPPED.read_text("utf-8").replace(
        'words.cancel = ["QXDXHZ"]', f"words.cancel = ['''{word}''']"
    )
    book.write_text(text, "utf-8")
    monkeypatch.setattr(bootstrap, "clock_for", lambda *_, **__: clock)
    ours = Settings.read({
        "REDIS_URL": settings.redis_url, "PUBLIC_URL": PUBLIC_URL, "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN, "RULE_BOOK": str(book),
    })  # fmt: skip
    phone = Texter(Network(create_app(ours, bootstrap.services(ours)).test_client()))
    assert f"发{word}可取消" in phone.says("KTDXHZ")
    assert "即时" not in phone.says("是")
    assert "11月30日" in phone.says(word)


@pytest.mark.parametrize("field", ["MessageSid", "From", "Body"])
def test_missing_field_is_refused_by_name(network: Network, raw: redis.Redis, field: str):
    fields = {"MessageSid": "SM1", "From": GUANGDONG, "Body": "KTDXHZ"}
    del fields[field]
    before = len(raw.keys("*"))
    answer = network.post("/sms", **fields)
    assert answer.status_code == 400
    assert answer.mimetype != "text/plain"
    assert field in answer.get_data(as_text=True)
    assert len(raw.keys("*")) == before
