"""What a refusal of the servers means, and what to do about it."""

import redis
from redis.sentinel import MasterNotFoundError

_LOGIN = "check user and password in REDIS_URL (sentinel_password for Sentinels that ask for one)"

#: A part of an error of redis-py, Redis or OpenSSL, and the next step.
_NEXT_STEPS = (
    ("Authentication required", f"the server asks for a login: {_LOGIN}"),
    ("client already authenticated", f"the server asks for a login: {_LOGIN}"),
    ("AuthenticationError", f"a Sentinel refuses the login: {_LOGIN}"),
    ("invalid username-password pair", f"the server refuses the login: {_LOGIN}"),
    ("without any password configured", f"the server has no such password: {_LOGIN}"),
    ("Hostname mismatch", "the certificate is for another name: use its name in REDIS_URL"),
    ("IP address mismatch", "the certificate is for another address: add this one to it"),
    ("CERTIFICATE_VERIFY_FAILED", "the certificate is not trusted: name its CA by ssl_ca_certs"),
    ("CERTIFICATE_REQUIRED", "the server asks for a certificate: ssl_certfile and ssl_keyfile"),
    ("WRONG_VERSION_NUMBER", "that port has no TLS: name the TLS port, or write redis://"),
    ("NOREPLICAS", "the primary has fewer replicas than its min-replicas-to-write"),
    ("read only replica", "REDIS_URL names a replica: name the primary, or its Sentinels"),
)


def explained(error: Exception) -> str:
    """The sentence for a failure, with the next step where it is known."""
    text = str(error)
    if isinstance(error, MasterNotFoundError):
        text = text.partition(" : ")[0]  # behind it, redis-py prints its clients
    if isinstance(error, redis.exceptions.NoPermissionError):
        return (
            f"the store refused: {text}. Give the user of REDIS_URL the rights of "
            "deploy/redis/users.acl (docs/operations.md)"
        )
    found = next((step for part, step in _NEXT_STEPS if part in text), "")
    return f"the store did not answer: {text}" + (f" ({found})" if found else "")
