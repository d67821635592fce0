"""REDIS_URL: the forms that are read, mistakes that are named, passwords that stay hidden."""

from pathlib import Path

import pytest

from app.settings import Settings, SettingsError
from receipts.store.servers.address import AddressError, parse_address

PASSWORD = "p@ss/w?rd,1"
WRITTEN = "p%40ss%2Fw%3Frd%2C1"


@pytest.mark.parametrize(
    ("url", "hosts", "options"),
    [
        ("redis://h", [("h", 6379)], {}),
        (f"redis://u:{WRITTEN}@h:1/3", [("h", 1)],
         {"username": "u", "password": PASSWORD, "db": 3}),
        ("rediss://:pw@h1:1,h2?ssl_cert_reqs=none", [("h1", 1), ("h2", 6379)],
         {"password": "pw", "ssl_cert_reqs": "none"}),
        ("redis://:a,b@h:1, redis://[::1]:2", [("h", 1), ("::1", 2)], {"password": "a,b"}),
        ("redis://h1,redis://u:p@h2?socket_timeout=2", [("h1", 6379), ("h2", 6379)],
         {"username": "u", "password": "p", "socket_timeout": 2.0}),
        ("unix:///run/my%20redis.sock?db=2&password=s", [],
         {"path": "/run/my redis.sock", "db": 2, "password": "s"}),
        ("unix://u:p@/run/redis.sock", [],
         {"path": "/run/redis.sock", "username": "u", "password": "p"}),
    ],
)  # fmt: skip
def test_servers_and_clusters_are_read(
    url: str, hosts: list[tuple[str, int]], options: dict[str, object]
):
    address = parse_address(url)
    assert (list(address.hosts), dict(address.options)) == (hosts, options)
    assert (address.is_tls, address.service) == (url.startswith("rediss"), "")


def test_sentinels_are_read(tmp_path: Path):
    ca = tmp_path / "ca.crt"
    ca.touch()
    address = parse_address(
        f"rediss+sentinel://u:{WRITTEN}@s1,s2:7,[::1]:8/the-store/2"
        f"?sentinel_username=v&sentinel_password={WRITTEN}&ssl_ca_certs={ca}"
    )
    assert address.hosts == (("s1", 26379), ("s2", 7), ("::1", 8))
    assert (address.service, address.database) == ("the-store", 2)
    assert address.sentinel_login == {"username": "v", "password": PASSWORD}
    assert address.tls == {"ssl": True, "ssl_ca_certs": str(ca)}
    assert set(address.passwords) == {PASSWORD}
    assert PASSWORD not in repr(address)


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("h:6379", "an address of redis://"),
        ("http://h", "an address of redis://"),
        ("sentinel://h/mymaster", r"redis\+sentinel://"),
        ("redis://", "the name of a host"),
        ("redis://h,", "the name of a host"),
        ("redis://10.0.0.256", "the name of a host"),
        ("redis://u:secret/1@h", "the name of a host|number of a database"),
        ("redis://u:sec#ret@h", "%23 in|spaces or a #"),
        ("redis://h:0", "from 1 to 65535"),
        ("redis://h:99999", "from 1 to 65535"),
        ("redis://h/store", "number of a database"),
        ("redis://[::1", "well-formed"),
        ("redis://h?ssl", "well-formed"),
        ("redis://h?db=x", "numbers for its database"),
        ("redis://h?socket_timeout=60", "at most 10 seconds"),
        ("redis://h?socket_timeout=nan", "at most 10 seconds"),
        ("redis://h?db=1&db=2", "one value for db"),
        ("redis://h?decode_responses=1", "other options than db"),
        ("redis://h?sentinel_password=secret", "other options than"),
        ("redis://h?ssl_ca_certs=/dev/null", "ssl_ca_certs without TLS: write rediss://"),
        ("rediss://h?ssl_ca_certs=/no/file", "a file that can be read as ssl_ca_certs"),
        ("rediss://h?ssl_cert_reqs=maybe", "one of required, optional, none"),
        ("rediss://h?ssl_keyfile=/dev/null", "ssl_certfile with ssl_keyfile"),
        ("redis://a:secret@h1,redis://a:other@h2", "one login"),
        ("redis://h1,rediss://h2", "both redis:// and rediss://"),
        ("redis+sentinel://s1,s2,s1/m", "each server once"),
        ("redis+sentinel://s1,s2", "name of the primary"),
        ("redis+sentinel://s1/my master", "spaces"),
        ("redis+sentinel://s1/mymaster/x", "number of a database"),
        ("redis+sentinel://s1/m,redis+sentinel://s2/m", "one address"),
        ("redis://h,unix:///run/redis.sock", "one address"),
        ("unix://", "file of a socket"),
    ],
)
def test_mistake_is_named_without_the_address(url: str, rule: str):
    with pytest.raises(AddressError, match=rule) as wrong:
        parse_address(url)
    assert "secret" not in str(wrong.value)
    with pytest.raises(SettingsError, match=r"^REDIS_URL must ") as refused:
        Settings.read({"REDIS_URL": url})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://u:{WRITTEN}@h", f"redis://h1,redis://u:{WRITTEN}@h2",
        f"redis+sentinel://s1,s2/m?sentinel_password={WRITTEN}", f"unix:///s?password={WRITTEN}",
    ],
)  # fmt: skip
def test_passwords_of_the_address_are_masked_in_logs(url: str):
    settings = Settings.read({"REDIS_URL": url})
    assert {PASSWORD, WRITTEN} <= settings.secrets
    assert WRITTEN not in repr(settings)
