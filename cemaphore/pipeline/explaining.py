"""Explains clusters: gathers what moved in their sessions, in their cells' counters and alarms, and weighs it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from cemaphore.pipeline.units import moment_of, window_of
from qoe.clusters import Cluster, Units
from qoe.clusters.advice import Advice, domains_of_alarm
from qoe.clusters.domain import alarm_of, judge
from qoe.clusters.evidence import KPIS, Evidence, KpiSeries, kpis_of, measurements_of
from qoe.clusters.tracking import LOOKBACK
from records.windows import QUARTER
from store import cell_evidence
from store.connection import Connection

_PLACES = frozenset({"cell", "site", "region", "band", "vendor"})
_DAY = timedelta(days=1)
_ALARMS_BEFORE = timedelta(hours=1)  # an alarm may come before its harm is felt (own)
MOST_CELLS = 600  # cells whose counters are read; more are a whole city, whose mean says little (own)


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Where a cluster lies, how sure that is, and the evidence as it is stored."""

    domain: str
    certainty: float | None = None
    evidence: list[dict[str, Any]] = field(default_factory=list)
    version_id: int


def explain(
    connection: Connection,
    cluster: Cluster,
    units: Units,
    window: int,
    advice: Mapping[str, Advice],
    version_id: int,
    contrasts: Sequence[Evidence] = (),
) -> Explanation:
    """Judge a cluster by the units in reach, with the counters and alarms of its cells where it is one of places.

    `contrasts` are what its sessions lose to whom, where that was looked at.
    """
    chosen = cluster.selector.chosen(units)
    in_life = units.window >= cluster.start
    during = units.where(chosen & in_life)
    before = units.where(chosen & ~in_life)
    if len(before) < len(during) / 4:  # a place that was empty before: compare with the others at the same time
        before = units.where(~chosen & in_life)
    pieces = [*measurements_of(during.measured, before.measured), *contrasts]
    sites = _values(during, "site")
    if set(cluster.selector.attributes) <= _PLACES:
        cells = _values(during, "cell")
        if len(cells) <= MOST_CELLS:
            pieces += kpis_of(_series(connection, cells, cluster.start, window), cluster.onset)
            pieces += _alarms(connection, cells, sites, cluster, window, advice)
    judged = judge(cluster.selector, len(sites), pieces)
    return Explanation(
        domain=judged.domain,
        certainty=judged.certainty,
        evidence=[evidence_row(each) for each in judged.evidence],
        version_id=version_id,
    )


def evidence_row(each: Evidence) -> dict[str, Any]:
    """A piece of evidence as it is stored and printed."""
    row = {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(each).items()}
    row["changed"] = None if each.changed is None else moment_of(each.changed).isoformat()
    row["speaks"] = dict(each.speaks)
    return row


def contrasts_of(rows: Sequence[Mapping[str, Any]]) -> list[Evidence]:
    """The pieces of a stored explanation that say what sessions lose to whom."""
    return [Evidence(**row) for row in rows if row.get("kind") in ("demarcation", "joint")]


def _values(units: Units, attribute: str) -> list[int]:
    if attribute not in units.attributes:
        return []
    return sorted(set(np.unique(units.attributes[attribute]).tolist()) - {0})


def _series(connection: Connection, cells: list[int], first: int, last: int) -> list[KpiSeries]:
    start, end = moment_of(first - LOOKBACK), moment_of(last + 1)
    now = cell_evidence.kpi_series(connection, list(KPIS), cells, start, end)
    usual = cell_evidence.kpi_series(connection, list(KPIS), cells, moment_of(first) - _DAY, end - _DAY)
    return [
        KpiSeries(
            kpi=kpi,
            values={window_of(at): value for name, at, value, _ in now if name == kpi},
            usual=[value for name, _, value, _ in usual if name == kpi],
        )
        for kpi in sorted({name for name, *_ in now})
    ]


def _alarms(
    connection: Connection,
    cells: list[int],
    sites: list[int],
    cluster: Cluster,
    window: int,
    advice: Mapping[str, Advice],
) -> list[Evidence]:
    """Alarms that stood while the cluster began: raised at most an hour before its start, by what they say."""
    start: datetime = moment_of(cluster.onset.lo) - _ALARMS_BEFORE
    seen = cell_evidence.alarms(connection, cells, sites, start, moment_of(window) + QUARTER)
    begun = moment_of(cluster.start)
    gone = {each.alarm_id for each in seen if each.cleared and each.time <= begun}
    first: dict[str, datetime] = {}
    count: dict[str, int] = {}
    for each in seen:
        if each.cleared or each.alarm_id in gone:
            continue
        text = " ".join(part for part in (each.condition, each.problem) if part) or each.alarm_id
        first.setdefault(text, each.time)
        count[text] = count.get(text, 0) + 1
    return [alarm_of(window_of(at), domains_of_alarm(text, advice), text, count[text]) for text, at in first.items()]
