"""Alert rules: promtool fires each of them; each has its paragraph in the runbook."""

import ast
import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from app.metrics.catalogue import described_metrics
from commands.diagnostics.check import Check
from tests.app.watch.alert_cases import AT, CASES, LONGER
from tests.app.watch.conftest import DEPLOY
from tests.support.prometheus import PrometheusServer, promtool

ROOT = Path(__file__).parents[3]
RULES = DEPLOY / "alerts.yml"
RUNBOOK = ROOT / "docs" / "runbook.md"

_SUFFIXES = ("", "_bucket", "_sum", "_count")


@pytest.fixture(scope="module")
def rules(server: PrometheusServer) -> dict[str, dict[str, Any]]:
    (group,) = server.get("rules")["groups"]
    return {rule["name"]: rule for rule in group["rules"]}


def names_in(expression: str) -> set[str]:
    return set(re.findall(r"sms_receipt_[a-z_]+", expression))


def known(name: str) -> bool:
    """Whether a metric of this name is exported."""
    full = {each.full_name: each.kind for each in described_metrics().values()}
    return any(
        name.removesuffix(end) in full and (not end or full[name.removesuffix(end)] == "histogram")
        for end in _SUFFIXES
        if name.endswith(end)
    )


def paragraphs() -> dict[str, str]:
    """Paragraphs of the runbook about alerts, by alert."""
    _, _, alerts = RUNBOOK.read_text().partition("\n## Alerts\n")
    parts = re.split(r"(?m)^### (\w+)\n", alerts)[1:]
    return {
        name: " ".join(text.split()) for name, text in zip(parts[::2], parts[1::2], strict=True)
    }


def test_promtool_accepts_configuration_and_rules():
    assert "SUCCESS" in promtool("check", "config", DEPLOY / "prometheus.yml")
    assert "SUCCESS" in promtool("check", "rules", RULES)


def test_every_rule_fires_when_it_should_and_only_then(tmp_path: Path):
    for interval, wanted in (("15s", CASES.keys() - LONGER.keys()), ("5m", LONGER.keys())):
        tests = [
            _group(interval, {name: CASES[name][0 if fires else 1] for name in names}, fires=fires)
            for fires in (True, False)
            for names in _independent(wanted, 0 if fires else 1)
        ]
        assert "SUCCESS" in _tested(tmp_path, interval, tests)


def _independent(names: Iterable[str], part: int) -> list[list[str]]:
    """Alerts in groups whose cases share no metric: one run of promtool tests a whole group."""
    groups: list[tuple[list[str], set[str]]] = []
    for name in sorted(names):
        metrics = {series.partition("{")[0] for series in CASES[name][part]}
        for members, taken in groups:
            if not taken & metrics:
                members.append(name)
                taken.update(metrics)
                break
        else:
            groups.append(([name], metrics))
    return [members for members, _ in groups]


def _tested(folder: Path, interval: str, tests: list[dict[str, object]]) -> str:
    suite = {"rule_files": ["alerts.yml"], "evaluation_interval": interval, "tests": tests}
    shutil.copy(RULES, folder)
    (folder / "suite.yml").write_text(json.dumps(suite))
    return promtool("test", "rules", folder / "suite.yml")


def _group(interval: str, series: dict[str, dict[str, str]], *, fires: bool) -> dict[str, object]:
    """A test of promtool: whether each alert fires at the end, by its series."""
    expected = [{"labels": "{}", "value": 1}] if fires else []
    looks = [
        {
            "expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) > bool 0',
            "eval_time": LONGER.get(name, AT),
            "exp_samples": expected,
        }
        for name in series
    ]
    values = {key: value for each in series.values() for key, value in each.items()}
    return {
        "interval": interval,
        "input_series": [{"series": key, "values": value} for key, value in values.items()],
        "promql_expr_test": looks,
    }


def test_a_rule_that_cannot_fire_would_be_found(tmp_path: Path):
    series = {"StoreDown": {"sms_receipt_store_up": "1+0x120"}}
    tests = [_group("15s", series, fires=True)]
    with pytest.raises(AssertionError):
        _tested(tmp_path, "15s", tests)


def test_each_rule_has_a_case_a_paragraph_and_a_severity(rules: dict[str, dict[str, Any]]):
    assert set(rules) == set(CASES) == set(paragraphs())
    for name, rule in rules.items():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        note = rule["annotations"]
        assert note["runbook_url"] == f"docs/runbook.md#{name.lower()}"
        assert note["summary"].endswith(".")
        assert all(map(known, names_in(rule["query"]))), rule["query"]


def test_a_name_that_is_not_exported_would_be_found():
    assert known("sms_receipt_answer_seconds_bucket")
    assert not known("sms_receipt_store_up_total")
    assert not known("sms_receipt_answered")


def named_by_doctor() -> set[str]:
    """Alerts that the checks of ``sms-receipt doctor`` name beside their finding."""
    calls = [
        node
        for path in (ROOT / "commands" / "diagnostics").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Check"
    ]
    return {ast.literal_eval(call.args[3]) for call in calls if len(call.args) == 4}


def test_doctor_and_the_runbook_name_the_same_findings():
    told = {name: "**Seen by `doctor`**" in text for name, text in paragraphs().items()}
    alone = {name for name, text in paragraphs().items() if "**Seen by Prometheus alone**" in text}
    assert {name for name, is_told in told.items() if is_told} == named_by_doctor()
    assert alone == told.keys() - named_by_doctor()


def test_a_finding_names_its_paragraph_and_a_good_result_none():
    assert Check(False, "no worker", "start one", "NoWorker").runbook == "docs/runbook.md#noworker"
    assert Check(True, "HOST=…", "set it").runbook == "docs/runbook.md#what-doctor-says"
    assert Check(True, "2 workers are alive", alert="NoWorker").runbook == ""
    assert "\n## What doctor says\n" in RUNBOOK.read_text()
