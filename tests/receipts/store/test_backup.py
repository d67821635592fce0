"""A backup holds every key with value and expiry; a damaged one is refused before a write."""

import gzip
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from receipts.ports.store import StoreUnavailableError
from receipts.store.backup import restore
from receipts.store.backup.archive import (
    BackupFileError,
    BackupHeader,
    BackupReader,
    BackupWriter,
    new_file,
)
from receipts.store.backup.create import copy_all
from receipts.store.backup.exclusive import CLIENT_NAME, require_unused
from receipts.store.connection import RedisConnection, connected
from receipts.store.keys import SCHEMA_VERSION, KeySchema
from receipts.store.outbox import RedisOutbox
from receipts.store.redis_store import RedisStore
from receipts.store.schema.stamp import Stamp, write_stamp
from tests.receipts.store.conftest import ANNA, NOW, Due, everything
from tests.support.redis_nodes import Node

HEADER = BackupHeader(SCHEMA_VERSION, 16, NOW, NOW, "0.1.0", 1)

Values = dict[bytes, tuple[bytes, object, int]]


def values_of(client: "redis.Redis") -> Values:
    """Type, value and end of each key; a stream with its groups and their pending entries."""
    return {key: (client.type(key), _value(client, key), client.pexpiretime(key))
            for key in client.scan_iter(count=1000)}  # fmt: skip


def _value(client: Any, key: bytes) -> object:  # noqa: ANN401 - untyped replies
    match client.type(key):
        case b"string":
            return client.get(key)
        case b"hash":
            return client.hgetall(key)
        case b"list":
            return client.lrange(key, 0, -1)
        case b"set":
            return client.smembers(key)
        case b"zset":
            return client.zrange(key, 0, -1, withscores=True)
    groups = client.xinfo_groups(key)
    pending = [client.xpending_range(key, each["name"], "-", "+", 1000) for each in groups]
    waiting = [[(e["message_id"], e["consumer"], e["times_delivered"]) for e in those]
               for those in pending]  # fmt: skip
    names = [(each["name"], each["last-delivered-id"], each["pending"]) for each in groups]
    return client.xrange(key), names, waiting


@pytest.fixture
def server(store_admin_url: str, raw: "redis.Redis") -> Iterator[RedisConnection]:
    """The server under a user with all rights, as an operator has them."""
    del raw
    with connected(store_admin_url) as client:
        yield RedisConnection(client)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Node]:
    """Another server, empty."""
    node = Node(tmp_path / "other", more=("--repl-diskless-sync-delay", "0"))
    node.start()
    yield node
    node.kill()


@pytest.fixture
def file(server: RedisConnection, store: RedisStore, due: Due, tmp_path: Path) -> Path:
    """A backup of a store with a key of each kind and form."""
    store.commit(everything(due(ANNA)))
    _fill(server.client)
    return backed_up(server, tmp_path / "one.backup")


def _fill(client: Any) -> None:  # noqa: ANN401 - one server
    """Keys in each form that a server has for small and large values."""
    client.set("{s1}:number", 2**40)
    client.set("{s1}:long", random.Random(14).randbytes(200_000))
    client.set("{s1}:ends", "x" * 1000, px=10_000_000)
    client.set("12345", "a key of digits")
    client.set("{s1}:sub:8611111111111111111111111111111111111111", "a compressed key")
    client.sadd("{s1}:integers", *range(20))
    for name, count in (("small", 3), ("large", 3000)):
        client.hset(f"{{s1}}:h{name}", mapping={f"f{n}": n for n in range(count)})
        client.zadd(f"{{s1}}:z{name}", {f"m{n}": n / 7 for n in range(count)})
        client.rpush(f"{{s1}}:l{name}", *(f"{n}" * 9 for n in range(count)))
        client.sadd(f"{{s1}}:s{name}", *(f"m{n}" for n in range(count)))
        with client.pipeline() as pipeline:
            for n in range(count):
                pipeline.xadd(f"{{s1}}:x{name}", {"id": n})
            pipeline.execute()
        client.xgroup_create(f"{{s1}}:x{name}", "workers", id="0")
        read = client.xreadgroup("workers", "w1", {f"{{s1}}:x{name}": ">"}, count=20)
        client.xack(f"{{s1}}:x{name}", "workers", read[0][1][0][0])
        client.xdel(f"{{s1}}:x{name}", read[0][1][1][0])


def backed_up(connection: RedisConnection, path: Path) -> Path:
    with new_file(path) as out:
        writer = BackupWriter(out, HEADER)
        copy_all(connection, writer, lambda _: None)
        writer.close(NOW)
    return path


def restored(connection: RedisConnection, path: Path) -> None:
    restore.empty(connection, 16)
    for _ in restore.write(connection, BackupReader(path).records()):
        pass
    write_stamp(connection, Stamp(str(SCHEMA_VERSION), "16"))


