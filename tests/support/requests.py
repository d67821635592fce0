"""Requests to the webhooks, signed well, badly or not at all, built byte by byte."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import redis
from flask.testing import FlaskClient
from redis.backoff import NoBackoff
from redis.retry import Retry
from werkzeug.test import TestResponse

from app.bootstrap import Container
from receipts.store.connection import RedisConnection, connected
from receipts.store.keys import KeySchema
from receipts.store.outbox import RedisOutbox
from receipts.store.redis_store import RedisStore
from tests.conftest import ACCOUNT, GUANGDONG, PUBLIC_URL, TOKEN, ZHEJIANG

FORM = "application/x-www-form-urlencoded"

#: A good request to each webhook of the provider.
DOORS: dict[str, dict[str, str]] = {
    "/voice": {"CallSid": "CA1", "From": GUANGDONG},
    "/voice/key?at=menu&lang=zh&as=none&mode=flash&step=2&silent=0&wrong=0": {
        "CallSid": "CA1", "From": GUANGDONG, "Digits": "3",
    },
    "/voice/ended": {"CallSid": "CA1", "From": GUANGDONG, "CallStatus": "completed"},
    "/sms": {"MessageSid": "SM1", "From": GUANGDONG, "Body": "KTDXHZ"},
    "/messages/status": {
        "MessageSid": "SM2", "MessageStatus": "delivered", "From": GUANGDONG, "To": ZHEJIANG,
    },
    "/receipts/a-0123456789abcdef0123/status": {"MessageSid": "SM3", "MessageStatus": "sent"},
}  # fmt: skip


@dataclass(frozen=True)
class Knock:
    """Client with a signature of our own making, also a wrong one."""

    client: FlaskClient
    base: str = PUBLIC_URL
    token: str = TOKEN
    digest: str = "sha1"

    def sign(self, path: str, fields: Mapping[str, str] | None = None) -> str:
        text = self.base + path + "".join(k + v for k, v in sorted((fields or {}).items()))
        made = hmac.digest(self.token.encode(), text.encode("utf-8", "surrogatepass"), self.digest)
        return base64.b64encode(made).decode()

    def form(self, path: str, fields: Mapping[str, str], **headers: str) -> TestResponse:
        form = {"AccountSid": ACCOUNT, **fields}
        return self.raw(path, urlencode(form).encode(), FORM, self.sign(path, form), **headers)

    def json(self, path: str, body: bytes, told: str | None = None) -> TestResponse:
        """Post a body that is no form, with its hash in the query as Twilio sends it."""
        path += ("&" if "?" in path else "?") + "bodySHA256="
        path += hashlib.sha256(body).hexdigest() if told is None else told
        return self.raw(path, body, "application/json", self.sign(path))

    def raw(
        self, path: str, body: bytes, kind: str | None, signature: str | None, **headers: str
    ) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if signature is not None:
            named["X-Twilio-Signature"] = signature
        return self.client.post(path, data=body, content_type=kind, headers=named)


def out_of_reach(built: Container) -> Container:
    """Return the same services with an unreachable store."""
    client = connected("unix:///nonexistent/valkey.sock")
    # As many attempts as with any other, without the waits.
    client.set_retry(Retry(NoBackoff(), 2, supported_errors=(redis.ConnectionError,)))
    server = RedisConnection(client)
    keys = KeySchema(built.settings.shards)
    store, outbox = RedisStore(server, keys), RedisOutbox(server, keys)
    return replace(built, clients=replace(built.clients, store=store, outbox=outbox))
