"""Ask a server for its snapshot over a connection of its own, as a replica does (SYNC).

The server forks: the snapshot is the store of one moment, and the service goes on meanwhile.
"""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import hiredis
import redis

from receipts.ports.store import StoreUnavailableError
from receipts.store.backup.rdb import RdbReader
from receipts.store.pipeline import Command

#: The server sends a line each second until its snapshot begins, and data after it.
_TIMEOUT_SECONDS = 60.0

_MARK_BYTES = 40
_PIECE_BYTES = 1_048_576


@contextlib.contextmanager
def snapshot(client: "redis.Redis") -> Iterator[RdbReader]:
    """The snapshot of one server, which was taken after the call. Raises StoreUnavailableError."""
    try:
        with _connected(client) as link:
            source = _Source(link)
            reader = RdbReader(source.read)
            yield reader
            if source.mark and reader.trailing(_MARK_BYTES) != source.mark:
                raise StoreUnavailableError("the snapshot of the server was cut short")
    except (OSError, redis.RedisError) as error:
        raise StoreUnavailableError(f"the snapshot of the server broke off: {error}") from error


class _Source:
    """The bytes of a snapshot, of a length that the server states or up to its mark."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        # Without a buffer replicas get; it would only fill the server's memory.
        _say(link, "REPLCONF", "capa", "eof")
        _say(link, "REPLCONF", "rdb-only", "1")
        _send(link, ("SYNC",))
        while not (begin := _line(link)):
            pass
        if not begin.startswith(b"$"):
            _expect_ok(begin)
            raise StoreUnavailableError("the server gives no snapshot")
        self.mark = begin[5:] if begin.startswith(b"$EOF:") else b""
        self._left = -1 if self.mark else int(begin[1:])

    def read(self, count: int) -> bytes:
        """Up to so many bytes; none at the end."""
        wanted = min(count, _PIECE_BYTES)
        if self._left >= 0:
            wanted = min(wanted, self._left)
        piece = self._link.recv(wanted) if wanted else b""
        self._left -= len(piece) if self._left >= 0 else 0
        return piece


def _line(link: socket.socket) -> bytes:
    """One line, read a byte at a time: all bytes behind it belong to the snapshot."""
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = link.recv(1)
        if not byte:
            raise OSError("the server closed the connection")
        line += byte
    return bytes(line).strip()


def _say(link: socket.socket, *words: str) -> None:
    """Send a command that is answered by OK. Raises StoreUnavailableError for an error."""
    _send(link, words)
    _expect_ok(_line(link))


def _send(link: socket.socket, command: Command) -> None:
    link.sendall(hiredis.pack_command(command))


def _expect_ok(reply: bytes) -> None:
    if not reply.startswith(b"+"):
        raise StoreUnavailableError(
            f"the server gives no snapshot: {reply.decode(errors='replace').lstrip('-')}. Name a "
            "user with the rights of `operator` in deploy/redis/users.acl in REDIS_URL for this "
            "command (+sync +replconf); of a hosted server without them, use the provider's backups"
        )


def _connected(client: "redis.Redis") -> socket.socket:
    """A connection of its own to the server of a client, signed in."""
    probe: Any = client.connection_pool.get_connection()
    options, path = client.connection_pool.connection_kwargs, getattr(probe, "path", "")
    client.connection_pool.release(probe)
    if path:
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(_TIMEOUT_SECONDS)
        link.connect(path)
    else:
        link = socket.create_connection((probe.host, probe.port), _TIMEOUT_SECONDS)
    if isinstance(probe, redis.SSLConnection):
        link = _encrypted(link, options, probe.host)
    if password := options.get("password"):
        words = (options["username"], password) if options.get("username") else (password,)
        _say(link, "AUTH", *words)
    return link


def _encrypted(link: socket.socket, options: dict[str, Any], host: str) -> ssl.SSLSocket:
    context = ssl.create_default_context(
        cafile=options.get("ssl_ca_certs"), capath=options.get("ssl_ca_path")
    )
    if not options.get("ssl_check_hostname", True):
        context.check_hostname = False
    if options.get("ssl_cert_reqs") in {"none", ssl.CERT_NONE}:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificate := options.get("ssl_certfile"):
        key, password = options.get("ssl_keyfile"), options.get("ssl_password")
        context.load_cert_chain(certificate, key, password)
    return context.wrap_socket(link, server_hostname=host)
