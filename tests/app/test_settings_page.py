"""docs/settings.md and .env.example name every setting, with its true default."""

import inspect
import re
from pathlib import Path

from app.settings import (
    LISTS,
    NUMBERS_FROM_0,
    OWN_ADDRESSES,
    WHOLE_NUMBERS,
    Settings,
    described_settings,
)
from app.settings_page import env_example, page
from app.settings_reader import SECRETS, SHAPES, SettingsReader

ROOT = Path(__file__).parents[2]

#: A variable that is no setting: an empty environment would mean this process's own.
NO_SETTINGS = {"HOME": "/"}


def test_pages_are_current():
    assert (ROOT / "docs" / "settings.md").read_text() == page(), "run `make settings`"
    assert (ROOT / ".env.example").read_text() == env_example(), "run `make settings`"


def test_every_setting_is_described_once():
    read = {
        *re.findall(r'"([A-Z][A-Z_]+)"', inspect.getsource(Settings.read)),
        *re.findall(r'"([A-Z][A-Z_]+)"', inspect.getsource(SettingsReader.folders)),
        *SHAPES,
        *SECRETS,
        *WHOLE_NUMBERS,
        *NUMBERS_FROM_0,
        *LISTS,
        *OWN_ADDRESSES,
    }
    assert sorted(setting.name for setting in described_settings()) == sorted(read)


def test_env_example_names_exactly_the_settings():
    names = re.findall(r"(?m)^([A-Z_]+)=", (ROOT / ".env.example").read_text())
    assert names == [setting.name for setting in described_settings()]


def test_env_example_has_no_secret_and_changes_no_setting():
    pairs = dict(re.findall(r"(?m)^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text()))
    assert Settings.read(NO_SETTINGS | pairs) == Settings.read(NO_SETTINGS)
    assert not any(pairs[name] for name in pairs if re.search("SECRET|PASSWORD|TOKEN|KEY", name))
