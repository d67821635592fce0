"""A wrong setting is refused in one sentence: exit status 2, and no stack trace."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.settings import Settings
from commands.main import main
from tests.support.product import UNSET, Service, command, two_free_ports, until

SECRET = "hunter2hunter2hunter2"
DOORS = {
    "PUBLIC_URL": "https://sms.example.org",
    "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
    "TWILIO_AUTH_TOKEN": SECRET,
}
SENDING = DOORS | {
    "TWILIO_FROM": "7500", "KANNEL_URL": "http://127.0.0.1:9", "KANNEL_USER": "user",
    "KANNEL_PASSWORD": SECRET, "KANNEL_SECRET": SECRET,
}  # fmt: skip


def refusal(*words: str, **settings: str) -> list[str]:
    """Return the refusal of a command, run in this process for speed."""
    result = CliRunner().invoke(main, words, env=UNSET | settings)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 2
    assert SECRET not in result.output
    assert result.stdout == ""
    return result.stderr.splitlines()


@pytest.mark.parametrize("words", [("serve",), ("work",), ("demo", "--port", "18000")])
def test_refusal_has_exit_status_2_and_no_stack_trace(tmp_path: Path, words: tuple[str, ...]):
    result = command(*words, DATA_DIR=str(tmp_path), SHARDS="many", **SENDING)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "sms-receipt: SHARDS=many must be a whole number from 1 to 4096\n"


@pytest.mark.parametrize(
    ("word", "missing"),
    [
        *(("serve", name) for name in DOORS),
        *(("work", n) for n in SENDING if n.startswith("KANNEL_") and n != "KANNEL_URL"),
        ("work", "TWILIO_AUTH_TOKEN"),
    ],
)
def test_missing_secret_is_named(tmp_path: Path, word: str, missing: str):
    given = DOORS if word == "serve" else SENDING
    settings = {name: value for name, value in given.items() if name != missing}
    (line,) = refusal(word, DATA_DIR=str(tmp_path), **settings)
    either = f"Set {missing}, or both TWILIO_API_KEY and TWILIO_API_SECRET."
    assert line in {f"sms-receipt: {missing} is required but not set.", f"sms-receipt: {either}"}


def test_all_missing_settings_are_named_at_once(tmp_path: Path):
    lines = refusal("serve", DATA_DIR=str(tmp_path))
    assert len(lines) == len(DOORS)
    for name, line in zip(DOORS, lines, strict=True):
        assert name in line


@pytest.mark.parametrize(
    "setting",
    [
        "REDIS_URL=127.0.0.1:6379", "REDIS_URL=http://127.0.0.1:6379",
        "REDIS_URL=redis://127.0.0.1:port/0", "PUBLIC_URL=sms.example.org",
        "PUBLIC_URL=http://[::1", "PUBLIC_URL=http://sms.example.org:99999",
        "TWILIO_API_URL=ftp://example.org", "KANNEL_URL=http://example.org:port",
        "KANNEL_SECRET=100% secret", "SHARDS=0", "SHARDS=many", "PORT=70000", "CLOCK=fast",
        "LOG_FORMAT=xml", "TEXT_PROVIDER=pigeon", "TEXT_PROVIDER=kannel,pigeon",
        "TEXT_PROVIDER=kannel,twilio,kannel", "FLASH_PROVIDER=lightning", "FLASH_PROVIDER=,",
        "TWILIO_PACE=0", "KANNEL_PACE=1.5", "AGENT_NUMBER=abc", "AGENT_NUMBER=+86 20 8555 0100",
        "AGENT_NUMBER=sip:desk@example.org", "HOTLINE=ten", "HOTLINE=１００８６",
        "SHORT_CODE=75 00", "SHORT_CODE=7", "PUBLIC_URL=https://sms.example.org/#x",
        "PUBLIC_URL=https://sms.example/#",
        "PUBLIC_URL=https://sms.example.org/?", "PUBLIC_URL=https://sms example.org",
        "PUBLIC_URL=https://sms.example.org/a b", "PUBLIC_URL=https://sms.example.org\\x",
        "PUBLIC_URL=https://sms.example.org:0", "PUBLIC_URL=https://sms..example.org",
        "PUBLIC_URL=https://10.0.0.256", "FRONT_PAGE=phones", "TWILIO_LOOKUP_URL=lookups",
        "HOST=0.0.0.0:8000", "HOST=my host", "HOST=999.1.1.1", "TWILIO_ACCOUNT_SID=SK12",
        "TWILIO_AUTH_TOKEN=,", "TWILIO_AUTH_TOKEN=hunter2 hunter2", "TWILIO_API_KEY=AC12",
        "TWILIO_FROM=SMS Receipt 2", "TWILIO_FROM=8613802880000", "TWILIO_FROM=回执",
        "TWILIO_MESSAGING_SERVICE_SID=7500", "KANNEL_USER=用户", "KANNEL_PASSWORD=口令",
        "KANNEL_SMSC=line one", "FEED_SECRET=口令", "SECRET_KEY=short", "LOOKUP=yes",
        "DATA_DIR=/dev/null", "RULE_BOOK=/dev",
    ],
)  # fmt: skip
def test_invalid_setting_is_named_in_one_line(tmp_path: Path, setting: str):
    name, value = setting.split("=")
    given = {"DATA_DIR": str(tmp_path), "TWILIO_API_SECRET": "s" if "API_KEY" in name else ""}
    (line,) = refusal("show", "13802880000", **(given | {name: value}))
    subject, _, rule = line.partition(" must ")
    assert subject in {f"sms-receipt: {name}", f"sms-receipt: {name}={value}"}
    assert re.match(r"be |not hold |hold ", rule)


@pytest.mark.parametrize("given", ["TWILIO_API_KEY=SK12", f"TWILIO_API_SECRET={SECRET}"])
def test_key_without_its_secret_is_refused(tmp_path: Path, given: str):
    name, value = given.split("=")
    (line,) = refusal("show", "13802880000", DATA_DIR=str(tmp_path), **{name: value})
    assert line.endswith(f"is not set, but {name} needs it: set both or neither")


@pytest.mark.parametrize(
    "setting",
    [
        "PUBLIC_URL=https://sms.example.org:8443/receipts/v1/", "PUBLIC_URL=http://[::1]:8000",
        "PUBLIC_URL=https://中文.example", "PUBLIC_URL=http://my_proxy", "HOST=::",
        "HOST=localhost",
        "AGENT_NUMBER=+862085550100", "AGENT_NUMBER=10086", "HOTLINE=+864008100000",
        "SHORT_CODE=106575007500", "TWILIO_FROM=SMS Receipt", "TWILIO_FROM=75001",
        "TWILIO_MESSAGING_SERVICE_SID=MG0123456789abcdef0123456789abcdef",
        "TWILIO_AUTH_TOKEN=new, old ,", "REDIS_URL=redis://127.0.0.1:1, redis://127.0.0.1:2",
    ],
)  # fmt: skip
def test_valid_setting_is_read(setting: str):
    name, value = setting.split("=")
    assert Settings.read({"HOME": "/", name: value})


def test_missing_rule_book_is_named(tmp_path: Path):
    (line,) = refusal("provinces", "check", RULE_BOOK=str(tmp_path / "no-book.toml"))
    assert "no-book.toml" in line


def test_unreachable_store_is_reported_in_one_line(tmp_path: Path):
    (line,) = refusal(
        "show", "13802880000", DATA_DIR=str(tmp_path), REDIS_URL="redis://127.0.0.1:9/0"
    )
    assert "the store did not answer" in line


@pytest.mark.parametrize(
    "line",
    [
        "show 13802880000", "receipts 13802880000", "charges 13802880000", "consent 13802880000",
        "trail 13802880000 13957112345 SM1", "export charges --month 2026-11",
        "export audit --month 2026-11", "bill --month 2026-11", "customers import rulebook.toml",
        "reconcile", "unsure", "doctor",
    ],
)  # fmt: skip
def test_command_without_a_store_creates_no_file_and_says_how_to_start(
    tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rulebook.toml").touch()
    result = CliRunner().invoke(main, line, env=UNSET | {"CLOCK": "movable"})
    assert result.exit_code == 1, result.output
    assert f"No store runs in DATA_DIR={tmp_path}/var. " in result.output
    assert "`make run` or `sms-receipt serve`" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["rulebook.toml"]


@pytest.mark.parametrize("words", [("show", "13802880000"), ("serve",), ("demo",)])
def test_unusable_data_folder_is_reported_in_one_line(tmp_path: Path, words: tuple[str, ...]):
    taken = tmp_path / "a file"
    taken.touch()
    (line,) = refusal(*words, **DOORS, DATA_DIR=str(taken), PORT="18000")
    assert "a file" in line
    assert "DATA_DIR" in line


@pytest.mark.parametrize(
    "line",
    [
        "show 123", "show 10086", "receipts 13802880000 --limit -1",
        "charges 13802880000 --month last", "charges 13802880000 --month 2026-13",
        "demo --port 0", "demo --port 65535", "demo --port 99999", "serve --workers 0",
        "provinces show CN-XX", "clock tomorrow", "clock +99999999999d", "clock 9999-12-31",
    ],
)  # fmt: skip
def test_invalid_argument_is_refused(tmp_path: Path, line: str):
    assert refusal(*line.split(), DATA_DIR=str(tmp_path), CLOCK="movable", **DOORS)


def test_port_in_use_is_named_by_demo_and_serve(service: Service, tmp_path: Path):
    (line,) = refusal("demo", "--port", str(service.port), DATA_DIR=str(tmp_path))
    assert f"127.0.0.1:{service.port}" in line
    assert "--port" in line
    (line,) = refusal("serve", DATA_DIR=str(tmp_path), PORT=str(service.port), **DOORS)
    assert "set another PORT" in line
    assert f"PORT={service.port}" in line


def test_metrics_port_in_use_is_named_by_demo_and_serve(service: Service, tmp_path: Path):
    taken = {"METRICS_PORT": str(service.metrics_port), "DATA_DIR": str(tmp_path / "data")}
    until(lambda: service.metrics, why="the metrics")
    for words in (("demo", "--port", str(two_free_ports())), ("serve",)):
        (line,) = refusal(*words, **DOORS, PORT=str(two_free_ports()), **taken)
        assert "METRICS_PORT" in line
        assert str(service.metrics_port) in line


def test_folder_in_use_is_named_with_its_process(service: Service):
    saved = service.folder / "demo.env"
    before = saved.read_text()
    folder, owner = str(service.folder), str(service.pid("demo"))
    free = two_free_ports()
    (line,) = refusal("demo", "--port", str(free), DATA_DIR=folder)
    assert f"in use by process {owner}. Stop that process" in line
    assert f"DATA_DIR={folder}-{free} sms-receipt demo --port {free}" in line
    assert saved.read_text() == before
    (line,) = refusal("serve", DATA_DIR=folder, PORT=str(free), **DOORS)
    assert f"in use by process {owner}. Stop that process, or set DATA_DIR" in line
