"""TLS to providers: certificates are verified against the authorities of the environment."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from receipts.ports.provider import TemporaryError
from tests.contracts.provider_ends import Line, parcel
from tests.contracts.test_providers import answering, listening

#: A self-signed pair for 127.0.0.1 alone, valid until 2126; it protects nothing.
PAIR = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgexWA6RgvKO0qljE4
BKM+PhjC+DQHNslptw4Z/74Y8pWhRANCAASxqbWX5fjsw+6Bd0xSc6uOoKuzRJV5
kEIkaqU+A0tfFJsJC4DckKRtGYhHd2oIBiBpwLaLuUwQ20XNf8zO6HHH
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBkTCCATagAwIBAgIUVrrxbBM9XhGDM6Ftsl27LH/oAqIwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyODE4MDMzMloYDzIxMjYxMTA0
MTgwMzMyWjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASxqbWX5fjsw+6Bd0xSc6uOoKuzRJV5kEIkaqU+A0tfFJsJC4DckKRt
GYhHd2oIBiBpwLaLuUwQ20XNf8zO6HHHo2QwYjAdBgNVHQ4EFgQUVeNq4tEztx49
D3UypXTTkceLolkwHwYDVR0jBBgwFoAUVeNq4tEztx49D3UypXTTkceLolkwDwYD
VR0RBAgwBocEfwAAATAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYC
IQCTTu1Kq/edsoPHjXHwVBS4rmwl1LoJc2zzl4lMFZTr0AIhAL0j/Ka4L85c+CUN
MzaXch9rLj12+tseyL9JFJGbm/IO
-----END CERTIFICATE-----
"""


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    file = tmp_path / "pair.pem"
    file.write_text(PAIR)
    return file


@pytest.fixture
def secure_url(line: Line, pair: Path) -> Iterator[str]:
    """A provider that answers over TLS with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)

    def answer(connection: object) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as secure:  # type: ignore[arg-type]
                answering(line.success(b'{"sid":"5-abc"}'))(secure)
        except (OSError, EOFError):
            return

    with listening(answer) as url:
        yield url.replace("http://", "https://")


def test_a_certificate_of_an_unknown_authority_is_refused(line: Line, secure_url: str):
    with pytest.raises(TemporaryError):
        line.adapter(secure_url).send(parcel())


@pytest.fixture
def trusted(pair: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate is among the authorities of the environment."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pair))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pair))


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_a_known_authority_is_accepted(line: Line, secure_url: str):
    assert line.adapter(secure_url).send(parcel()) == "5-abc"


@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_host_is_refused(line: Line, secure_url: str):
    with pytest.raises(TemporaryError):
        line.adapter(secure_url.replace("127.0.0.1", "localhost")).send(parcel())
