"""What settings would do to the demo city, its fairness, and weights out of its surveys, through commands and views."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from cemaphore.cli import application
from cemaphore.pipeline.aggregation import assess
from qoe.means import Mean, combined
from store import aggregation as stored
from store.connection import connect
from tests.city import City


def _command(city: City, *arguments: str) -> Any:
    environment = {"CEMAPHORE_HOME": str(city.settings.home), "CEMAPHORE_DATABASE_URL": city.dsn}
    done = CliRunner().invoke(application(), [*arguments, "--json"], env=environment)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def choices(city: City) -> list[dict[str, Any]]:
    return list(_command(city, "aggregation"))


def _of_all(rows: list[dict[str, Any]], choice: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["choice"] == choice and row["attribute"] == "all"]


def test_the_means_lie_in_order_and_the_one_in_force_moves_nobody(choices: list[dict[str, Any]]) -> None:
    means = {row["setting"]: row for row in _of_all(choices, "mean")}
    order = [means[name]["mean"] for name in ("arithmetic", "geometric", "power(-2)", "weakest")]
    assert order == sorted(order, reverse=True)
    assert [name for name, row in means.items() if row["in_force"]] == ["geometric"]
    assert means["geometric"]["up_share"] == means["geometric"]["down_share"] == 0
    assert means["weakest"]["down_share"] > 0.2
    for row in choices:
        assert row["p10"] <= row["p50"] <= row["p90"]
        assert 0 <= row["low_share"] <= 1
        assert row["n_users"] >= 10


def test_the_geometric_choice_is_the_stored_index(city: City, choices: list[dict[str, Any]]) -> None:
    with connect(city.dsn) as connection:
        rows = connection.execute(
            "SELECT overall, network, device, app, service FROM cem.user_period WHERE days = 7 AND overall IS NOT NULL"
        ).fetchall()
    table = np.array(rows, dtype=float)
    for row in _of_all(choices, "mean"):
        mean = Mean.of("power", -2) if row["setting"] == "power(-2)" else Mean.of(row["setting"], 0)
        index = combined(table[:, 1:].T, np.array([0.40, 0.15, 0.30, 0.15]), mean)
        assert row["n_users"] == len(table)
        assert row["mean"] == pytest.approx(index.mean(), abs=1e-3)
        assert row["p50"] == pytest.approx(np.quantile(index, 0.5), abs=0.6)
        assert row["down_share"] == pytest.approx((index < table[:, 0] - 5).mean(), abs=2e-3)


def test_caps_are_compared_on_the_sessions_of_the_last_day(choices: list[dict[str, Any]]) -> None:
    caps = {row["setting"]: row for row in _of_all(choices, "caps")}
    (in_force,) = [name for name, row in caps.items() if row["in_force"]]
    assert in_force == "app 10, cell 20, least 1"
    assert len(caps) == 5
    assert caps["app 10, cell 20, least 10"]["mean"] > caps[in_force]["mean"]


@pytest.mark.usefixtures("choices")
def test_fairness_of_segments_and_areas_with_their_warnings(city: City) -> None:
    found = _command(city, "fairness", "--stored")
    attributes = {row["attribute"] for row in found["fairness"]}
    assert {"all", "segment", "region", "plan"} <= attributes
    for row in found["fairness"]:
        assert 0 <= row["fairness"] <= 1
        assert row["fairness"] == pytest.approx(1 - 2 * row["sigma"] / 100, abs=1e-5)
    for row in found["warnings"]:
        assert row["kind"] in ("reversed", "vanished")
        assert abs(row["adjusted"]) < abs(row["crude"]) or np.sign(row["adjusted"]) != np.sign(row["crude"])


@pytest.mark.usefixtures("choices")
def test_the_same_day_is_not_computed_twice(city: City) -> None:
    assert assess(city.dsn, city.settings, anew=False).start is None


@pytest.mark.usefixtures("choices")
def test_groups_below_k_are_hidden(city: City) -> None:
    with connect(city.dsn) as connection:
        connection.execute("UPDATE cem.aggregation_choice SET n_users = 9 WHERE attribute = 'all'")
        assert "all" not in set(stored.choices(connection)["attribute"])
        connection.rollback()


def test_weights_are_proposed_and_written_only_on_request(city: City, tmp_path: Path) -> None:
    found = _command(city, "calibrate")
    assert found["refused"] is None
    assert sum(weight["proposed"] for weight in found["weights"]) == pytest.approx(1)
    assert found["train"] + found["test"] > 140
    assert not list(city.settings.home.glob("*.toml"))
    path = tmp_path / "quality.toml"
    written = _command(city, "calibrate", "--write", str(path))
    assert "+surveys-" in written["version"]
    assert "surveys" in path.read_text(encoding="utf-8")
    environment = {"CEMAPHORE_HOME": str(city.settings.home), "CEMAPHORE_DATABASE_URL": city.dsn}
    again = CliRunner().invoke(application(), ["calibrate", "--write", str(path)], env=environment)
    assert again.exit_code == 4
    assert "there already" in again.output
