"""Customer who texts 7500 and reads the replies."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from werkzeug.test import TestResponse

from receipts.wording.segments import segments
from tests.conftest import GUANGDONG, Network

_HAN = re.compile(r"[\u4e00-\u9fff]")


def reply_of(answer: TestResponse) -> str:
    """Return the reply of an answer, empty for none; check it against Twilio's rules."""
    assert answer.status_code == 200
    assert answer.content_type == "text/xml; charset=utf-8"
    assert answer.data.startswith(b'<?xml version="1.0" encoding="UTF-8"?><Response')
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
    """Return whether a reply begins in Chinese; an English one may end in a Chinese hint."""
    return _HAN.search(reply[:12]) is not None


@dataclass
class Texter:
    network: Network
    number: str = GUANGDONG

    def says(self, body: str, sid: str | None = None, **more: str) -> str:
        """Return the reply to a text, empty for none."""
        return reply_of(self.network.text(self.number, body, sid, **more))


Phone = Callable[[str], Texter]
