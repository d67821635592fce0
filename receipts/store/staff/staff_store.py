"""Staff on Redis: all keys under one hash tag, so that a change and its log line are one write."""

from collections.abc import Callable, Iterator, Sequence

from receipts.model.staff import StaffAccount, StaffAct, StaffSession
from receipts.store.codec import decode, decode_record, encode_record
from receipts.store.connection import RedisConnection
from receipts.store.staff.script import StaffScript, acts_key

_NAMES = "{staff}:accounts"

#: A form is taken once in its longest lifetime.
_FORM_SECONDS = 24 * 3600

#: Acts of one round trip.
_BATCH = 500


def _account_key(name: str) -> str:
    return f"{{staff}}:account:{name}"


def _session_key(key: str) -> str:
    return f"{{staff}}:session:{key}"


class RedisStaffStore:
    """Accounts, sessions and acts of staff. Every method raises StoreUnavailableError."""

    def __init__(self, connection: RedisConnection, log_seconds: Callable[[], int]) -> None:
        """``log_seconds`` is the retention of the log, as of the audit log."""
        self._connection, self._log_seconds = connection, log_seconds

    def account(self, name: str) -> StaffAccount | None:
        """The account of this name; None if there is none."""
        (raw,) = self._connection.execute(("GET", _account_key(name)))
        return decode_record(StaffAccount, raw)

    def accounts(self) -> list[StaffAccount]:
        """All accounts, also disabled ones, by name."""
        (names,) = self._connection.execute(("SMEMBERS", _NAMES))
        values = self._connection.values([_account_key(name.decode()) for name in sorted(names)])
        return [found for raw in values if (found := decode_record(StaffAccount, raw))]

    def save(
        self,
        account: StaffAccount,
        act: StaffAct,
        unchanged: StaffAccount | None = None,
        form: str = "",
    ) -> bool:
        """Save the next version of an account with the act; False if another was saved first.

        False too if the account ``unchanged`` was changed since it was read. True without a change
        for a form whose key was taken before.
        """
        script, record = StaffScript(), encode_record(account, account.version)
        key = _account_key(account.name)
        if form:
            script.add("claim", f"{{staff}}:form:{form}", _FORM_SECONDS, act.act)
        script.add("save", key, 0, record)
        script.add("member", _NAMES, account.name)
        script.act(act, self._log_seconds())
        if unchanged is not None:
            script.add("guard", _account_key(unchanged.name), unchanged.version)
        # After a lost connection the script may run twice, and then finds its own record.
        return self._run(script) or self._raw(key) == record

    def _raw(self, key: str) -> bytes | None:
        (raw,) = self._connection.execute(("GET", key))
        return None if raw is None else bytes(raw)

    def record(self, acts: Sequence[StaffAct]) -> None:
        """Append acts to the log."""
        for act in acts:
            script = StaffScript()
            script.act(act, self._log_seconds())
            self._run(script)

    def acts(self, month: str) -> Iterator[list[StaffAct]]:
        """The acts of a month in batches, newest first."""
        end: str | bytes = "+"
        while True:
            step = ("XREVRANGE", acts_key(month), end, "-", "COUNT", _BATCH)
            (entries,) = self._connection.execute(step)
            if not entries:
                return
            yield [decode(StaffAct, fields[1]) for _, fields in entries]
            end = b"(" + entries[-1][0]

    def session(self, key: str, name: str) -> tuple[StaffSession | None, StaffAccount | None]:
        """A session with the account of its name, in one round trip."""
        reads = (("GET", _session_key(key)), ("GET", _account_key(name)))
        session, account = self._connection.execute(*reads)
        return decode_record(StaffSession, session), decode_record(StaffAccount, account)

    def save_session(
        self,
        key: str,
        session: StaffSession,
        seconds: int,
        act: StaffAct | None = None,
        replaced: str = "",
    ) -> bool:
        """Save the next version of a session, kept so long, with an act; False if it lost a race.

        ``replaced`` is the key of a session that ends with it.
        """
        script = StaffScript()
        script.add("save", _session_key(key), seconds, encode_record(session, session.version))
        if act is not None:
            script.act(act, self._log_seconds())
        if replaced:
            script.add("erase", _session_key(replaced))
        # Two tries at once write equal records, and only one of them counts.
        return self._run(script)

    def end_session(self, key: str, act: StaffAct) -> None:
        """Erase a session and append its act."""
        script = StaffScript()
        script.add("erase", _session_key(key))
        script.act(act, self._log_seconds())
        self._run(script)

    def _run(self, script: StaffScript) -> bool:
        (reply,) = self._connection.execute(script.command)
        return reply[0][0] in {b"done", b"seen"}
