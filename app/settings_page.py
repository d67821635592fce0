"""`make settings`: docs/settings.md and .env.example, made of the descriptions in settings.py."""

import re
import sys
import textwrap
from itertools import groupby
from operator import attrgetter

from app.settings import described_settings

_PAGE_HEAD = """\
# Settings

Settings are environment variables. Every process reads them once, at its start, and refuses wrong
values there. An empty value counts as unset. No secret has a default: without its secret, an
endpoint refuses every request.

Copy [.env.example](../.env.example) to `.env`, fill it in, and load it with
`set -a; . ./.env; set +a`. `make settings` writes both files from `app/setting_descriptions.txt`;
a test keeps them current.
"""

_ENV_HEAD = """\
# Settings of SMS Receipt, explained in docs/settings.md. Copy this file to .env, fill it in and
# load it: set -a; . ./.env; set +a
#
# A first try with a Twilio number (README.md) needs PUBLIC_URL, TWILIO_ACCOUNT_SID,
# TWILIO_AUTH_TOKEN, TWILIO_FROM, TWILIO_PACE, HOTLINE, SHORT_CODE and TRIAL_PEOPLE."""


def page() -> str:
    """Return docs/settings.md."""
    lines = [_PAGE_HEAD]
    for group, settings in groupby(described_settings(), attrgetter("group")):
        lines += [f"## {group}", "", "| setting | default | meaning |", "|---|---|---|"]
        for setting in settings:
            default = f"`{setting.default}`" if setting.default else "–"
            lines.append(f"| `{setting.name}` | {default} | {setting.meaning} |")
        lines.append("")
    return "\n".join(lines)


def env_example() -> str:
    """Return .env.example: every setting with its meaning and default, secrets empty."""
    lines = [_ENV_HEAD]
    for group, settings in groupby(described_settings(), attrgetter("group")):
        lines += ["", f"# ---- {group} ----"]
        for setting in settings:
            meaning = re.sub(r"\[(.*?)\]\(\1\)", r"docs/\1", re.sub(r"[`*]", "", setting.meaning))
            lines += textwrap.wrap(
                meaning, 96, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
            )
            lines.append(f"{setting.name}={setting.default}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(env_example() if sys.argv[1:] == ["--env"] else page())
