"""Settings that the demo generates, saves, and shares with commands in another terminal."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from commands.demo import DemoError, running_settings, settings_for, settings_shared

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


def beside(folder: Path, **environ: str) -> tuple[dict[str, str], list[str]]:
    """Settings that a command beside a demo takes from its file, and the sentences it prints."""
    said: list[str] = []
    return running_settings({"DATA_DIR": str(folder)} | environ, said.append), said


def test_command_in_another_terminal_gets_the_settings_of_the_demo(tmp_path: Path):
    given = {"RULE_BOOK": "book.toml", "SHARDS": "4", "HOTLINE": "10088", "SHORT_CODE": "7501"}
    environ = {"DATA_DIR": str(tmp_path)} | given
    settings_for(environ, 7500)
    with settings_shared(environ):
        found, said = beside(tmp_path)
    assert given.items() <= found.items()
    assert found["CLOCK"] == "movable"
    assert "DATA_DIR" not in found
    assert said == [f"using the running demo's settings at {tmp_path / 'demo.env'}"]


def test_settings_of_an_ended_demo_are_not_used(tmp_path: Path):
    settings_for({"DATA_DIR": str(tmp_path)}, 7500)
    with settings_shared({"DATA_DIR": str(tmp_path)}):
        pass
    assert beside(tmp_path) == ({}, [])


@pytest.mark.parametrize(
    "name",
    [
        "REDIS_URL", "PUBLIC_URL", "TWILIO_ACCOUNT_SID", "TWILIO_API_KEY", "TWILIO_API_URL",
        "TWILIO_PACE", "KANNEL_URL", "KANNEL_SECRET", "FEED_SECRET", "SECRET_KEY",
        "CONSENT_SIGNING_KEY", "LOOKUP",
    ],
)  # fmt: skip
def test_real_settings_never_mix_with_those_of_a_demo(tmp_path: Path, name: str):
    settings_for({"DATA_DIR": str(tmp_path)}, 7500)
    with settings_shared({"DATA_DIR": str(tmp_path)}):
        found, said = beside(tmp_path, **{name: "1"})
        assert beside(tmp_path, HOTLINE="10010")[0]
    assert found == {}
    assert said[0].endswith(f"are not used: {name} is set")


def test_only_names_of_settings_are_taken(tmp_path: Path):
    saved = tmp_path / "demo.env"
    settings_for({"DATA_DIR": str(tmp_path)}, 7500)
    planted = (
        "PYTHONPATH=/tmp/x",
        "LD_PRELOAD=x.so",
        "PATH=.",
        "DATA_DIR=/",
        "HTTPS_PROXY=http://x",
    )
    with saved.open("a") as file:
        file.write("\n".join((*planted, "HOTLINE=1\x002", "a line", "=", "CLOCK=movable\n")))
    with settings_shared({"DATA_DIR": str(tmp_path)}):
        found, _ = beside(tmp_path)
    assert not {line.partition("=")[0] for line in planted} & found.keys()
    assert "HOTLINE" not in found
    assert found["CLOCK"] == "movable"


def _linked(saved: Path) -> None:
    saved.rename(saved.with_name("elsewhere.env"))
    saved.symlink_to("elsewhere.env")


def _piped(saved: Path) -> None:
    saved.unlink()
    os.mkfifo(saved, 0o600)


def _folder(saved: Path) -> None:
    saved.unlink()
    saved.mkdir(mode=0o600)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda saved: saved.chmod(0o644), lambda saved: saved.chmod(0o660),
        lambda saved: saved.chmod(0o602), _linked, _piped, _folder,
    ],
)  # fmt: skip
def test_file_that_others_can_change_is_not_used(tmp_path: Path, spoil: Callable[[Path], None]):
    saved = tmp_path / "demo.env"
    settings_for({"DATA_DIR": str(tmp_path)}, 7500)
    with settings_shared({"DATA_DIR": str(tmp_path)}):
        spoil(saved)
        found, (said,) = beside(tmp_path)
    assert found == {}
    assert said.startswith(f"the settings at {saved} are not used: ")


def test_file_of_another_user_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    settings_for({"DATA_DIR": str(tmp_path)}, 7500)
    with settings_shared({"DATA_DIR": str(tmp_path)}):
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        found, said = beside(tmp_path)
    assert found == {}
    assert said[0].endswith("are not used: it belongs to another user")


def test_planted_file_beside_a_running_demo_is_not_used(tmp_path: Path):
    settings_for({"DATA_DIR": str(tmp_path)}, 7500)
    with settings_shared({"DATA_DIR": str(tmp_path)}):
        planted = tmp_path / "planted"
        planted.touch(0o600)
        planted.write_text("CLOCK=movable\n")
        planted.replace(tmp_path / "demo.env")
        assert beside(tmp_path) == ({}, [])


def test_given_setting_wins(tmp_path: Path):
    made = settings_for({"DATA_DIR": str(tmp_path), "KANNEL_USER": "mine", "CLOCK": "system"}, 7500)
    assert (made["KANNEL_USER"], made["CLOCK"]) == ("mine", "system")


def test_unusable_folder_is_named(tmp_path: Path):
    taken = tmp_path / "a file"
    taken.touch()
    with pytest.raises(DemoError, match=r"DATA_DIR=.*a file cannot be used"):
        settings_for({"DATA_DIR": str(taken)}, 7500)
