"""The service password on the hotline: asked where the province wants it, and of hidden numbers."""

import base64
import hashlib

import bcrypt
import pytest
import redis
from argon2 import PasswordHasher
from msgspec.structs import replace
from werkzeug.security import generate_password_hash

from app.bootstrap import Container
from app.factory import create_app
from receipts.model.customer import CustomerCredentials
from receipts.model.vocabulary import Language, Msisdn
from receipts.ports.changes import ChangeSet
from receipts.subscriptions.passwords.digests import UnreadableDigestError, matches
from tests.conftest import GUANGDONG, ZHEJIANG, Network, TestClock, shipped_book
from tests.support.caller import Call
from tests.support.fixtures import contents, notices, stand, standing

PASSWORD, OTHER = "246813", "975310"
DIGEST = generate_password_hash(PASSWORD, "scrypt:1024:8:1")


@pytest.fixture
def asking(built: Container) -> Network:
    """A service whose Guangdong asks for the password on the hotline."""
    book = shipped_book()
    guangdong = replace(book.provinces["CN-GD"], voice_password=True)
    book = replace(book, provinces=book.provinces | {"CN-GD": guangdong})
    container = built.with_changes(book)
    return Network(create_app(built.settings, container).test_client())


def give_password(built: Container, number: str = GUANGDONG, digest: str = DIGEST) -> None:
    known = CustomerCredentials(Msisdn(number), 1, password_digest=digest)
    built.store.commit(ChangeSet(Msisdn(number), records=(known,)))


def call(network: Network, sid: str = "CA1", number: str = GUANGDONG) -> Call:
    made = Call(network, number, sid)
    made.dials()
    return made


def wants_password(made: Call) -> bool:
    gather = made.last.root.find("Gather")
    assert gather is not None
    return (gather.attrib["input"], gather.attrib["numDigits"]) == ("dtmf", "6")


def test_subscribing_asks_for_the_password_before_the_offer(asking: Network, built: Container):
    give_password(built)
    made = call(asking)
    assert "服务密码" in made.presses("11").text
    assert wants_password(made)
    assert "确认开通请按 1" in made.enters(PASSWORD).text
    made.presses("1")
    assert standing(built, GUANGDONG).state == "active"


def test_no_key_subscribes_without_the_password(asking: Network, built: Container):
    give_password(built)
    made = call(asking)
    made.presses("11111")
    assert standing(built, GUANGDONG).state == "none"


def test_speech_is_no_password(asking: Network, built: Container):
    give_password(built)
    made = call(asking)
    made.presses("11")
    assert wants_password(made)
    made.speaks("二四六八一三")
    made.speaks(PASSWORD)
    assert standing(built, GUANGDONG).state == "none"
    assert "确认开通" not in made.last.text


@pytest.mark.parametrize("entry", ["1", "12345", "1234567", "24681#", "24681x", "*1"])
def test_entry_of_another_length_is_no_try(asking: Network, built: Container, entry: str):
    give_password(built)
    made = call(asking)
    made.presses("11")
    assert "没有这个选项" in made.enters(entry).text
    assert built.store.load(Msisdn(GUANGDONG), credentials=True).credentials.wrong_tries == 0


def test_star_leaves_the_password_for_the_menu(asking: Network, built: Container):
    give_password(built)
    assert call(asking).presses("11*").place["at"] == "menu"


def test_cancelling_and_status_need_no_password(asking: Network, built: Container):
    stand(built, GUANGDONG, "active", language=Language.ZH)
    made = call(asking)
    assert "服务密码" not in made.presses("3").text
    made.presses("21")
    assert standing(built, GUANGDONG).state == "ending"


def test_third_wrong_password_of_a_day_locks_it_and_texts_the_owner(
    asking: Network, built: Container, clock: TestClock
):
    give_password(built)
    for number, sid in enumerate(("CA1", "CA2")):
        made = call(asking, sid)
        made.presses("11" if number == 0 else "1")
        assert "服务密码不正确" in made.enters(OTHER).text
        assert notices(built, GUANGDONG) == []
    assert "输错三次" in made.enters(OTHER).text
    assert made.last.place["at"] == "menu"
    (text,) = notices(built, GUANGDONG)
    assert "输错3次" in text
    assert "输错三次" in made.presses("1").text
    clock.move(hours=24)
    made = call(asking, "CA3")
    made.presses("1")
    assert "确认开通请按 1" in made.enters(PASSWORD).text
    assert len(notices(built, GUANGDONG)) == 1


def test_right_password_is_refused_while_locked(asking: Network, built: Container):
    give_password(built)
    made = call(asking)
    made.presses("11")
    link = made.last.link
    for _ in range(3):
        made.enters(OTHER)
    late = Call(asking, GUANGDONG, "CA9")
    late.dials()
    answer = late.enters(PASSWORD, link)  # another call at the same step
    assert "输错三次" in answer.text
    assert answer.place["at"] == "menu"


