"""Checks of addresses: PUBLIC_URL, HOST, the running web process, the providers."""

import datetime as dt
import ipaddress
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.rulebook.stored import rule_book_in_use
from app.settings import Settings
from commands.diagnostics.check import Check
from receipts.rulebook.diff import fingerprint
from receipts.rulebook.errors import RuleBookError

if TYPE_CHECKING:
    import requests

#: A larger difference to the provider's clock makes look-ups by time unsafe.
_CLOCK_TOLERANCE = dt.timedelta(minutes=2)

_TIMEOUTS_SECONDS = (3.05, 5)

#: Names that are never in the public DNS (RFC 6761, RFC 6762, RFC 8375).
_LOCAL_NAMES = (
    *(".localhost", ".local", ".internal", ".lan", ".home.arpa"),
    *(".test", ".invalid", ".example", ".onion"),
)

#: Of the 4,000 characters of an address that Twilio takes (error 21609), 200 are left for paths.
_LONGEST_URL = 3_800

_BOOK = re.compile(r'^sms_receipt_rule_book{fingerprint="(\w+)".*} 1\.0$', re.MULTILINE)


def check_addresses(settings: Settings) -> Iterator[Check]:
    """Check PUBLIC_URL, HOST and the web process behind them."""
    yield from check_public_url(settings)
    yield from check_listeners(settings)
    yield from _web_process(settings)


def check_listeners(settings: Settings) -> Iterator[Check]:
    """Tell of ports that other networks may reach."""
    if reach := _reach(settings.host):
        subject = f"HOST={settings.host}: `serve` listens on {reach}"
        if settings.trusted_proxies:
            yield Check(True, f"{subject}, with a reverse proxy (TRUSTED_PROXIES)")
        else:
            fix = f"set HOST=127.0.0.1, or let only the reverse proxy reach port {settings.port}"
            yield Check(True, subject, fix)
    if settings.inside_port and (reach := _reach(settings.inside_host)):
        subject = (
            f"INSIDE_HOST={settings.inside_host}: Kannel's requests and the feed are on {reach}"
        )
        only = f"let only Kannel and the message centre reach port {settings.inside_port}"
        yield Check(True, subject, f"set an address of the inside network, or {only}")


def _reach(host: str) -> str:
    """The addresses of a listener that other networks may reach, in words; empty if none."""
    if _is_open(host):
        return "all addresses of this machine"
    try:
        return "a public address" if ipaddress.ip_address(host.strip("[]")).is_global else ""
    except ValueError:
        return ""


def check_public_url(settings: Settings) -> Iterator[Check]:
    """Check that PUBLIC_URL is an address that Twilio can call, where there is an account."""
    url = settings.public_url
    if not url:
        return  # the settings for web requests have failed already
    subject, fix = f"PUBLIC_URL={url}", "set PUBLIC_URL to the https address that Twilio reaches"
    if for_simulated_network(settings):
        yield Check(True, f"{subject} is for the simulated network on this machine only")
    elif not settings.is_called_by_twilio:
        yield Check(True, f"{subject}: no Twilio account, so there are no calls; texts by Kannel")
    elif problem := public_url_problem(url):
        yield Check(False, f"{subject}: {problem}", fix)
    else:
        yield Check(True, f"{subject} is an address that Twilio takes")


def for_simulated_network(settings: Settings) -> bool:
    """Whether service and provider call each other on this machine only, as in the demo."""
    return _is_loopback(settings.public_url) and _is_loopback(settings.twilio_api_url)


def is_demo(settings: Settings) -> bool:
    """Whether these are the settings of the demo, whose account is simulated."""
    return bool(settings.demo_secret) and for_simulated_network(settings)


