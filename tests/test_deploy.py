"""What `deploy/` ships: Prometheus's configuration and rules, systemd units, the compose file; and our own metrics."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from cemaphore.running.figures import Figures
from cemaphore.running.metrics import Metrics
from cemaphore.running.work import Done, Failure, News
from store.connection import connect
from tests.city import City

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
RULES = sorted((DEPLOY / "prometheus").glob("*.rules.yml"))


def _tool(*command: str, given: bytes | None = None) -> str:
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    said = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, said
    return said


def _alerts() -> dict[str, dict[str, Any]]:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerting.rules.yml").read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


@pytest.fixture
def told(city: City) -> str:
    """Everything that a leading program of the demo city tells Prometheus, after a good run and a bad one."""
    metrics = Metrics()
    metrics.sources = frozenset({"amf"})
    metrics.ended("score", Done(counts={"hours": 3}, seconds=1.5))
    metrics.ended("source:amf", Done(news=(News(source="amf", stored=5, up=True), News(source="file-460001234567890"))))
    metrics.ended("detect", Done(error="stuck", failure=Failure.LIMIT))
    metrics.missed.labels("score").inc()
    metrics.overlapped.labels("score").inc()
    metrics.restarts.labels("scoring").inc()
    metrics.watch(lambda: {"score": 1.0}, lambda: {"scoring": 1 << 28})
    figures = Figures(metrics, city.settings.home / "spill")
    with connect(city.dsn, autocommit=True) as connection:
        sources = [row[0] for row in connection.execute("SELECT name FROM cem.source")]
        figures.refresh(connection, sources, city.world.begins + timedelta(days=10))
    return metrics.text().decode()


def test_prometheus_takes_its_configuration_and_every_rule_passes_its_unit_tests() -> None:
    assert "2 rule files found" in _tool("promtool", "check", "config", str(DEPLOY / "prometheus.yml"))
    _tool("promtool", "test", "rules", str(DEPLOY / "prometheus" / "rules.test.yml"))
    tested = yaml.safe_load((DEPLOY / "prometheus" / "rules.test.yml").read_text())["tests"]
    fired = {case["alertname"] for test in tested for case in test.get("alert_rule_test", ()) if case["exp_alerts"]}
    assert fired == set(_alerts())


def test_every_alert_has_its_page_in_the_runbook() -> None:
    headings = re.findall(r"^### (\w+)$", (ROOT / "docs" / "running.md").read_text(), re.MULTILINE)
    assert set(_alerts()) <= set(headings)
    for name, rule in _alerts().items():
        assert rule["annotations"]["runbook"] == f"docs/running.md#{name.lower()}"
        assert rule["labels"]["severity"] in ("critical", "warning")


def test_names_and_units_are_those_that_promtool_wants(told: str) -> None:
    ours = "".join(line + "\n" for line in told.splitlines() if "process_" not in line)
    assert _tool("promtool", "check", "metrics", given=ours.encode()) == ""


def test_rules_and_documentation_name_only_metrics_that_there_are(told: str) -> None:
    there = set(re.findall(r"^# HELP (cem_\w+)", told, re.MULTILINE))
    for path in RULES:
        for rule in (rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]):
            assert {name.removesuffix("_bucket") for name in re.findall(r"\bcem_\w+", rule["expr"])} <= there
    page = (ROOT / "docs" / "running.md").read_text()
    assert set(re.findall(r"`(cem_\w+)(?:\{[\w,]+\})?`", page)) == there


def _series(told: str) -> Iterator[tuple[str, dict[str, str]]]:
    for family in text_string_to_metric_families(told):
        for sample in family.samples:
            yield sample.name, sample.labels


def test_labels_are_few_and_name_nobody(told: str, city: City) -> None:
    """Sources that nobody configured are "other"; regions and apps are capped; nothing else grows with the network."""
    allowed = {
        *("source", "result", "task", "kind", "lane", "le", "state", "dimension", "region", "app"),
        *("implementation", "version", "major", "minor", "patchlevel"),
    }
    found = list(_series(told))
    assert {name for _, labels in found for name in labels} <= allowed
    assert len(found) < 400
    assert {labels["source"] for name, labels in found if name == "cem_source_up"} == {"amf"}
    assert "460001234567890" not in told
    regions = {labels["region"] for name, labels in found if name == "cem_qoe_region_index"}
    assert 1 < len(regions) <= 50
    metrics = Metrics()
    with connect(city.dsn) as connection:
        connection.execute(
            "INSERT INTO cem.installation (name, value) VALUES ('k_anonymity', '100000') "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        )
        Figures(metrics, city.settings.home).refresh(connection, (), datetime.now(UTC))
        connection.rollback()
    hidden = list(_series(metrics.text().decode()))
    assert not [name for name, _ in hidden if name in ("cem_qoe_region_index", "cem_qoe_app_index")]


@pytest.mark.parametrize("path", sorted((DEPLOY / "systemd").glob("*.service")), ids=lambda path: path.name)
def test_systemd_units_are_right(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "/opt/cemaphore/bin/cem " in text
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "Restart=always"):
        assert line in text.splitlines()
    if shutil.which("systemd-analyze") is None:
        return  # the lines above are all that can be held on a machine without systemd
    here = tmp_path / path.name
    here.write_text(text.replace("/opt/cemaphore/bin/cem", "/bin/true"), encoding="utf-8")
    assert _tool("systemd-analyze", "verify", str(here)) == ""


def test_compose_runs_every_part_with_the_files_that_are_shipped() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert {"database", "schema", "program", "dashboard", "prometheus", "alertmanager"} <= set(services)
    mounted = [
        volume.split(":")[0]
        for service in services.values()
        for volume in service.get("volumes", ())
        if str(volume).startswith("./")
    ]
    assert all((DEPLOY / path).exists() for path in mounted)
    assert {"./prometheus.yml", "./prometheus", "./alertmanager.yml"} <= set(mounted)
