"""What the KPIs of a cell say on 0..100: anchors as data, a score per category and window, evidence and no index."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kpi.catalogue import Catalogue
from records.errors import ConfigError

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """The values of a KPI, in its unit, that score 100 and 0; between them straight, or straight in the logarithm."""

    best: float
    worst: float
    log: bool
    reason: str

    def score(self, value: Floats) -> Floats:
        """Score 0..100 of each value, NaN where it is NaN."""
        if self.log:
            share = np.log(np.maximum(value, 1e-9) / self.worst) / np.log(self.best / self.worst)
        else:
            share = (value - self.worst) / (self.best - self.worst)
        return np.asarray(100.0 * np.clip(share, 0.0, 1.0), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class ScoreRules:
    """Anchors by KPI, the category of each, and what the categories weigh."""

    version: str
    anchors: Mapping[str, Anchor]
    category: Mapping[str, str]
    weights: Mapping[str, float]
    least_coverage: float


def parse_scores(text: str, catalogue: Catalogue) -> ScoreRules:
    """Read score rules from TOML; ConfigError names a KPI that the catalogue lacks, or what else is wrong."""
    try:
        raw = tomllib.loads(text)
        anchors = {name: _anchor(name, entry, catalogue) for name, entry in raw["anchors"].items()}
        return ScoreRules(
            version=str(raw["version"]),
            anchors=anchors,
            category={name: catalogue.kpis[name].category for name in anchors},
            weights={name: float(weight) for name, weight in raw["weights"].items()},
            least_coverage=float(raw["least_coverage"]),
        )
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the scores of KPIs are not TOML: {error}") from error
    except KeyError as error:
        raise ConfigError(f"the scores of KPIs have no {error.args[0]!r}") from error


def _anchor(name: str, entry: Mapping[str, object], catalogue: Catalogue) -> Anchor:
    if name not in catalogue.kpis:
        raise ConfigError(f"anchors.{name}: there is no such KPI in the catalogue")
    anchor = Anchor(
        best=float(str(entry["best"])),
        worst=float(str(entry["worst"])),
        log=bool(entry.get("log", False)),
        reason=str(entry["reason"]),
    )
    if (anchor.best > anchor.worst) != (catalogue.kpis[name].direction == "higher"):
        raise ConfigError(f"anchors.{name}: best is not on the good side of worst ({catalogue.kpis[name].direction})")
    return anchor


def cell_scores(values: pd.DataFrame, rules: ScoreRules) -> pd.DataFrame:
    """Score cells by window: one row per `cell` and `start` of `values` (columns cell, start, kpi, value).

    Columns: each category of the weights, `score` (NaN below the least coverage), `coverage`, and `lowest`, the KPI
    with the lowest score. A category is its lowest KPI; KPIs without anchors do not count.
    """
    known = values[values["kpi"].isin(list(rules.anchors)) & values["value"].notna()]
    scored = known.assign(points=_points(known, rules), category=known["kpi"].map(dict(rules.category)))
    keys = ["cell", "start"]
    table = scored.pivot_table(index=keys, columns="category", values="points", aggfunc="min")
    table = table.reindex(columns=list(rules.weights))
    weight = np.array(list(rules.weights.values()))
    there = table.notna().to_numpy() * weight
    coverage = there.sum(axis=1)
    total = np.nan_to_num(table.to_numpy(dtype=np.float64)) @ weight
    score = np.divide(total, coverage, out=np.full(len(table), np.nan), where=coverage >= rules.least_coverage)
    lowest = scored.sort_values("points").drop_duplicates(keys).set_index(keys)["kpi"]
    return table.assign(score=score, coverage=coverage, lowest=lowest).reset_index()


def _points(known: pd.DataFrame, rules: ScoreRules) -> Floats:
    points = np.full(len(known), np.nan)
    for name in known["kpi"].unique():
        mine = (known["kpi"] == name).to_numpy()
        points[mine] = rules.anchors[name].score(known["value"].to_numpy(dtype=np.float64)[mine])
    return points


def exposed(scores: pd.DataFrame, sessions: pd.DataFrame, rules: ScoreRules) -> dict[str, float]:
    """Scores of the cells that served somebody, weighted by the sessions in each: category or `score` to 0..100.

    `sessions` has columns cell, start, sessions. Also `coverage`, the share of sessions whose cell and window has a
    score. NaN where nothing was scored.
    """
    joined = sessions.merge(scores, on=["cell", "start"], how="left", suffixes=("", "_of_cell"))
    n = joined["sessions"].to_numpy(dtype=np.float64)
    found: dict[str, float] = {}
    for name in [*rules.weights, "score"]:
        value = joined[name].to_numpy(dtype=np.float64)
        there = ~np.isnan(value)
        found[name] = float(np.average(value[there], weights=n[there])) if there.any() else float("nan")
    scored = joined["score"].notna().to_numpy()
    found["coverage"] = float(n[scored].sum() / n.sum()) if n.sum() else 0.0
    return found