def test_repeated_request_counts_one_try(asking: Network, built: Container):
    give_password(built)
    made = call(asking)
    made.presses("11")
    link = made.last.link
    first = made.enters(OTHER, link)
    for _ in range(4):
        assert made.enters(OTHER, link).says == first.says
    assert built.store.load(Msisdn(GUANGDONG), credentials=True).credentials.wrong_tries == 1


@pytest.mark.parametrize("digest", ["", "damaged"])
def test_without_a_password_the_counter_is_named(asking: Network, built: Container, digest: str):
    give_password(built, digest=digest)
    made = call(asking)
    made.presses("11")
    text = made.enters(PASSWORD).text if digest else made.last.text
    assert "营业厅设置" in text
    assert made.last.place["at"] == "menu"
    made.presses("1")
    assert standing(built, GUANGDONG).state == "none"


def test_password_enters_no_url_log_or_record(
    asking: Network, built: Container, raw: redis.Redis, capfd: pytest.CaptureFixture[str]
):
    give_password(built)
    made = call(asking)
    made.presses("11")
    for entry in (OTHER, PASSWORD):
        made.enters(entry)
        assert entry not in made.last.link
    made.presses("1")
    printed = "".join(capfd.readouterr())
    for entry in (OTHER, PASSWORD):
        assert entry not in printed
        assert entry not in str(contents(raw))


def test_hidden_number_is_served_after_number_and_password(network: Network, built: Container):
    give_password(built)
    made = call(network, number="anonymous")
    assert "无法识别您的号码" in made.last.text
    assert "11 位手机号码" in made.presses("1").text
    assert "服务密码" in made.enters("13802880000").text
    assert wants_password(made)
    assert "开通短信回执请按 1" in made.enters(PASSWORD).text
    made.presses("11")
    assert standing(built, GUANGDONG).state == "active"


def test_hidden_number_without_the_password_reaches_nothing(network: Network, built: Container):
    give_password(built)
    stand(built, ZHEJIANG, "active")
    made = call(network, number="sip:anonymous@anonymous.invalid")
    made.presses("2")
    assert "11-digit" in made.last.text
    for entry in ("12345678901", "1380288000", "10086", "1"):
        if made.last.over:
            break
        made.enters(entry)
        assert "password" not in made.last.text
    made = call(network, "CA2", number="anonymous")
    made.presses("1")
    made.enters("13957112345")
    assert "营业厅设置" in made.enters(PASSWORD).text
    assert made.last.over
    assert standing(built, ZHEJIANG).state == "active"


def test_tries_for_a_hidden_number_count_with_all_others(network: Network, built: Container):
    give_password(built)
    made = call(network, number="anonymous")
    made.presses("1")
    made.enters("13802880000")
    for _ in range(3):
        text = made.enters(OTHER).text
    assert "输错三次" in text
    assert made.last.over
    assert len(notices(built, GUANGDONG)) == 1


@pytest.mark.parametrize("digest", [
    DIGEST, generate_password_hash(PASSWORD, "pbkdf2:sha256:10000"),
    PasswordHasher(time_cost=1, memory_cost=64).hash(PASSWORD),
    bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(),
], ids=["werkzeug scrypt", "werkzeug pbkdf2", "argon2", "bcrypt"])  # fmt: skip
def test_digest_forms_of_the_customer_list_are_verified(digest: str):
    assert matches(PASSWORD, digest)
    assert not matches(OTHER, digest)


@pytest.mark.parametrize("kind", ["passlib", "django"])
def test_digests_of_passlib_and_django_are_verified(kind: str):
    made = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), b"saltsalt", 10_000)
    kept = base64.b64encode(made).decode()
    salt = base64.b64encode(b"saltsalt").decode().rstrip("=")
    digest = f"pbkdf2_sha256$10000$saltsalt${kept}"
    if kind == "passlib":
        digest = f"$pbkdf2-sha256$10000${salt}${kept.rstrip('=').replace('+', '.')}"
    assert matches(PASSWORD, digest)
    assert not matches(OTHER, digest)


@pytest.mark.parametrize("digest", ["damaged", "$argon2id$v=19$x", "$2b$xx", "scrypt:1:8:1$a$b"])
def test_damaged_digest_is_unreadable(digest: str):
    with pytest.raises(UnreadableDigestError):
        matches(PASSWORD, digest)


@pytest.mark.parametrize("language", list(Language))
def test_first_value_of_a_store_must_be_changed_before_it_opens_the_service(
    asking: Network, built: Container, language: Language
):
    stand(built, GUANGDONG, "none", language=language)
    known = CustomerCredentials(
        Msisdn(GUANGDONG), 1, password_digest=DIGEST, password_is_initial=True
    )
    built.store.commit(ChangeSet(Msisdn(GUANGDONG), records=(known,)))
    made = call(asking)
    made.presses("1")
    told = made.enters(PASSWORD).text
    assert {"zh": "初始密码", "en": "Change your new service password"}[language] in told
    made.presses("1")
    assert standing(built, GUANGDONG).state == "none"
