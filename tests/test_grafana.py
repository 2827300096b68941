"""Grafana's files: built from their descriptions, of a shape that Grafana knows, and their queries run as its role."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from psycopg.conninfo import make_conninfo

from cemaphore import grafana
from cemaphore.running.figures import Figures
from cemaphore.running.metrics import Metrics
from store.connection import Connection, connect
from tests.city import City

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "deploy" / "grafana"
FILES = sorted((FOLDER / "dashboards").rglob("*.json"))
ROLE = "cem_grafana"
NEVER = ("customer_key", "subscriber_key", "subscriber_token", "text")


def _panels(path: Path) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["panels"]
    return panels


@pytest.fixture(scope="module")
def asked(city: City) -> Iterator[Connection]:
    """A connection as Grafana opens it: the role of the documentation, logged in with its password."""
    page = (ROOT / "docs" / "grafana.md").read_text(encoding="utf-8")
    (statements,) = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    with connect(city.dsn, autocommit=True) as owner:
        owner.execute(statements.replace("CHOOSE ONE", "not-a-secret").encode())
        try:
            with connect(make_conninfo(city.dsn, user=ROLE, password="not-a-secret"), autocommit=True) as opened:
                yield opened
        finally:
            owner.execute("ALTER ROLE cem_grafana NOLOGIN")


def test_the_dashboards_are_as_their_descriptions_say() -> None:
    """Nobody has to remember to write a changed dashboard anew."""
    wanted = grafana.files(FOLDER)
    assert set(FILES) == set(wanted), "run `python -m cemaphore.grafana` and commit what changes"
    for path, text in wanted.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run `python -m cemaphore.grafana`"


def test_names_are_unique_and_data_sources_are_variables() -> None:
    """No two dashboards or panels collide, and no data source's own name is in a dashboard."""
    uids = [json.loads(path.read_text(encoding="utf-8"))["uid"] for path in FILES]
    assert len(set(uids)) == len(uids)
    assert all(len(uid) <= 40 for uid in uids)  # Grafana's limit
    for path in FILES:
        panels = _panels(path)
        assert len({panel["id"] for panel in panels}) == len(panels)
        declared = {one["name"] for one in json.loads(path.read_text())["templating"]["list"]}
        for source in [panel["datasource"] for panel in panels] + [
            target["datasource"] for panel in panels for target in panel["targets"]
        ]:
            assert re.fullmatch(r"\$\{(postgres|prometheus)\}", source["uid"])
            assert source["uid"][2:-1] in declared


def test_panels_lie_beside_each_other() -> None:
    """No panel covers another or leaves the grid."""
    for path in FILES:
        taken: set[tuple[int, int]] = set()
        for panel in _panels(path):
            place = panel["gridPos"]
            cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
            assert not cells & taken, panel["title"]
            assert max(x for x, _ in cells) < 24
            taken |= cells


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_grafanas_own_schema_knows_every_field(path: Path) -> None:
    """Read by the Foundation SDK and written again, nothing that we wrote is lost."""
    ours = json.loads(path.read_text(encoding="utf-8"))
    theirs = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(ours)))
    assert list(_lost(ours, theirs, "")) == []


def _lost(ours: Any, theirs: Any, where: str) -> Iterator[str]:
    if isinstance(ours, dict):
        for name, value in ours.items():
            if not isinstance(theirs, dict) or name not in theirs:
                # Empty things are left out when written: that says the same.
                if value not in ({}, [], "", None):
                    yield f"{where}.{name}"
            else:
                yield from _lost(value, theirs[name], f"{where}.{name}")
    elif isinstance(ours, list):
        for number, value in enumerate(ours):
            yield from _lost(value, theirs[number], f"{where}[{number}]")
    elif ours != theirs:
        yield f"{where}: {theirs!r} for {ours!r}"


@pytest.mark.parametrize("path", [path for path in FILES if path.parent.name == "en"], ids=lambda path: path.stem)
def test_every_query_runs_as_grafanas_role(path: Path, asked: Connection, city: City) -> None:
    """Macros and variables filled in as Grafana does, each query answers with the columns that its panel names."""
    described = json.loads(path.read_text(encoding="utf-8"))
    chosen: dict[str, str] = {}
    for variable in described["templating"]["list"]:
        if variable["type"] == "custom":
            chosen[variable["name"]] = variable["current"]["value"]
        elif variable["type"] == "query":
            row = asked.execute(_filled(variable["query"], {}, city).encode()).fetchone()
            assert row is not None, f"nothing to choose from for {variable['name']}"
            chosen[variable["name"]] = row[0]
    for panel in described["panels"]:
        for target in panel["targets"]:
            if "rawSql" in target:
                found = asked.execute(_filled(target["rawSql"], chosen, city).encode())
                _holds(panel, target, [column.name for column in found.description or []])


def _holds(panel: dict[str, Any], target: dict[str, Any], columns: list[str]) -> None:
    if target["format"] == "time_series":
        assert columns[0] == "time", panel["title"]
    if "metric" not in columns:
        named = {one["matcher"]["options"] for one in panel["fieldConfig"]["overrides"]}
        assert named <= set(columns), panel["title"]


