"""The names that documents may use: settings, metrics, paths, addresses, names of the code."""

import re
from functools import cache
from pathlib import Path

from app.settings import described_settings
from tests.rules.documents.pages import ROOT

SETTINGS = frozenset(each.name for each in described_settings())

#: Variables of other programs that a document sets.
OTHERS = {
    "TEST_START": "the tests",
    "PYTHON": "the Makefile",
    "START_SMSBOX": "Debian's Kannel",
    "START_WAPBOX": "Debian's Kannel",
    "SOURCE_DATE_EPOCH": "reproducible builds",
    "OTEL_EXPORTER_OTLP_HEADERS": "the OpenTelemetry SDK",
    "OTEL_SERVICE_NAME": "the same",
    "OTEL_TRACES_SAMPLER": "the same",
    "OTEL_TRACES_SAMPLER_ARG": "the same",
}


@cache
def product() -> str:
    """All text of the product: the code and its tables."""
    folders = (
        "app",
        "callbacks",
        "commands",
        "ivr",
        "keywords",
        "receipts",
        "statemachines",
        "web",
    )
    return "\n".join(path.read_text() for folder in folders for path in _texts(ROOT / folder))


def _texts(folder: Path) -> list[Path]:
    kinds = {".pyc", ".bin", ".png", ".md", ".backup", ".zdict"}
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix not in kinds]


@cache
def source() -> str:
    """All text of the repository but its documents: the code, its tables, its tests, its tools."""
    files = [
        *(path for folder in ("simulator", "tests", "tools") for path in _texts(ROOT / folder)),
        *((ROOT / each) for each in ("Makefile", "pyproject.toml", "ngrok.yml")),
        *(path for path in (ROOT / "deploy").rglob("*") if path.is_file()),
        *(ROOT / "docs").glob("*.example"),
    ]
    return "\n".join([product(), *(path.read_text() for path in files)])


@cache
def simulated_settings() -> frozenset[str]:
    """The settings of the simulated network, as its own code names them."""
    text = "".join(p.read_text() for p in (ROOT / "simulator").rglob("*.py"))
    return frozenset(re.findall(r'"([A-Z]+_[A-Z_]+)"', text))


def known(setting: str) -> bool:
    return setting in SETTINGS or setting in OTHERS or setting in simulated_settings()


def check_settings(text: str) -> None:
    """Each ``NAME=`` in a text is a setting of the service or a variable of another program."""
    named = re.findall(r"(?m)^(?:export )?([A-Z][A-Z0-9_]*)=", text)
    assert [each for each in named if not known(each)] == []
