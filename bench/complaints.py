"""Links of complaints to clusters against the truth of made-up cities, pooled until 2,000 complaints were made.

A link is right when the fault that caused the complaint is what the cluster describes: same kind of records, at the
same time, and values in common in every column that both select by, places compared as cells. A surge of complaints is
the fault that caused most of its complaints. Precision and recall at probability 0.5; recall over all complaints that
faults caused, whether a cluster was found or not. Calibration: mean absolute difference of probability and share right
over ten bins of as many links each. All links that are stored count (0.001 and more), so not the many zeros.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from bench.cities import City, cities
from bench.pairs import arguments, close, tell
from cemaphore.demo import FAST, TruthEntry
from store import clusters as stored
from store.clusters import ClusterRow
from store.connection import Connection, connect

COMPLAINTS = 2_000
MOST_CITIES = 20
PRECISION, RECALL, CALIBRATION = 0.8, 0.7, 0.05
LINKED = 0.5
_BINS = 10
_PLACES = ("cell_id", "site_id", "region")
_SMALL = replace(FAST, users=300, sites=15, models=8)  # a few seconds, for continuous integration
_MOST = 0.5  # share of a surge's complaints that one fault must have caused


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One link: its probability, whether it is right, and the faults of its complaint and its cluster ("" for none)."""

    probability: float
    right: bool
    caused_by: str
    linked_to: str


@dataclass(frozen=True, kw_only=True)
class Looked:
    """One city: its links, how many complaints were made, and how many of them each fault caused."""

    seed: int
    links: tuple[Judged, ...]
    complaints: int
    caused: Mapping[str, int]


def look(city: City) -> Looked:
    """Judge the links of a searched city."""
    cause = {name: fault.id for fault in city.truth.entries for name in fault.complaint_ids}
    with connect(city.dsn, autocommit=True) as connection:
        rows = connection.execute("SELECT complaint_id, cluster_id, probability FROM cem.complaint_link").fetchall()
        meant = _meant(connection, city, cause, rows)
        made = connection.execute("SELECT count(*) FROM cem.complaint_now").fetchone()
    links = tuple(_judged(probability, cause.get(name, ""), meant[cluster]) for name, cluster, probability in rows)
    return Looked(seed=city.seed, links=links, complaints=made[0] if made else 0, caused=Counter(cause.values()))


def _judged(probability: float, caused_by: str, meant: Sequence[str]) -> Judged:
    right = caused_by in meant
    linked_to = caused_by if right else next(iter(meant), "")
    return Judged(probability=probability, right=right, caused_by=caused_by, linked_to=linked_to)


def _meant(
    connection: Connection, city: City, cause: Mapping[str, str], links: Sequence[tuple[str, str, float]]
) -> dict[str, list[str]]:
    """The faults that each cluster describes."""
    cells: dict[str, set[str]] = {}
    for names in connection.execute(
        "SELECT n.value, s.value, r.value FROM cem.cell_now c JOIN cem.label n ON n.label_id = c.cell_id "
        "LEFT JOIN cem.label s ON s.label_id = c.site_id LEFT JOIN cem.label r ON r.label_id = c.region"
    ):
        for column, value in zip(_PLACES, names, strict=True):
            cells.setdefault(f"{column}={value}", set()).add(names[0])
    faults = [fault for fault in city.truth.entries if fault.severity > 0]
    found = {}
    for row in stored.since(connection, datetime(1970, 1, 1, tzinfo=UTC)):
        if row.over_kind == "complaints":
            causes = Counter(cause.get(name, "") for name, cluster, _ in links if cluster == row.cluster_id)
            found[row.cluster_id] = [name for name, many in causes.items() if name and many >= _MOST * causes.total()]
        else:
            found[row.cluster_id] = [fault.id for fault in faults if _describes(row, fault, cells)]
    return found


