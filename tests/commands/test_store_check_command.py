"""`sms-receipt store check`: phone numbers are masked, unless they are asked for."""

import json

import pytest
import redis

from receipts.model.vocabulary import Msisdn
from receipts.store.keys import KeySchema
from tests.conftest import GUANGDONG
from tests.support.months import Run


@pytest.mark.parametrize(
    ("words", "shown"), [((), "86138****0000"), (("--numbers",), GUANGDONG[1:])]
)
def test_numbers_in_findings_are_masked_unless_asked_for(
    run: Run, raw: "redis.Redis", store_admin_url: str, words: tuple[str, ...], shown: str
):
    key = KeySchema(16).subscription(Msisdn(GUANGDONG))
    raw.set(key, "not ours")
    done = run("store", "check", *words, REDIS_URL=store_admin_url)
    assert done.exit_code == 1, done.output
    (finding,) = map(json.loads, done.stdout.splitlines())
    assert (finding["finding"], finding["key"]) == (
        "unreadable", key.replace(GUANGDONG[1:], shown),
    )  # fmt: skip
