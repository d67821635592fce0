"""Settings that the demo generates, saves, and shares with commands in another terminal."""

from pathlib import Path

import pytest

from commands.demo import DemoError, saved_settings, settings_for

SECRETS = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "KANNEL_PASSWORD", "KANNEL_SECRET")


@pytest.mark.parametrize(
    "more", [{}, {"REDIS_URL": "redis://127.0.0.1:6379/0"}], ids=["own", "url"]
)
def test_secrets_are_generated_once_for_a_folder(tmp_path: Path, more: dict[str, str]):
    environ = {"DATA_DIR": str(tmp_path)} | more
    first, again = settings_for(environ, 7500), settings_for(environ, 7600)
    assert {name: first[name] for name in SECRETS} == {name: again[name] for name in SECRETS}
    assert all(first[name] for name in SECRETS)


def test_two_folders_share_no_secret(tmp_path: Path):
    one, two = (settings_for({"DATA_DIR": str(tmp_path / name)}, 7500) for name in ("a", "b"))
    assert not {one[name] for name in SECRETS} & {two[name] for name in SECRETS}


def test_command_in_another_terminal_gets_the_settings_of_the_demo(tmp_path: Path):
    given = {"RULE_BOOK": "book.toml", "SHARDS": "4", "HOTLINE": "10088", "SHORT_CODE": "7501"}
    settings_for({"DATA_DIR": str(tmp_path)} | given, 7500)
    found = saved_settings({"DATA_DIR": str(tmp_path)})
    assert given.items() <= found.items()
    assert found["CLOCK"] == "movable"
    assert "DATA_DIR" not in found


def test_command_with_its_own_store_gets_no_settings_of_the_demo(tmp_path: Path):
    settings_for({"DATA_DIR": str(tmp_path)}, 7500)
    assert (
        saved_settings({"DATA_DIR": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:6379/0"}) == {}
    )


def test_given_setting_wins(tmp_path: Path):
    made = settings_for({"DATA_DIR": str(tmp_path), "KANNEL_USER": "mine", "CLOCK": "system"}, 7500)
    assert (made["KANNEL_USER"], made["CLOCK"]) == ("mine", "system")


def test_unusable_folder_is_named(tmp_path: Path):
    taken = tmp_path / "a file"
    taken.touch()
    with pytest.raises(DemoError, match=r"DATA_DIR=.*a file cannot be used"):
        settings_for({"DATA_DIR": str(taken)}, 7500)
