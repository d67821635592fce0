"""Settings, metrics, paths, addresses and names in documents exist in the product."""

import re
from functools import cache
from pathlib import Path

import pytest

from app.metrics.catalogue import described_metrics
from tests.rules.documents.pages import PAGES, ROOT, blocks, inline_code, name
from tests.rules.documents.settings import known, simulated_settings, source

#: Words of others that look like a setting, an address or a name of the code.
FOREIGN = {
    "/cgi-bin/sendsms": "Kannel",
    "/metrics": "Prometheus' page, on a port of its own",
    "/demo": "the demo's area, which routes.txt leaves out",
    "/api/account": "the simulated network's",
    "/demo/": "the same",
    "/": "the front page",
}
_SETTING = re.compile(r"\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(_?…)?(?![a-z(])")
_METRIC = re.compile(r"\bsms_receipt_[a-z_]+[a-z]")
_ADDRESS = re.compile(r"(?:(?:GET|POST) |PUBLIC_URL)?(/[a-z-]*(?:/[\w<>:.-]*)*)(?:[?#].*)?")
_PATH = re.compile(r"((?:app|callbacks|commands|deploy|docs|ivr|keywords|receipts|requirements|"
                   r"simulator|statemachines|tests|tools|web)/[\w./-]*)")  # fmt: skip
_CODE_NAME = re.compile(r"[a-z]+(?:_[a-z0-9]+)+|[A-Z][a-z]+(?:[A-Z][a-z]+)+")
_OPTION = re.compile(r"(--[a-z-]+)(?:[ =].*)?")
_PLACEHOLDERS = ("NAME", "PAGE", "SERIAL", "XX")
#: Kinds of metrics have these behind their names.
_SERIES = ("", "_total", "_bucket", "_count", "_sum")


def _fits_a_route(address: str) -> bool:
    return any(route.fullmatch(address.rstrip("/") or "/") for route in _routes())


@cache
def _routes() -> tuple[re.Pattern[str], ...]:
    rows = (ROOT / "tests/contracts/routes.txt").read_text().splitlines()[1:]
    paths = [row.split()[0].rstrip("/") or "/" for row in rows]
    real = [path for path in paths if "<path:" not in path]
    return tuple(re.compile(re.sub(r"<[^>]+>", "[^/]+", path)) for path in real)


@cache
def _exists(metric: str) -> bool:
    plain = metric.removeprefix("sms_receipt_")
    return any(
        plain.removesuffix(end) in described_metrics() for end in _SERIES if plain.endswith(end)
    )


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_settings_of_a_page_exist(page: Path) -> None:
    found = {
        each[1] for code in inline_code(page) for each in _SETTING.finditer(code) if not each[2]
    }
    unknown = {each for each in found if not known(each) and each not in source()}
    assert unknown == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_metrics_of_a_page_exist(page: Path) -> None:
    found = set(_METRIC.findall(page.read_text()))
    assert {each for each in found if not _exists(each)} == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_paths_of_a_page_exist(page: Path) -> None:
    found = [match[1] for code in inline_code(page) if (match := _PATH.fullmatch(code))]
    real = [each for each in found if not any(word in each for word in _PLACEHOLDERS)]
    assert [each for each in real if not (ROOT / each).exists() and not _within(each)] == []


def _within(path: str) -> bool:
    """Whether a path is part of a longer one, as ``staff/page.html`` of its templates."""
    return any(
        str(each).endswith(f"/{path}") for each in (ROOT / "web").rglob(path.rpartition("/")[2])
    )


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_addresses_of_a_page_are_routes(page: Path) -> None:
    found = [match[1] for code in inline_code(page) if (match := _ADDRESS.fullmatch(code))]
    own = [
        each for each in found if each not in FOREIGN and not each.startswith(("/etc/", "/var/"))
    ]
    assert [each for each in own if not _fits_a_route(each)] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_names_and_options_of_a_page_occur_in_the_code(page: Path) -> None:
    codes = inline_code(page)
    names = [each for each in codes if _CODE_NAME.fullmatch(each) and not _METRIC.match(each)]
    options = [match[1] for each in codes if (match := _OPTION.fullmatch(each))]
    assert [each for each in (*names, *options) if each not in source()] == []


def test_settings_in_configurations_exist() -> None:
    """Settings that comments of configuration files name."""
    texts = [(ROOT / "ngrok.yml").read_text(), (ROOT / "deploy/nginx.conf").read_text()]
    texts += [block.text for block in blocks() if block.kind in {"sh", "console", "env"}]
    found = {each for text in texts for each in re.findall(r"\b([A-Z]+(?:_[A-Z]+)+)=", text)}
    assert {each for each in found if not known(each)} == set()
    assert "NETWORK_PORT" in simulated_settings()


@pytest.mark.parametrize("metric", ["sms_receipt_reprots_total", "sms_receipt_outbox_seconds"])
def test_unknown_metric_is_found(metric: str) -> None:
    assert not _exists(metric)


@pytest.mark.parametrize("address", ["/hall/passwrod", "/console/rulebooks", "/feed"])
def test_unknown_address_is_found(address: str) -> None:
    assert not _fits_a_route(address)
