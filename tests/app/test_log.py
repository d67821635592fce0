"""The log: bounded in length and number, without numbers, texts and secrets."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from app import log_setup
from app.log_setup import LINES_A_MINUTE, EventBound
from app.settings import Settings
from tests.app.test_arbitrary_requests import FUZZED
from tests.conftest import TOKEN
from tests.support.requests import FORM, Knock

NUMBER = "13802880000"
SPELLINGS = st.sampled_from(
    [
        NUMBER, f"+86{NUMBER}", quote(f"+86{NUMBER}", safe=""), "138-0288-0000", "138+0288+0000",
        "１３８０２８８００００", quote("１３８０２８８００００"),
        quote(quote(f"+86{NUMBER}", safe="")),
        "138%200288%200000",
        "".join(f"%{ord(c):02X}" for c in NUMBER), f"a{NUMBER}b", f"x%{NUMBER}",
    ]
)  # fmt: skip
PLACES = st.sampled_from(["path", "query", "name", "body", "signature", "type", "agent", "secret"])


@pytest.fixture
def log(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the process writes to its log."""
    written = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", written)
        handlers, hook = logging.getLogger().handlers[:], sys.excepthook
        patch.setattr(structlog, "configure", _uncached(structlog.configure))
        log_setup.set_up(settings)
        yield written
    logging.getLogger().handlers[:], sys.excepthook = handlers, hook
    structlog.reset_defaults()


def _uncached(configure: object) -> object:
    # A cached logger would keep this test's stream for all later tests.
    return lambda **words: configure(**words | {"cache_logger_on_first_use": False})  # type: ignore[operator]


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


@FUZZED
@given(asked=st.lists(st.tuples(PLACES, SPELLINGS), min_size=1, max_size=8))
def test_no_line_holds_a_number_of_a_request(
    knock: Knock, log: io.StringIO, asked: list[tuple[str, str]]
):
    path, query, body, headers = "/sms", "x=1", "Body=hi", {}
    for place, text in asked:
        wire = text if text.isascii() else quote(text)
        if place == "path":
            path = f"/receipts/{wire}/status"
        elif place == "query":
            query += f"&From={wire}"
        elif place == "name":
            query += f"&{wire}=1"
        elif place == "body":
            body += f"&To={wire}"
        elif place == "secret":
            query += f"&secret={wire}"
        else:
            name = {"signature": "X-Twilio-Signature", "type": "Content-Type"}.get(
                place, "User-Agent"
            )
            headers[name] = wire
    headers.setdefault("Content-Type", FORM)
    knock.client.post(f"{path}?{query}", data=body, headers=headers)
    knock.client.get(f"/kannel/report?{query}", headers=headers)
    plain = "".join(filter(str.isdigit, log.getvalue()))
    assert NUMBER not in plain


def test_unsigned_requests_write_little(knock: Knock, log: io.StringIO):
    for _ in range(LINES_A_MINUTE * 3):
        knock.raw("/sms?Body=" + quote("私" * 3_000), b"Body=" + b"x" * 15_000, FORM, "bad")
    written = lines(log)
    assert len(written) == LINES_A_MINUTE
    assert max(map(len, log.getvalue().splitlines())) < 1_000
    assert "私" not in log.getvalue()
    left_out = "sms_receipt_log_lines_left_out_total"
    assert REGISTRY.get_sample_value(left_out, {"event": "signature does not match"})


def test_next_minute_tells_how_many_lines_were_left_out():
    now = [0.0]
    bound = EventBound(lambda: now[0])
    written = 0
    for _ in range(LINES_A_MINUTE + 40):
        try:
            bound(None, "", {"event": "a"})
        except structlog.DropEvent:
            continue
        written += 1
    assert written == LINES_A_MINUTE
    assert bound(None, "", {"event": "another"}) == {"event": "another"}
    now[0] = 61.0
    assert bound(None, "", {"event": "a"}) == {"event": "a", "left_out": 40}
    assert bound(None, "", {"event": "a"}) == {"event": "a"}


def test_secrets_and_numbers_are_hidden_in_every_kind_of_value(log: io.StringIO):
    structlog.get_logger().warning(
        "seen", token=TOKEN, quoted=quote_plus("kannel-password"), number=8613802880000,
        listed=[f"+86{NUMBER}"], nested={"a": (NUMBER.encode(), None, 2.5, 7)},
        error=ValueError(NUMBER),
    )  # fmt: skip
    (line,) = lines(log)
    assert line["token"] == line["quoted"] == "***"
    assert line["nested"] == {"a": ["138****0000", None, 2.5, 7]}
    assert NUMBER not in log.getvalue()


def test_exception_shows_its_stack_without_number_code_or_secret(log: io.StringIO):
    quoted = f"refused: {NUMBER}, your code is 482913, {TOKEN}, {'x' * 50_000}"
    try:
        float(quoted)
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = lines(log)
    shown = str(line["exception"])
    assert len(shown) < 9_000
    assert not any(secret in shown for secret in (NUMBER, "482913", TOKEN))


def test_lines_of_libraries_are_masked_too(log: io.StringIO):
    logging.getLogger("urllib3").warning("retrying /Messages.json?To=%s", f"%2B86{NUMBER}")
    (line,) = lines(log)
    assert line["event"] == "urllib3"
    assert line["text"] == "retrying /Messages.json?To=+86138****0000"


def test_unhandled_exception_is_a_masked_line(log: io.StringIO):
    sys.excepthook(ValueError, ValueError(f"redis://u:hunter2@h {NUMBER}"), None)
    (line,) = lines(log)
    assert line["level"] == "critical"
    assert not any(secret in log.getvalue() for secret in (NUMBER, "hunter2"))


def test_text_breaks_no_line(log: io.StringIO):
    structlog.get_logger().warning("seen", why="a\nb\r\x1b[2J\u2028c\ud800")
    (line,) = lines(log)
    assert not set("\n\r\x1b\ud800") & set(str(line["why"]))
