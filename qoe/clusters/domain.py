"""Which domain a cluster lies in, by its own conditions and by which measurements moved, with the evidence."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from qoe.clusters.units import Floats

# Metric -> (unit, sign of worse).
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
    "prb_utilisation_dl": ("%", 1),
    "failed": ("ratio", 1),
    "wait_s": ("s", 1),
    "handle_s": ("s", 1),
    "transfers": ("1", 1),
}

MIN_SAMPLES = 20  # on either side of a comparison (own)
_FEWER = {"prb_utilisation_dl": 4}  # counters are sums over many sessions already (own)
MOVED = 0.5  # standardised difference that counts as moved: Cohen's "medium" effect (published)
BUSY_PRB = 80.0  # % of resource blocks in use from which a cell is short of them: a usual alert threshold (provisional)
MANY_SITES = 3  # sites at once that point behind them, to what carries them all (own)
_BY_ATTRIBUTE = {
    "model": "device",
    "app": "app",
    "server": "server",
    "core_node": "core",
    "channel": "service_touchpoint",
    "activity": "service_touchpoint",
}
_DIMENSION = {"device": "device", "app": "app", "server": "app", "service_touchpoint": "service"}


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One measurement before (or elsewhere) and during; `effect` in standard deviations, positive is worse."""

    metric: str
    before: float
    during: float
    effect: float
    unit: str


def evidence_of(during: Mapping[str, Floats], before: Mapping[str, Floats]) -> tuple[Evidence, ...]:
    """Compare measurements, strongest first; those with too few samples on a side are left out."""
    found = [_compared(name, during[name], before[name]) for name in METRICS if name in during and name in before]
    return tuple(sorted((each for each in found if each is not None), key=lambda each: -abs(each.effect)))


def _compared(name: str, during: Floats, before: Floats) -> Evidence | None:
    now, then = (each[~np.isnan(each)].astype(np.float64) for each in (during, before))
    if min(len(now), len(then)) < _FEWER.get(name, MIN_SAMPLES):
        return None
    unit, worse = METRICS[name]
    spread = float(np.sqrt((now.var() + then.var()) / 2))
    change = float(now.mean() - then.mean())
    effect = worse * change / spread if spread > 1e-9 else 0.0
    return Evidence(
        metric=name, before=float(then.mean()), during=float(now.mean()), effect=round(effect, 3), unit=unit
    )


def domain_of(attribute: str, sites: int, evidence: tuple[Evidence, ...]) -> str:
    """The domain of a cluster over `attribute` that covers `sites` sites; "unknown" where evidence is thin."""
    if attribute in _BY_ATTRIBUTE:
        return _BY_ATTRIBUTE[attribute]
    if attribute not in ("cell", "site", "region"):
        return "unknown"
    effect = {each.metric: each.effect for each in evidence}
    coverage, quality = effect.get("rsrp_dbm", 0.0), effect.get("sinr_db", 0.0)
    if max(coverage, quality) >= MOVED:
        return "ran_coverage" if coverage >= MOVED and coverage >= quality / 2 else "ran_interference"
    slow = max(effect.get("rtt_client_ms", 0.0), effect.get("throughput_dl_kbps", 0.0), effect.get("loss_dl", 0.0))
    busy = any(each.metric == "prb_utilisation_dl" and each.during >= BUSY_PRB for each in evidence)
    if busy and effect["prb_utilisation_dl"] >= MOVED and slow >= MOVED / 2:
        return "ran_capacity"
    if slow < MOVED:
        return "unknown"
    if sites >= MANY_SITES and attribute != "cell":  # what carries a site carries all of its cells
        return "transport"
    both = min(effect.get("rtt_client_ms", 0.0), effect.get("throughput_dl_kbps", 0.0))
    return "ran_capacity" if "prb_utilisation_dl" not in effect and both >= MOVED else "unknown"


def dimension_of(domain: str) -> str:
    """The dimension of experience that a domain belongs to; network where it is not known."""
    return _DIMENSION.get(domain, "network")


def recommendation_of(domain: str) -> str:
    """Code of what to do next; the message catalogues hold its text."""
    return f"recommend.{domain}"