def _filled(query: str, chosen: dict[str, str], city: City) -> str:
    """A query with Grafana's macros and variables put in: the whole time of the city."""
    begin, end = (city.world.moment(hours).isoformat() for hours in (0, city.world.hours))
    query = re.sub(r"\$__timeFilter\(([\w.]+)\)", rf"\1 BETWEEN '{begin}' AND '{end}'", query)
    seconds = {"1h": 3600, "6h": 21600}
    query = re.sub(
        r"\$__timeGroupAlias\(([\w.]+), '(\w+)'\)",
        lambda found: f'floor(extract(epoch FROM {found[1]}) / {seconds[found[2]]}) * {seconds[found[2]]} AS "time"',
        query,
    )
    query = re.sub(r"\$(\w+)", lambda found: chosen[found[1]].replace("'", "''"), query)
    assert "$" not in query
    return query


def test_grafanas_role_sees_no_person(asked: Connection, city: City) -> None:
    """It reads no view in which a row is of one person, no table, no vault, and it cannot write."""
    with connect(city.dsn) as owner:
        personal = owner.execute(
            "SELECT DISTINCT table_schema || '.' || table_name FROM information_schema.columns "
            "WHERE table_schema IN ('api', 'cem', 'vault') AND column_name = ANY(%s)",
            [list(NEVER)],
        ).fetchall()
        tables = owner.execute(
            "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('cem', 'vault', 'shadow')"
        ).fetchall()
        readable = {
            name
            for (name,) in {*personal, *tables}
            if (owner.execute("SELECT has_table_privilege(%s, %s, 'SELECT')", [ROLE, name]).fetchone() or [True])[0]
        }
    assert personal
    assert readable == set()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        asked.execute("SELECT * FROM api.session_timeline(1, '-infinity', 'infinity')")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        asked.execute("CREATE TEMPORARY TABLE mine ()")


def _expressions() -> list[str]:
    return [target["expr"] for path in FILES for panel in _panels(path) for target in panel["targets"]
            if "expr" in target]  # fmt: skip


def test_prometheus_parses_every_expression(tmp_path: Path) -> None:
    """Each is held to Prometheus's own parser, as the expression of a recording rule."""
    rules = [{"record": f"cem:panel:{number}", "expr": expr} for number, expr in enumerate(_expressions())]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_metric_of_a_panel_is_one_of_the_program() -> None:
    """A metric that is called differently now leaves no empty panel behind."""
    used = {name for expr in _expressions() for name in re.findall(r"\bcem_[a-z_]+", expr)}
    assert used
    assert used <= _served()


def test_every_label_of_a_panel_is_one_of_the_program() -> None:
    """By a label that no series has everything is one line: the panels of jobs once asked for `exported_job`."""
    page = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
    told = {name for labels in re.findall(r"`cem_\w+\{([\w,]+)\}`", page) for name in labels.split(",")}
    used = {name for expr in _expressions() for labels in re.findall(r"\bby \(([^)]+)\)", expr)
            for name in re.findall(r"\w+", labels)}  # fmt: skip
    assert "task" in used
    assert used <= told | {"le", "instance"}


def _served() -> set[str]:
    """Names of the samples that /metrics may hold."""
    metrics = Metrics()
    Figures(metrics, Path("spill"))
    metrics.watch(dict, dict)
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", metrics.text().decode(), re.MULTILINE))
    return {
        name + ending
        for name, kind in kinds.items()
        for ending in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))
    }


def test_provisioning_is_what_grafana_reads() -> None:
    """Data sources are of the kinds that the dashboards ask for, and each provider's folder is in the compose file."""
    sources = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "cemaphore.yaml").read_text())
    assert sources["apiVersion"] == 1
    assert {one["type"] for one in sources["datasources"]} == {grafana.POSTGRES["type"], grafana.PROMETHEUS["type"]}
    (postgres,) = (one for one in sources["datasources"] if one["type"] == grafana.POSTGRES["type"])
    assert postgres["user"] == ROLE
    assert postgres["secureJsonData"]["password"].startswith("${")
    providers = yaml.safe_load((FOLDER / "provisioning" / "dashboards" / "cemaphore.yaml").read_text())
    service = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]["grafana"]
    mounts = dict(volume.split(":")[:2] for volume in service["volumes"] if volume.startswith("./"))
    assert {name for mount in mounts for name in [mount] if not (ROOT / "deploy" / name).exists()} == set()
    for provider in providers["providers"]:
        path = provider["options"]["path"]
        (host,) = [source for source, inside in mounts.items() if path.startswith(inside)]
        assert (ROOT / "deploy" / host / path.rpartition("/")[2]).is_dir()
    wanted = set(re.findall(r"\$\{(\w+)\}", (FOLDER / "provisioning/datasources/cemaphore.yaml").read_text()))
    assert wanted <= set(service["environment"])