def _describes(row: ClusterRow, fault: TruthEntry, cells: Mapping[str, set[str]]) -> bool:
    if row.over_kind != fault.over or row.started_at >= fault.ended_at:
        return False
    if row.ended_at is not None and row.ended_at <= fault.started_at:
        return False
    mine, its = _columns(row.selector, cells), _columns(fault.selector, cells)
    common = mine.keys() & its.keys()
    return bool(common) and all(
        2 * len(mine[name] & its[name]) >= min(len(mine[name]), len(its[name])) for name in common
    )


def _columns(selector: Mapping[str, Sequence[str]], cells: Mapping[str, set[str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for column, values in selector.items():
        if column in _PLACES:
            places = set().union(*(cells.get(f"{column}={value}", set()) for value in values))
            found["place"] = found["place"] & places if "place" in found else places
        else:
            found[column] = set(values)
    return found


def reliability(links: Sequence[Judged]) -> tuple[float, list[dict[str, float]]]:
    """Calibration error and the table behind it: ten bins with as many links each."""
    chance = np.array([each.probability for each in links])
    right = np.array([each.right for each in links], dtype=np.float64)
    bins: list[NDArray[np.intp]] = np.array_split(np.argsort(chance, kind="stable"), _BINS)
    rows = [
        {
            "least": round(float(chance[rows].min()), 4),
            "most": round(float(chance[rows].max()), 4),
            "probability": round(float(chance[rows].mean()), 4),
            "right": round(float(right[rows].mean()), 4),
            "links": len(rows),
        }
        for rows in bins
        if len(rows)
    ]
    error = sum(abs(row["probability"] - row["right"]) * row["links"] for row in rows) / max(len(links), 1)
    return float(error), rows


def _by_fault(looked: Sequence[Looked]) -> list[dict[str, object]]:
    likely = [each for one in looked for each in one.links if each.probability >= LINKED]
    rows: list[dict[str, object]] = []
    for name in sorted({fault for one in looked for fault in one.caused}):
        caused = sum(one.caused[name] for one in looked if name in one.caused)
        linked = [each for each in likely if each.linked_to == name]
        right = sum(each.right for each in linked)
        precision = round(right / len(linked), 3) if linked else None
        rows.append({"fault": name, "caused": caused, "precision": precision, "recall": round(right / caused, 3)})
    return rows


def main() -> int:
    """Build cities until enough complaints were made, and judge their links."""
    asked = arguments(__doc__ or "")
    looked: list[Looked] = []
    for city in cities(range(1, 2 if asked.small else MOST_CITIES + 1), _SMALL if asked.small else FAST):
        looked.append(look(city))
        if sum(one.complaints for one in looked) >= COMPLAINTS:
            break
    links = [each for one in looked for each in one.links]
    likely = [each for each in links if each.probability >= LINKED]
    right, caused = sum(each.right for each in likely), sum(sum(one.caused.values()) for one in looked)
    precision, recall = right / max(len(likely), 1), right / max(caused, 1)
    error, table = reliability(links)
    for row in (*table, *_by_fault(looked)):
        tell(json.dumps(row))
    made = sum(one.complaints for one in looked)
    tell(f"{made:,} complaints of {len(looked)} cities, {caused:,} caused by faults; {len(likely):,} of {len(links):,} "
         f"links at {LINKED} or more: precision {precision:.3f} (at least {PRECISION}), recall {recall:.3f} (at least "
         f"{RECALL}); calibration error {error:.4f} (below {CALIBRATION})")  # fmt: skip
    detail: dict[str, object] = {
        "precision": precision, "recall": recall, "calibration_error": error, "reliability": table,
        "faults": _by_fault(looked),
    }  # fmt: skip
    met = precision >= PRECISION and recall >= RECALL
    code = close("complaints", error, "calibration error", CALIBRATION, at_most=True, detail=detail, as_json=asked.json)
    return code or int(not met)


if __name__ == "__main__":
    raise SystemExit(main())
