"""Accounts of staff: passwords, the last operator, and the log of changes."""

import threading

import pytest
from argon2 import PasswordHasher

from app.bootstrap import Container
from receipts.model.calendar import month_of
from receipts.model.staff import Role, StaffAct
from receipts.model.vocabulary import Msisdn
from receipts.staff.accounts import Person, StaffAccounts, StaffRefusedError, refusals
from tests.conftest import GUANGDONG

PASSWORD = "a-long-enough-phrase"
BOSS = Person("command:root")
#: Fast parameters; the account's digest is an argon2 digest all the same.
FAST = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture
def accounts(built: Container) -> StaffAccounts:
    return StaffAccounts(built.clients.staff, built.clock, FAST)


def acts(built: Container) -> list[StaffAct]:
    month = month_of(built.clock.now())
    return [act for batch in built.clients.staff.acts(month) for act in batch]


def refusal(act: object, *given: object, **more: object) -> str:
    with pytest.raises(StaffRefusedError) as refused:
        act(*given, **more)  # type: ignore[operator]
    return refused.value.key


def test_account_is_stored_without_its_password(accounts: StaffAccounts, built: Container):
    made = accounts.add(" An.Li ", Role.OPERATOR, PASSWORD, BOSS)
    assert made.name == "an.li"
    assert accounts.found("AN.LI") == made
    assert made.password_digest.startswith("$argon2id$")
    assert PASSWORD not in repr(made) + made.password_digest
    assert [(a.clerk, a.act, a.subject, a.reason) for a in acts(built)] == [
        ("command:root", "staff_added", "an.li", "operator")
    ]


@pytest.mark.parametrize(
    ("name", "password", "key"),
    [
        ("an", "short-phrase"[:11], "password_length"),
        ("an", "x" * 257, "password_length"),
        ("an", "aaaaaaaabbbb", "password_simple"),
        ("an.li", "my name is AN.LI!", "password_simple"),
        ("", PASSWORD, "name"),
        ("a", PASSWORD, "name"),
        ("an li", PASSWORD, "name"),
        ("../an", PASSWORD, "name"),
        ("command:root", PASSWORD, "name"),
        ("an\u200b", PASSWORD, "name"),
        ("x" * 33, PASSWORD, "name"),
    ],
)
def test_bad_names_and_passwords_are_refused_and_change_nothing(
    accounts: StaffAccounts, built: Container, name: str, password: str, key: str
):
    assert refusal(accounts.add, name, Role.OPERATOR, password, BOSS) == key
    assert (accounts.all(), acts(built)) == ([], [])


@pytest.mark.parametrize("role", [Role.CLERK, Role.SUPERVISOR])
@pytest.mark.parametrize("shop", ["", "  ", "\u200b", "x" * 41])
def test_roles_of_the_counter_need_a_shop(accounts: StaffAccounts, role: Role, shop: str):
    assert refusal(accounts.add, "bo", role, PASSWORD, BOSS, shop=shop) == "shop"
    assert accounts.add("bo", role, PASSWORD, BOSS, shop=" Tianhe \n12 ").shop == "Tianhe 12"


@pytest.mark.parametrize("phone", ["+862085550100", "+447700900123", "+10086"])
def test_phone_for_codes_must_be_a_mobile(accounts: StaffAccounts, phone: str):
    number = Msisdn(phone)
    assert refusal(accounts.add, "bo", Role.OPERATOR, PASSWORD, BOSS, phone=number) == "phone"
    accounts.add("bo", Role.OPERATOR, PASSWORD, BOSS)
    assert refusal(accounts.set_phone, "bo", number, BOSS) == "phone"
    assert accounts.set_phone("bo", Msisdn(GUANGDONG), BOSS).phone == GUANGDONG


def test_name_is_given_once(accounts: StaffAccounts):
    accounts.add("bo", Role.OPERATOR, PASSWORD, BOSS)
    assert refusal(accounts.add, "BO", Role.AUDITOR, PASSWORD, BOSS) == "exists"
    assert accounts.found("bo").role is Role.OPERATOR


def test_right_password_alone_verifies(accounts: StaffAccounts):
    accounts.add("bo", Role.OPERATOR, PASSWORD, BOSS)
    found = accounts.verified(" Bo ", PASSWORD)
    assert found is not None
    assert found.name == "bo"
    for name, password in (("bo", PASSWORD + "x"), ("bo", ""), ("an", PASSWORD), ("", PASSWORD)):
        assert accounts.verified(name, password) is None
    accounts.add("an", Role.OPERATOR, PASSWORD, BOSS)
    accounts.disable("bo", BOSS)
    assert accounts.verified("bo", PASSWORD) is None
    accounts.enable("bo", BOSS)
    assert accounts.verified("bo", PASSWORD) is not None