def public_url_problem(url: str, *, https_only: bool = True) -> str:
    """Why Twilio refuses or cannot call an address (error 21609); empty if it can."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        address = ipaddress.ip_address(host.rstrip("."))
    except ValueError:
        problem = _name_problem(host)
    else:
        problem = "" if address.is_global else f"{host} is a private or reserved address"
    if not problem and len(url) > _LONGEST_URL:
        problem = f"it has over {_LONGEST_URL} characters, and Twilio takes 4,000 with a path"
    if not problem and https_only and parts.scheme != "https":
        return (
            "http is readable on the way, customers' numbers and signatures too; it must be https"
        )
    return problem


def _name_problem(host: str) -> str:
    name = host.rstrip(".").casefold()
    if name == "localhost" or name.endswith(_LOCAL_NAMES):
        return f"{host} is a name of this machine or network only"
    if not name.isascii():
        written = name.encode("idna").decode() if _is_idna(name) else "its ASCII form xn--…"
        return f"{host} is not in ASCII: write {written}"
    if "_" in name:
        return f"{host} has an underscore, which Twilio refuses in a host"
    if "." not in name:
        return f"{host} has no dot: it is a name of the local network"
    return f"{host} ends with a dot: leave it out" if host.endswith(".") else ""


def _is_idna(name: str) -> bool:
    try:
        return bool(name.encode("idna"))
    except UnicodeError:
        return False


def _is_loopback(url: str) -> bool:
    return is_loopback_host(urlsplit(url).hostname or "")


def is_loopback_host(host: str) -> bool:
    """Whether a host, by name or address, is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_open(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return False


def _web_process(settings: Settings) -> Iterator[Check]:
    """Whether PUBLIC_URL leads to this service, or else where the way to it ends."""
    host = settings.host.strip("[]")
    if _is_open(host):
        host = "::1" if ":" in host else "127.0.0.1"
    local = f"http://[{host}]" if ":" in host else f"http://{host}"
    local = f"{local}:{settings.port}"
    trouble = _health_problem(settings.public_url) if settings.public_url else "it is not set"
    here = _health_problem(local)
    if not trouble:
        yield Check(True, f"a web process answers at {settings.public_url}")
    elif here:
        subject = f"no web process answers, neither at {local} nor at PUBLIC_URL"
        fix = "start `sms-receipt serve`, and compare HOST and PORT"
        yield Check(False, subject, fix, "DoorsDown")
    else:
        subject = f"PUBLIC_URL does not lead to the web process at {local}: {trouble}"
        yield Check(False, subject, "correct PUBLIC_URL, DNS, certificate or the reverse proxy")
    if not here:
        yield from _loaded_book(settings)


def _health_problem(base: str) -> str:
    """Why a web process of this service does not answer; empty if it does."""
    import requests  # noqa: PLC0415 - 0.04 s at the start of every command, for this one

    try:
        answer = requests.get(f"{base}/healthz", timeout=_TIMEOUTS_SECONDS, allow_redirects=False)
    except requests.exceptions.SSLError:
        return "its certificate is not valid for this address"
    except requests.RequestException as failure:
        return f"not reachable ({type(failure).__name__})"
    if answer.is_redirect:
        return f"it redirects to {answer.headers['Location']}"
    return "" if _is_ours(answer) else f"another server answers ({answer.status_code})"


def _is_ours(answer: "requests.Response") -> bool:
    try:
        return bool(answer.ok and answer.json() == {"status": "ok"})
    except ValueError:
        return False


def _loaded_book(settings: Settings) -> Iterator[Check]:
    """Whether the web process has the rule book in force."""
    import requests  # noqa: PLC0415 - as above

    if not settings.metrics_port:
        return
    try:
        metrics = f"http://127.0.0.1:{settings.metrics_port}/metrics"
        page = requests.get(metrics, timeout=_TIMEOUTS_SECONDS).text
        ours = fingerprint(rule_book_in_use(settings)[0])
    except (requests.RequestException, RuleBookError):
        return  # the check of the rule book says more
    loaded = _BOOK.findall(page)
    if loaded and ours not in loaded:
        fix = "compare RULE_BOOK of the processes; see the log for a refused book, or restart them"
        subject = "the web process runs another rule book than the one in force"
        yield Check(False, subject, fix, "RuleBooksDiffer")


def check_provider(name: str, url: str) -> Check:
    """Check that the address answers, and compare its Date header with this machine's clock."""
    import requests  # noqa: PLC0415 - as above

    try:
        # The body is not read.
        answer = requests.get(url, timeout=_TIMEOUTS_SECONDS, stream=True)
        answer.close()
    except requests.RequestException as failure:
        return Check(False, f"{name} at {url}", f"not reachable ({type(failure).__name__})")
    date = answer.headers.get("Date")
    if date is not None:
        theirs = dt.datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=dt.UTC)
        off = abs(dt.datetime.now(dt.UTC) - theirs)
        if off > _CLOCK_TOLERANCE:
            fix = "set this machine's clock (ntp)"
            return Check(False, f"{name}: our clock is {off.seconds} s from theirs", fix)
    return Check(True, f"{name} at {url} answers")
