"""Status callbacks whose requests begin together share one commit, each with its own log ids."""

from collections.abc import Sequence

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from app.bootstrap import Container
from app.edge.http_request import HttpRequest, RequestParser
from app.edge.http_response import Answer
from app.factory import create_app
from app.settings import Settings
from receipts.ports.changes import ChangeSet, CommitResult
from receipts.ports.store import StoreUnavailableError
from tests.conftest import GUANGDONG
from tests.support.fixtures import a_receipt


@pytest.fixture
def commits(built: Container, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of changes of each commit."""
    seen: list[int] = []
    commit_all = built.store.commit_all

    def counted(changes: Sequence[ChangeSet]) -> list[CommitResult]:
        seen.append(len(changes))
        return commit_all(changes)

    monkeypatch.setattr(built.store, "commit_all", counted)
    return seen


def report(receipt_id: str, secret: str, kind: str = "1") -> HttpRequest:
    parser = RequestParser("127.0.0.1")
    target = f"/kannel/report?type={kind}&id={receipt_id}&secret={secret}"
    parser.feed(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    request = parser.ready.popleft()
    assert isinstance(request, HttpRequest)
    return request


def test_updates_of_one_group_share_a_commit_and_keep_their_own_ids(
    settings: Settings, built: Container, commits: list[int]
):
    app = create_app(settings, built)
    receipts = [
        a_receipt(built, GUANGDONG, seed=name, provider="kannel", state="sent") for name in "abc"
    ]
    commits.clear()
    with capture_logs(processors=[merge_contextvars]) as lines:
        begun = [
            Answer(app, report(receipt.id, settings.kannel_secret, kind), ("127.0.0.1", 80))
            for receipt, kind in zip(receipts, ("1", "2", "1"), strict=True)
        ]
        stranger = Answer(app, report(receipts[0].id, "wrong"), ("127.0.0.1", 80))
        assert commits == []
        answers = [answer.read() for answer in (*begun, stranger)]
    assert commits == [3]
    assert [answer[9:12] for answer in answers] == [b"204", b"204", b"204", b"403"]
    found = built.store.receipts(receipt.id for receipt in receipts)
    assert [each.state for each in found if each] == ["delivered", "undelivered", "delivered"]
    answered = [line for line in lines if line["event"] == "answered"]
    assert [line["receipt"] for line in answered] == [receipt.id for receipt in receipts]
    assert len({line["request"] for line in answered}) == len(receipts)
    (failed,) = (line for line in lines if line["event"] == "receipt did not arrive")
    assert failed["request"] == answered[1]["request"]


def test_store_outage_answers_503_to_each_of_a_group(
    settings: Settings, built: Container, monkeypatch: pytest.MonkeyPatch
):
    app, receipt = create_app(settings, built), a_receipt(built, GUANGDONG, state="sent")

    def gone(_: object) -> None:
        raise StoreUnavailableError("gone")

    monkeypatch.setattr(built.store, "receipts", gone)
    request = report(receipt.id, settings.kannel_secret)
    begun = [Answer(app, request, ("127.0.0.1", 80)) for _ in range(3)]
    assert {answer.read()[9:12] for answer in begun} == {b"503"}
