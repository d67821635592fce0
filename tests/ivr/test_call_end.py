"""The end of a call: only a final status sends the summary."""

import pytest

from app.bootstrap import Container
from tests.conftest import GUANGDONG
from tests.ivr.conftest import Dial
from tests.support.fixtures import notices


@pytest.mark.parametrize("status", ["queued", "initiated", "ringing", "in-progress", "odd", ""])
def test_status_that_is_not_final_sends_no_summary(dial: Dial, built: Container, status: str):
    call = dial("active", "6")
    answer = call.network.post("/voice/ended", CallSid=call.sid, From=GUANGDONG, CallStatus=status)
    assert answer.status_code == 204
    assert notices(built, GUANGDONG) == []
    call.hangs_up()
    assert len(notices(built, GUANGDONG)) == 1


@pytest.mark.parametrize("status", ["completed", "busy", "failed", "no-answer", "canceled"])
def test_final_status_sends_the_summary(dial: Dial, built: Container, status: str):
    call = dial("active", "6")
    call.network.post("/voice/ended", CallSid=call.sid, From=GUANGDONG, CallStatus=status)
    assert len(notices(built, GUANGDONG)) == 1