def test_every_key_value_and_expiry_is_restored(file: Path, raw: "redis.Redis", other: Node):
    before = values_of(raw)
    with connected(other.url) as client:
        restored(RedisConnection(client), file)
    with other.client() as client:
        assert values_of(client) == before
    totals = BackupReader(file).verify()
    assert (totals.keys, totals.customers, totals.receipts) == (len(before), 2, 1)
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_end_that_has_passed_is_no_key(file: Path, raw: "redis.Redis", other: Node):
    key = b"{s1}:ends"
    with connected(other.url) as client:
        connection = RedisConnection(client)
        late = (each._replace(expires_ms=1) for each in BackupReader(file).records()
                if each.key == key)  # fmt: skip
        restore.empty(connection, 16)
        assert list(restore.write(connection, late)) == [1]
        assert not client.exists(key)
    assert raw.exists(key)


def test_sessions_of_staff_are_not_restored(
    server: RedisConnection, store: RedisStore, raw: "redis.Redis", other: Node, tmp_path: Path
):
    del store
    raw.set("{staff}:session:1", "1|{}")
    raw.set("{staff}:account:anna", "1|{}")
    path = backed_up(server, tmp_path / "one.backup")
    with connected(other.url) as client:
        restored(RedisConnection(client), path)
        assert client.exists("{staff}:session:1", "{staff}:account:anna") == 1


@pytest.mark.parametrize("share", [0, 0.01, 0.2, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_refused(file: Path, share: float):
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BackupFileError, match=str(file)):
        BackupReader(file).verify()


def test_each_altered_byte_is_noticed(file: Path):
    whole, places = file.read_bytes(), random.Random(1)
    # Bytes 4 to 9 of gzip's header say nothing of the contents.
    for place in (0, 1, 2, *places.choices(range(10, len(whole)), k=60), len(whole) - 1):
        file.write_bytes(whole[:place] + bytes((whole[place] ^ 1,)) + whole[place + 1 :])
        with pytest.raises(BackupFileError):
            BackupReader(file).verify()


def test_contents_altered_under_a_right_gzip_checksum_are_noticed(file: Path):
    plain = bytearray(gzip.decompress(file.read_bytes()))
    plain[len(plain) // 2] ^= 1
    file.write_bytes(gzip.compress(plain, 1))
    with pytest.raises(BackupFileError, match="damaged or cut short"):
        BackupReader(file).verify()


def test_no_file_is_replaced_and_none_left_half_written(file: Path, tmp_path: Path):
    before = file.read_bytes()
    with pytest.raises(BackupFileError, match="exists already"), new_file(file):
        pass
    with pytest.raises(ZeroDivisionError), new_file(tmp_path / "two.backup") as out:
        out.write(b"half" * (1 // 0))
    assert file.read_bytes() == before
    assert [each.name for each in tmp_path.glob(".*")] == []
    assert not (tmp_path / "two.backup").exists()


def test_a_half_restored_store_is_refused_until_the_restore_is_run_to_its_end(
    file: Path, raw: "redis.Redis", other: Node
):
    before = values_of(raw)
    with connected(other.url) as client:
        connection, keys = RedisConnection(client), KeySchema(16)
        restore.empty(connection, 16)
        records = BackupReader(file).records()
        for _ in restore.write(connection, (next(records) for _ in range(20))):
            pass
        with pytest.raises(StoreUnavailableError, match="half restored: run `sms-receipt restore"):
            RedisOutbox(connection, keys).open()
        restore.require_target(connection, replace=False)
        restored(connection, file)
        RedisOutbox(connection, keys).open()
        with pytest.raises(StoreUnavailableError, match="not empty"):
            restore.require_target(connection, replace=False)
    with other.client() as client:
        assert values_of(client) == before


def test_a_store_in_use_is_noticed(other: Node):
    with connected(other.url, CLIENT_NAME) as client:
        require_unused(RedisConnection(client))
        with redis.Redis(port=other.port, db=1) as elsewhere:
            elsewhere.ping()
            require_unused(RedisConnection(client))
        with connected(other.url) as service:
            RedisConnection(service).ping()
            with pytest.raises(StoreUnavailableError, match="the store is in use: 1 connections"):
                require_unused(RedisConnection(client))


def test_a_user_without_the_right_is_told_so(other: Node, tmp_path: Path):
    with other.client() as client:
        client.acl_setuser(
            "service", enabled=True, passwords=["+pw"], commands=["+@all", "-sync"], keys=["*"]
        )
    with (
        connected(f"redis://service:pw@127.0.0.1:{other.port}/0") as client,
        pytest.raises(StoreUnavailableError, match=r"\+sync \+replconf"),
    ):
        backed_up(RedisConnection(client), tmp_path / "one.backup")
    with connected(f"redis://default@127.0.0.1:{other.port}/0") as client:
        backed_up(RedisConnection(client), tmp_path / "one.backup")


def test_another_database_of_the_server_is_left_out(other: Node, tmp_path: Path):
    with redis.Redis(port=other.port, db=3) as three, other.client() as zero:
        three.set("{s1}:three", 1)
        zero.set("{s1}:zero", 1)
    with connected(f"redis://127.0.0.1:{other.port}/3") as client:
        path = backed_up(RedisConnection(client), tmp_path / "one.backup")
    assert [each.key for each in BackupReader(path).records()] == [b"{s1}:three"]