def test_unknown_name_costs_one_verification_too(built: Container):
    calls: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, digest: object, password: object) -> bool:  # type: ignore[override]
            calls.append(str(digest)[:10])
            return bool(super().verify(digest, password))  # type: ignore[arg-type]

    accounts = StaffAccounts(built.clients.staff, built.clock, Counting(1, 64, 1))
    accounts.add("bo", Role.OPERATOR, PASSWORD, BOSS)
    for name in ("bo", "unknown", "no name at all!"):
        calls.clear()
        assert accounts.verified(name, "a wrong password") is None
        assert calls == ["$argon2id$"]


def test_digest_is_renewed_when_the_parameters_change(accounts: StaffAccounts, built: Container):
    before = accounts.add("bo", Role.OPERATOR, PASSWORD, BOSS)
    stronger = StaffAccounts(built.clients.staff, built.clock, PasswordHasher(2, 128, 1))
    assert stronger.verified("bo", "a wrong password") is None
    assert accounts.found("bo") == before
    assert stronger.verified("bo", PASSWORD) is not None
    after = accounts.found("bo")
    assert "m=128,t=2" in after.password_digest
    assert after.generation == before.generation
    assert stronger.verified("bo", PASSWORD) == after


def test_new_password_ends_sessions_and_the_old_one(accounts: StaffAccounts):
    before = accounts.add("bo", Role.OPERATOR, PASSWORD, BOSS, must_change=True)
    assert refusal(accounts.set_password, "bo", PASSWORD, Person("bo")) == "same_password"
    after = accounts.set_password("bo", "another-long-phrase", Person("bo"))
    assert (after.generation, after.must_change) == (before.generation + 1, False)
    assert accounts.verified("bo", PASSWORD) is None
    assert accounts.verified("bo", "another-long-phrase") is not None


def test_unknown_accounts_are_refused(accounts: StaffAccounts):
    for act in (accounts.disable, accounts.enable, accounts.revoke_sessions):
        assert refusal(act, "no-such-name", BOSS) == "unknown"
    assert refusal(accounts.set_password, "no-such-name", PASSWORD, BOSS) == "unknown"
    assert refusal(accounts.set_phone, "no-such-name", None, BOSS) == "unknown"


def test_last_operator_and_the_own_account_stay(accounts: StaffAccounts, built: Container):
    accounts.add("an", Role.OPERATOR, PASSWORD, BOSS)
    accounts.add("au", Role.AUDITOR, PASSWORD, BOSS)
    assert refusal(accounts.disable, "an", BOSS) == "last_operator"
    accounts.add("bo", Role.OPERATOR, PASSWORD, BOSS)
    assert refusal(accounts.disable, "an", Person("an")) == "own_account"
    assert accounts.disable("an", Person("bo")).disabled_at == built.clock.now()
    assert refusal(accounts.disable, "bo", BOSS) == "last_operator"
    assert accounts.disable("au", BOSS).disabled_at
    # A second time changes no account and adds no line.
    logged = len(acts(built))
    accounts.disable("an", Person("bo"))
    assert len(acts(built)) == logged


@pytest.mark.parametrize("_", range(5))
def test_two_operators_who_disable_each_other_leave_one(built: Container, _: int):
    accounts = StaffAccounts(built.clients.staff, built.clock, FAST)
    names = ("an", "bo")
    for name in names:
        accounts.add(name, Role.OPERATOR, PASSWORD, BOSS)
    gate, results = threading.Barrier(2), []

    def disable(victim: str, by: str) -> None:
        gate.wait()
        try:
            accounts.disable(victim, Person(by))
            results.append("done")
        except StaffRefusedError as refused:
            results.append(refused.key)

    threads = [threading.Thread(target=disable, args=pair) for pair in (names, names[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["done", "last_operator"]
    assert sum(not each.disabled_at for each in accounts.all()) == 1


def test_change_and_its_line_of_the_log_are_one_write(
    accounts: StaffAccounts, built: Container, monkeypatch: pytest.MonkeyPatch
):
    accounts.add("bo", Role.OPERATOR, PASSWORD, BOSS)
    connection = built.clients.connection
    run, writes = connection.execute, []

    def counting(*commands: tuple[object, ...]) -> list[object]:
        writes.extend(command[0] for command in commands if command[0] not in {"GET", "MGET"})
        return run(*commands)

    monkeypatch.setattr(connection, "execute", counting)
    accounts.revoke_sessions("bo", BOSS)
    assert writes == ["EVALSHA"]
    assert acts(built)[0].act == "sessions_revoked"


def test_each_refusal_has_a_sentence_in_both_languages():
    for key in refusals():
        params = {"name": "bo", "chars": "12"}
        zh, en = (refusals().render(key, language, **params) for language in ("zh", "en"))
        assert zh != en
