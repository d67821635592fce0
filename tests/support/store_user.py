"""The user of deploy/redis/users.acl, with which every test of the service reaches the store."""

from functools import cache
from pathlib import Path

import redis

#: The users of the servers, as an operator installs them.
USERS = Path(__file__).parents[2] / "deploy" / "redis" / "users.acl"

NAME, PASSWORD = "sms-receipt", "store-password-of-the-tests"


@cache
def rules() -> tuple[str, ...]:
    """The rights of the service's user, as words of ACL SETUSER."""
    lines = [line.split() for line in USERS.read_text().splitlines()]
    (words,) = [line[2:] for line in lines if line[1] == NAME]
    return tuple(f">{PASSWORD}" if word.startswith(">") else word for word in words)


def with_user(admin_url: str) -> str:
    """Create the user on the server at a socket; return the URL by which it logs in."""
    with redis.Redis.from_url(admin_url) as client:
        client.execute_command("ACL SETUSER", NAME, "reset", *rules())
    return admin_url.replace("unix://", f"unix://{NAME}:{PASSWORD}@")
