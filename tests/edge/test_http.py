"""HTTP/1.1 on real sockets: strict reading, limits of sizes, exact environs."""

import json
import re
from contextlib import ExitStack

import pytest

from app.edge.limits import DOORS, MAX_FEED_BYTES, MAX_HEAD_BYTES, door_of
from callbacks.app import MAX_BODY_BYTES
from tests.edge.conftest import HOST, Edge, rest, serving, status

POST = b"POST /sms HTTP/1.1\r\n" + HOST
GET = b"GET / HTTP/1.1\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
LENGTH = b"Content-Length: 3\r\n"

MALFORMED = {
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "length, then chunks": POST + LENGTH + CHUNKED + b"\r\n0\r\n\r\n",
    "chunks, then length": POST + CHUNKED + LENGTH + b"\r\n0\r\n\r\n",
    "two lengths": POST + LENGTH + b"Content-Length: 4\r\n\r\nabcd",
    "one length twice": POST + LENGTH + LENGTH + b"\r\nabc",
    "list of lengths": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "signed length": POST + b"Content-Length: +3\r\n\r\nabc",
    "negative length": POST + b"Content-Length: -3\r\n\r\nabc",
    "length of 30 digits": POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
    "compressed chunks": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "no such transfer": POST + b"Transfer-Encoding: xchunked\r\n\r\n",
    "chunk of a bad size": POST + CHUNKED + b"\r\n-3\r\nabc\r\n0\r\n\r\n",
    "chunk with a bare line feed": POST + CHUNKED + b"\r\n3\nabc\n0\n\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: x\n\n",
    "folded header": GET + HOST + b"A: b\r\n c\r\n\r\n",
    "space before a colon": GET + b"Host : x\r\n\r\n",
    "NUL in a header": GET + HOST + b"A: b\0c\r\n\r\n",
    "two hosts": GET + HOST + HOST + b"\r\n",
    "no host": GET + b"\r\n",
    "unknown method": b"FROB / HTTP/1.1\r\n" + HOST + b"\r\n",
    "version 1.2": b"GET / HTTP/1.2\r\n" + HOST + b"\r\n",
    "tunnel": b"CONNECT a:1 HTTP/1.1\r\n" + HOST + b"\r\n",
    "no path": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "raw UTF-8 in the path": "GET /短 HTTP/1.1\r\n".encode() + HOST + b"\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64,
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_request_is_refused_and_its_connection_closed(edge: Edge, kind: str):
    answer = edge.ask(MALFORMED[kind] + GET + HOST + b"\r\n")
    assert status(answer) in {400, 413}
    assert answer.count(b"HTTP/1.1 ") == 1
    assert not edge.environs


def test_upgrade_to_http_2_is_answered_in_http_1_and_closed(edge: Edge):
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n"
    answer = edge.ask(GET + HOST + upgrade + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert (status(answer), answer.count(b"HTTP/1.1 ")) == (200, 1)
    assert b"Connection: close" in answer


@pytest.mark.parametrize(
    "sent",
    [
        GET + HOST + b"A: " + b"a" * 400_000,
        GET + HOST + b"A: b\r\n" * 40_000,
        GET + HOST + b"A" * 400_000,
        b"\r\n" * 200_000,
        b"GET /?" + b"a" * MAX_HEAD_BYTES + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        GET + HOST + b"A: b\r\n" * 3000 + b"\r\n",
    ],
)
def test_long_head_is_refused(edge: Edge, sent: bytes):
    assert status(edge.ask(b"", sent)) == 431
    assert not edge.environs


def test_large_body_is_refused_before_it_is_sent(edge: Edge):
    for path, most in ((b"/sms", MAX_BODY_BYTES), (b"/feed/reports", MAX_FEED_BYTES)):
        head = b"POST " + path + b" HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n"
        assert status(edge.ask(head % (most + 1))) == 413
        assert status(edge.ask(head % most + b"x" * most + GET + b"\r\n")) == 200
    assert len(edge.environs) == 2


def test_chunks_are_counted_while_they_are_read(edge: Edge):
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    answer = edge.ask(POST + CHUNKED + b"\r\n" + chunk * 5)
    assert status(answer) == 413
    many_small = b"1;" + b"e" * 4000 + b"\r\nx\r\n"
    assert status(edge.ask(POST + CHUNKED + b"\r\n" + many_small * 60)) == 413
    assert not edge.environs
    with edge.open(POST + CHUNKED + b"\r\n" + chunk + b"0\r\nX-Trailer: t\r\n\r\n") as connection:
        assert connection.recv(4096).endswith(b'["/sms", 4096]')
    (environ,) = edge.environs
    assert environ["CONTENT_LENGTH"] == "4096"
    assert "HTTP_X_TRAILER" not in environ


def test_environ_is_that_of_the_request(edge: Edge):
    head = (
        b"POST //a%2Fb/%E7%9F%AD?q=%20&q=%C3%A9 HTTP/1.1\r\nHost: a.example\r\n"
        b"X-A: 1\r\nx-a: 2\r\n"
        b"Cookie: a=1\r\nCookie: b=2\r\nX_Twilio_Signature: forged\r\nX-Latin: \xe9\r\n"
        b"Content-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"
    )
    assert status(edge.ask(head, b"a", b"bc", pause=0.05)) == 200
    (environ,) = edge.environs
    wanted = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "//a/b/短".encode().decode("latin-1"),
        "QUERY_STRING": "q=%20&q=%C3%A9", "SERVER_PROTOCOL": "HTTP/1.1", "SCRIPT_NAME": "",
        "HTTP_HOST": "a.example", "HTTP_X_A": "1,2", "HTTP_COOKIE": "a=1; b=2",
        "HTTP_X_LATIN": "é", "CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "3", "body": b"abc",
        "REMOTE_ADDR": "127.0.0.1", "SERVER_PORT": str(edge.port),
    }  # fmt: skip
    assert {name: environ[name] for name in wanted} == wanted
    assert "HTTP_X_TWILIO_SIGNATURE" not in environ


def test_whole_address_in_the_request_line_is_read_as_its_path(edge: Edge):
    edge.ask(b"GET http://other.example/a?b HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n")
    (environ,) = edge.environs
    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/a", "b")


def test_pipelined_requests_are_answered_in_order(edge: Edge):
    paths = ["/healthz" if n % 3 else f"/{n}" for n in range(1500)]
    sent = b"".join(b"GET %s HTTP/1.1\r\n%s\r\n" % (path.encode(), HOST) for path in paths)
    last = b"GET /end HTTP/1.0\r\n\r\n"
    answer = edge.ask(sent + last).decode()
    bodies = re.findall(r"\r\n\r\n(.+?)(?=HTTP/1.1 |$)", answer, re.DOTALL)
    found = [json.loads(body) for body in bodies]
    wanted = [{"status": "ok"} if path == "/healthz" else [path, 0] for path in paths]
    assert found == [*wanted, ["/end", 0]]


def test_head_has_the_head_of_get_alone(edge: Edge):
    whole, head = edge.get("/a"), edge.get("/a", "HEAD")
    assert head.endswith(b"\r\n\r\n")
    assert whole.startswith(head.partition(b"\r\nDate")[0])
    assert edge.get("/healthz", "HEAD").startswith(b"HTTP/1.1 200 OK")


def test_connection_of_http_1_0_ends_unless_it_is_kept(edge: Edge):
    assert b"Connection: close" in edge.ask(b"GET /a HTTP/1.0\r\n\r\n")
    with edge.open(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") as connection:
        assert b"Connection: keep-alive" in connection.recv(4096)


def test_body_is_sent_for_after_expect(edge: Edge):
    head = POST + b"Content-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    with edge.open(head) as connection:
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        assert rest(connection).endswith(b'["/sms", 3]')
    head = head.replace(b"Content-Length: 3", b"Content-Length: 99999")
    assert status(edge.ask(head)) == 413


def test_slow_reader_gets_its_response_whole_and_holds_no_thread(edge: Edge):
    with edge.open(b"GET /large HTTP/1.0\r\n\r\n") as slow, edge.open() as never:
        never.sendall(b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n")
        for _ in range(8):
            assert status(edge.get()) == 200
        assert len(rest(slow).partition(b"\r\n\r\n")[2]) == 8_000_000


def test_failing_application_becomes_a_503_without_a_trace(edge: Edge):
    answer = edge.get("/broken")
    assert status(answer) == 503
    assert b"ZeroDivision" not in answer
    assert status(edge.get()) == 200


def test_each_path_has_a_door():
    assert door_of("//feed/reports") is DOORS[0]
    assert door_of("/feedback").max_bytes == MAX_BODY_BYTES == 16 * 1024
    assert door_of("/kannel/sms").is_inside


@pytest.mark.parametrize("prefix", ["", "/below", "/", "/below//"])
def test_inside_port_has_the_inside_doors_alone(prefix: str):
    with serving(has_inside=True) as edge:
        for port, is_inside in ((edge.port, False), (edge.inside_port, True)):
            edge.port = port
            for path in ("/kannel/sms?a=b", "/feed/reports", "/%6bannel/report", "/fee%64/x"):
                assert status(edge.get(prefix + path)) == (200 if is_inside else 404), path
            for path in ("/sms", "/hall/", "/voice", "/kannelx"):
                assert status(edge.get(prefix + path)) == (404 if is_inside else 200), path
            assert status(edge.get("/healthz")) == 200


def test_without_an_inside_port_all_doors_are_public(edge: Edge):
    for path in ("/kannel/sms", "/feed/reports", "/sms"):
        assert status(edge.get(path)) == 200


def test_requests_of_a_shared_door_begin_before_the_first_ends(edge: Edge):
    path = b"/kannel/report?%d"
    with ExitStack() as stack:
        calls = [stack.enter_context(edge.open()) for _ in range(8)]
        for number, call in enumerate(calls):
            call.sendall(
                b"GET " + path % number + b" HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n"
            )
        answers = [rest(call) for call in calls]
    assert {status(each) for each in answers} == {200}
    assert len(edge.begun_together) == 8
    assert max(edge.begun_together) > 1
