"""A customer who texts 7500 and reads what comes back."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from werkzeug.test import TestResponse

from receipts.wording.segments import segments
from tests.conftest import GUANGDONG, Network

_HAN = re.compile(r"[\u4e00-\u9fff]")


def reply_of(answer: TestResponse) -> str:
    """The one reply in an answer, empty for silence; every answer keeps the provider's rules."""
    assert answer.status_code == 200
    assert answer.content_type == "text/xml; charset=utf-8"
    text = answer.data.decode("utf-8")
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?><Response')
    root = ET.fromstring(answer.data)
    assert root.tag == "Response"
    assert len(root) <= 1, "one text is answered by one text"
    if not len(root):
        return ""
    assert (root[0].tag, dict(root[0].attrib), len(root[0])) == ("Message", {}, 0)
    reply = root[0].text or ""
    assert reply.strip()
    assert segments(reply) <= 2, f"{segments(reply)} segments: {reply}"
    return reply


def chinese(reply: str) -> bool:
    """Whether a reply is a Chinese one; an English one may end in a Chinese hint."""
    return _HAN.search(reply[:12]) is not None


@dataclass
class Texter:
    """A phone that texts 7500."""

    network: Network
    number: str = GUANGDONG

    def says(self, body: str, sid: str | None = None, **more: str) -> str:
        """The reply to a text, empty for silence."""
        return reply_of(self.network.text(self.number, body, sid, **more))


Phone = Callable[[str], Texter]
