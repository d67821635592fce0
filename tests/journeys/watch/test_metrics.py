"""Pages of the metrics of real processes: whole, named by the conventions, bounded, described."""

import re
import time
from pathlib import Path

import pytest
import requests
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from app.metrics.catalogue import PREFIX, described_metrics
from app.metrics.page import page
from app.metrics.server import MORE_PORTS
from tests.journeys.watch.conftest import Watched
from tests.support.product import command, until
from tests.support.prometheus import promtool

ROOT = Path(__file__).parents[3]

#: Most series of one metric; a histogram has its buckets.
MOST_SERIES = 200


def ours(text: str) -> dict[str, Metric]:
    found = {each.name: each for each in text_string_to_metric_families(text)}
    return {name: each for name, each in found.items() if name.startswith(PREFIX)}


def value(text: str, name: str, **labels: str) -> float:
    """Sum of the samples of a name that have these labels."""
    samples = (each for family in ours(text).values() for each in family.samples)
    return sum(
        each.value for each in samples
        if each.name == PREFIX + name and labels.items() <= each.labels.items()
    )  # fmt: skip


@pytest.fixture(scope="module")
def pages(watched: Watched) -> dict[str, str]:
    """Both pages after a conversation, two receipts, a call, a refusal and a provider's failure."""
    phone = watched.phone
    for status in ("DELIVRD", "UNDELIV"):
        watched.feeds(f"metrics-{status}", status)
        phone.flash()
    phone.calls()
    phone.wait(lambda event: event["kind"] == "spoken", what="the hotline to speak")
    phone.hangs_up()
    url = f"{watched.service.doors}/sms"
    assert requests.post(url, {"MessageSid": "SM1"}, timeout=5).status_code == 403
    ports = (watched.worker_port, watched.worker_port + 1)

    def both() -> dict[str, str] | None:
        works = [watched.page(port) for port in ports]
        sent = sum(value(each, "report_to_receipt_seconds_count") for each in works)
        found = {"serve": watched.doors_page, "work": max(works, key=len)}
        return (
            found if sent + value(found["serve"], "report_to_receipt_seconds_count") >= 2 else None
        )

    return until(both, why="two receipts on the pages")


@pytest.mark.parametrize("name", ["serve", "work"])
def test_page_has_each_described_metric_with_help_type_and_labels(pages: dict[str, str], name: str):
    found, expected = ours(pages[name]), {}
    for each in described_metrics().values():
        if name in each.pages:
            expected[PREFIX + each.name] = each
    # Samples of a label come with the first event of its kind; a web process writes none before.
    quiet = {PREFIX + each for each in ("codes", "staff_sign_ins", "unanswered_texts")}
    quiet |= {PREFIX + each for each in ("log_lines_left_out", "report_to_receipt_seconds")}
    assert not found.keys() - expected.keys()
    assert not expected.keys() - found.keys() - (quiet if name == "serve" else set())
    for metric in found.values():
        described = expected[metric.name]
        assert metric.documentation == described.help, metric.name
        assert metric.type == described.kind, metric.name
        for sample in metric.samples:
            assert sample.labels.keys() - {"le"} == set(described.labels), sample


@pytest.mark.parametrize("name", ["serve", "work"])
def test_series_of_a_metric_are_bounded_and_hold_no_number(pages: dict[str, str], name: str):
    for metric in ours(pages[name]).values():
        assert len(metric.samples) <= MOST_SERIES, metric.name
    values = " ".join(re.findall(r'="([^"]*)"', pages[name]))
    assert not re.search(r"1[3-9]\d{9}", values)


@pytest.mark.parametrize("name", ["serve", "work"])
def test_promtool_has_no_complaint(pages: dict[str, str], name: str):
    assert promtool("check", "metrics", given=pages[name]) == ""


def test_names_follow_the_conventions():
    for each in described_metrics().values():
        assert re.fullmatch(r"[a-z][a-z_]*[a-z]", each.name)
        assert not each.name.endswith(("_total", "_count", "_sum", "_bucket"))
        assert each.full_name.endswith("_total") == (each.kind == "counter")
        if each.kind == "histogram" or "age" in each.name.split("_"):
            assert each.name.endswith("_seconds")
        assert not re.search(r"_(ms|millis|minutes|hours|kb|mb|kib|mib|percent)(_|$)", each.name)
        assert each.help[0].isupper() or each.help[0].isdigit(), each.name


def test_events_are_counted(pages: dict[str, str]):
    doors, work = pages["serve"], pages["work"]
    for outcome in ("delivered", "failed"):
        assert value(doors, "receipts_total", outcome=outcome) >= 1
    assert value(doors, "reports_with_receipt_total") >= 2
    assert value(doors, "answered_total", door="ivr.voice", status="200") >= 1
    assert value(doors, "refused_total") >= 1
    assert value(doors, "store_up") == 1
    assert 0 < value(doors, "store_round_trip_seconds") < 5
    assert value(doors, "store_memory_bytes") > 100_000
    assert value(doors, "store_append_only_file_enabled") == value(doors, "store_write_ok") == 1
    assert value(doors, "store_last_save_timestamp_seconds") > time.time() - 10**9
    assert value(doors, "circuit_breaker_state", state="healthy") == 2
    assert value(doors, "workers_alive") == 2
    assert value(work, "provider_request_seconds_count", operation="send", result="ok") >= 1
    assert value(work, "worker_heartbeat_age_seconds") < 5
    assert "process_cpu_seconds_total" in work


def test_each_worker_of_a_machine_has_a_port_and_a_named_one_is_refused_if_taken(
    watched: Watched, pages: dict[str, str]
):
    del pages
    port = watched.worker_port
    assert all("worker_heartbeat_age_seconds" in watched.page(each) for each in (port, port + 1))
    done = command("work", "--metrics-port", str(port), **watched.service.settings)
    assert done.returncode == 2
    assert f"port {port} is in use" in done.stderr
    assert MORE_PORTS >= 15


def test_page_of_the_metrics_is_current():
    assert (ROOT / "docs" / "metrics.md").read_text() == page(), "run `make metrics`"


def test_killed_worker_is_missed(watched: Watched, pages: dict[str, str]):
    del pages
    watched.service.kill("second worker")
    until(lambda: value(watched.doors_page, "workers_alive") == 1, why="the worker to be missed")
