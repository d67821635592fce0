"""What the demo invents for itself, keeps, and lends to commands in another terminal."""

from pathlib import Path

import pytest

from commands.demo import DemoError, lent, settings_for

SECRETS = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "KANNEL_PASSWORD", "KANNEL_SECRET")


@pytest.mark.parametrize(
    "more", [{}, {"REDIS_URL": "redis://127.0.0.1:6379/0"}], ids=["own", "url"]
)
def test_secrets_are_made_once_a_folder_whatever_the_store(
    tmp_path: Path, more: dict[str, str]
) -> None:
    environ = {"DATA_DIR": str(tmp_path)} | more
    first, again = settings_for(environ, 7500), settings_for(environ, 7600)
    assert {name: first[name] for name in SECRETS} == {name: again[name] for name in SECRETS}
    assert all(first[name] for name in SECRETS)


def test_no_two_folders_share_a_secret(tmp_path: Path) -> None:
    one, two = (settings_for({"DATA_DIR": str(tmp_path / name)}, 7500) for name in ("a", "b"))
    assert not {one[name] for name in SECRETS} & {two[name] for name in SECRETS}


def test_a_command_in_another_terminal_is_lent_what_the_demo_was_told(tmp_path: Path) -> None:
    told = {"RULE_BOOK": "book.toml", "SHARDS": "4", "HOTLINE": "10088", "SHORT_CODE": "7501"}
    settings_for({"DATA_DIR": str(tmp_path)} | told, 7500)
    found = lent({"DATA_DIR": str(tmp_path)})
    assert told.items() <= found.items()
    assert found["CLOCK"] == "movable"
    assert "DATA_DIR" not in found


def test_nothing_is_lent_to_a_command_with_a_store_of_its_own(tmp_path: Path) -> None:
    settings_for({"DATA_DIR": str(tmp_path)}, 7500)
    assert lent({"DATA_DIR": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:6379/0"}) == {}


def test_what_is_set_already_wins(tmp_path: Path) -> None:
    made = settings_for({"DATA_DIR": str(tmp_path), "KANNEL_USER": "mine", "CLOCK": "system"}, 7500)
    assert (made["KANNEL_USER"], made["CLOCK"]) == ("mine", "system")


def test_a_folder_that_cannot_be_used_is_told_by_name(tmp_path: Path) -> None:
    taken = tmp_path / "a file"
    taken.touch()
    with pytest.raises(DemoError, match=r"DATA_DIR=.*a file cannot be used"):
        settings_for({"DATA_DIR": str(taken)}, 7500)
