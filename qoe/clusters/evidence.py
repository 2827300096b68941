"""The pieces of evidence about a cluster: what moved, by how much, when, and for which domain it speaks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from qoe.clusters.changepoint import Onset, shift_of
from qoe.clusters.units import Floats

# Metric of sessions or touchpoints -> (unit, sign of worse).
METRICS: Mapping[str, tuple[str, int]] = {
    "rsrp_dbm": ("dBm", -1),
    "sinr_db": ("dB", -1),
    "loss_dl": ("ratio", 1),
    "rtt_client_ms": ("ms", 1),
    "rtt_server_ms": ("ms", 1),
    "throughput_dl_kbps": ("kbit/s", -1),
    "jitter_ms": ("ms", 1),
    "dns_ms": ("ms", 1),
    "ttfb_ms": ("ms", 1),
    "failed": ("ratio", 1),
    "wait_s": ("s", 1),
    "handle_s": ("s", 1),
    "transfers": ("1", 1),
}
# KPI of cells -> (unit, sign of worse).
KPIS: Mapping[str, tuple[str, int]] = {
    "PrbUtilDl": ("%", 1),
    "PrbTotDl": ("%", 1),
    "CellAvailability": ("%", -1),
    "RRCConnEstabSR": ("%", -1),
    "ERABEstabInitSR": ("%", -1),
    "DRBAccessibility": ("%", -1),
    "ERABDropRate": ("%", 1),
    "IPThpDl": ("kbit/s", -1),
    "UEThpDl": ("kbit/s", -1),
    "IPLatDl": ("ms", 1),
    "RlcSduLatencyDl": ("ms", 1),
    "MobilitySR": ("%", -1),
    "GRANHOSR": ("%", -1),
}
LOADS = ("PrbUtilDl", "PrbTotDl")  # resource blocks in use: of NR cells (TS 28.552), of LTE cells (TS 32.425)
MIN_SAMPLES = 20  # sessions on either side of a comparison (own)
MIN_WINDOWS = 2  # windows of counters on either side; each is a sum over many sessions already (own)
MOST_EFFECT = 10.0  # a level that hardly varied gives greater ones, which say no more (own)
NEAR = 2  # windows that a shift may lie outside the interval of a cluster's start and still belong to it (own)
_LEAST_SPREAD = 0.02  # of the level before: means over cells vary so little that anything would be an effect (own)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One piece: its figure before (or elsewhere) and during; `effect` in standard deviations, positive is worse.

    `kind` is measurement, kpi, alarm, conditions, demarcation or joint; `changed` the window of its change-point,
    where one was found; `speaks` the weight of evidence (log odds, own) by domain.
    """

    kind: str
    metric: str
    before: float | None
    during: float | None
    effect: float
    unit: str
    changed: int | None = None
    timely: bool | None = None
    speaks: Mapping[str, float] = field(default_factory=dict)


def measurements_of(during: Mapping[str, Floats], before: Mapping[str, Floats]) -> tuple[Evidence, ...]:
    """Compare measurements of sessions, strongest first; those with too few samples on a side are left out."""
    found = [_measured(name, during[name], before[name]) for name in METRICS if name in during and name in before]
    return tuple(sorted((each for each in found if each is not None), key=lambda each: -abs(each.effect)))


def _measured(name: str, during: Floats, before: Floats) -> Evidence | None:
    now, then = (each[~np.isnan(each)].astype(np.float64) for each in (during, before))
    if min(len(now), len(then)) < MIN_SAMPLES:
        return None
    unit, worse = METRICS[name]
    spread = float(np.sqrt((now.var() + then.var()) / 2))
    change = float(now.mean() - then.mean())
    return Evidence(
        kind="measurement",
        metric=name,
        before=float(then.mean()),
        during=float(now.mean()),
        effect=round(worse * change / spread, 3) if spread > 1e-9 else 0.0,
        unit=unit,
    )


@dataclass(frozen=True, kw_only=True)
class KpiSeries:
    """Means of a KPI over a cluster's cells: window -> value. `usual` are the same hours a day before."""

    kpi: str
    values: Mapping[int, float]
    usual: Sequence[float] = ()


def kpis_of(series: Sequence[KpiSeries], onset: Onset) -> tuple[Evidence, ...]:
    """Compare the KPIs of cells before and after a cluster's start, with the change-point of each; strongest first.

    Before is the same hours a day before, or where these are not known the windows before the start. A change-point is
    timely that lies within `NEAR` windows of the start's interval.
    """
    found = [_moved(each, onset) for each in series if each.kpi in KPIS]
    return tuple(sorted((each for each in found if each is not None), key=lambda each: -abs(each.effect)))


def _moved(series: KpiSeries, onset: Onset) -> Evidence | None:
    windows = np.array(sorted(series.values), dtype=np.int64)
    values = np.array([series.values[int(window)] for window in windows])
    during = values[windows >= onset.window]
    before = np.array(series.usual) if len(series.usual) >= MIN_WINDOWS else values[windows < onset.window]
    if min(len(during), len(before)) < MIN_WINDOWS:
        return None
    unit, worse = KPIS[series.kpi]
    change = float(during.mean() - before.mean())
    spread = max(float(np.sqrt((during.var() + before.var()) / 2)), _LEAST_SPREAD * abs(float(before.mean())), 1e-9)
    shift = shift_of(values)
    changed = None if shift is None else int(windows[shift.index])
    return Evidence(
        kind="kpi",
        metric=series.kpi,
        before=float(before.mean()),
        during=float(during.mean()),
        effect=round(float(np.clip(worse * change / spread, -MOST_EFFECT, MOST_EFFECT)), 3),
        unit=unit,
        changed=changed,
        timely=None if changed is None else onset.lo - NEAR <= changed <= onset.hi + NEAR,
    )


def speaking(evidence: Evidence, domain: str, weight: float) -> Evidence:
    """The piece with what it says added."""
    return replace(evidence, speaks={**evidence.speaks, domain: round(evidence.speaks.get(domain, 0.0) + weight, 3)})
