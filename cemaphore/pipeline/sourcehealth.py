"""How good the data of each source are, window by window, against the source's own history.

A source that gives a tenth of what it usually gives, or did not answer for most of a window, was away: the window is
blank. What it says of that window is no experience of anybody, and what it does not say is no silence of the network.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from cemaphore.settings import Settings
from qoe.drift import (
    UNIT_FACTORS,
    Quartiles,
    drift,
    drifted,
    expected,
    quartiles,
    share_drifted,
    silent,
    unit_factor,
)
from records.windows import QUARTER
from store import quality
from store.connection import Connection, connect
from store.quality import History, Measured, Past

_BLANK = ("silent", "outage")


@dataclass(kw_only=True)
class HealthRun:
    """What one assessment did: windows looked at, rows written, rows of sources that were away, and findings."""

    windows: int = 0
    rows: int = 0
    blank: int = 0
    findings: int = 0


def assess(
    dsn: str,
    settings: Settings,
    *,
    now: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
    progress: Callable[[datetime], None] | None = None,
) -> HealthRun:
    """Assess all closed windows that are new or may have changed, or those of [start, end), oldest first.

    Each window is one transaction; assessed again it gives the same rows unless records came in. Run it before scores
    are made (what waits to be scored is what changed) and before anything is detected.
    """
    close_after = timedelta(minutes=settings.close_after_minutes)
    run = HealthRun()
    with connect(dsn, autocommit=True) as connection:
        if start is not None and end is not None:
            count = max(0, (min(end, now - close_after) - start) // QUARTER)
            windows = [start + index * QUARTER for index in range(count)]
        else:
            windows = quality.to_assess(connection, now - close_after)
        for window in windows:
            with connection.transaction():
                _window(connection, window, close_after, now, run)
            run.windows += 1
            if progress is not None:
                progress(window)
    return run


def _window(connection: Connection, start: datetime, close_after: timedelta, now: datetime, run: HealthRun) -> None:
    alive = quality.live(connection, start)
    for kind in quality.KINDS:
        found = quality.measured(connection, kind, start, start + QUARTER + close_after)
        sources = {source_id for name, source_id in alive if name == kind.name} | found.keys()
        for source_id in sorted(sources):
            key = (kind.name, source_id)
            one = found.get(source_id, Measured())
            past = quality.history(connection, key, start)
            away = quality.outage(connection, source_id, start)
            if past is None and away is None and not (one.received or one.quarantined or one.duplicate):
                continue  # a source before its first record
            # mypy infers no type for a lambda with a default, which holds this turn's key.
            row = judged(one, past, away, lambda key=key: quality.others(connection, key, start))  # type: ignore[misc]
            quality.write(connection, key, start, {**row, "made_at": now})
            run.rows += 1
            run.blank += row["state"] in _BLANK
            run.findings += len(row["findings"])


def judged(
    one: Measured, past: History | None, away: str | None, others: Callable[[], tuple[Past, ...]]
) -> dict[str, Any]:
    """The row of a window: what was measured, what was expected, and what is unusual about it."""
    windows = past.windows if past else ()
    wanted = expected([each.received for each in windows])
    state, reason = _state(one, wanted.count if wanted else None, silent(one.received, wanted), away)
    found = {name: quartiles(one.values[name]) for name in one.measures if name in one.values}
    profile = {name: each for name, each in found.items() if each is not None}
    missing = {name: float(np.isnan(values).mean()) for name, values in one.values.items() if len(values)}
    findings = [] if state in _BLANK else _findings(one, windows, profile, missing, others)
    lateness = np.percentile(one.lateness_s, (50, 95)).tolist() if len(one.lateness_s) else (None, None)
    return {
        "received": one.received,
        "expected": wanted.count if wanted else None,
        "expected_low": wanted.low if wanted else None,
        "history": past.rung if past and wanted else None,
        "lateness_p50_s": lateness[0],
        "lateness_p95_s": lateness[1],
        "late": one.late,
        "duplicate": one.duplicate,
        "quarantined": one.quarantined,
        "missing": {name: round(share, 4) for name, share in missing.items() if share > 0},
        "profile": {name: [each.n, each.low, each.median, each.high] for name, each in profile.items()},
        "findings": findings,
        "state": state,
        "reason": reason,
    }


def _state(one: Measured, wanted: float | None, quiet: bool, away: str | None) -> tuple[str, str | None]:
    if away is not None:
        return "outage", away
    if quiet and wanted is not None:
        return "silent", f"{one.received} records where about {wanted:.0f} are usual"
    return ("learning", None) if wanted is None else ("good", None)


def _findings(
    one: Measured,
    windows: Sequence[Past],
    profile: Mapping[str, Quartiles],
    missing: Mapping[str, float],
    others: Callable[[], tuple[Past, ...]],
) -> list[dict[str, Any]]:
    """Drift, units and gaps by column; a unit mistake is told as that and not as drift as well."""
    found: list[dict[str, Any]] = []
    strangers: tuple[Past, ...] | None = None
    for name, now in sorted(profile.items()):
        own = _quartiles(windows, name)
        factor, against = unit_factor(now, own), "own history"
        if (factor is None and len(own) < len(windows) / 2) or not windows:
            strangers = others() if strangers is None else strangers
            factor, against = unit_factor(now, _quartiles(strangers, name)), "other sources"
        moved = drift(now, own)
        if factor is not None:
            found.append(
                {
                    "finding": "unit",
                    "column": name,
                    "factor": factor,
                    "meaning": UNIT_FACTORS[factor],
                    "against": against,
                }
            )
        elif moved is not None and drifted(moved):
            found.append({"finding": "drift", "column": name, "spreads": round(moved.spreads, 1), "ratio": moved.ratio})
    for name, share in sorted(missing.items()):
        usual = [each.missing.get(name, 0.0) for each in windows if each.received]
        if share_drifted(share, len(one.values[name]), usual):
            shown = {"share": round(share, 4), "usual": round(float(np.median(usual)), 4)}
            found.append({"finding": "missing", "column": name, **shown})
    return found


def _quartiles(windows: Sequence[Past], name: str) -> list[Quartiles]:
    found = (each.profile[name] for each in windows if name in each.profile)
    return [Quartiles(n=int(n), low=low, median=median, high=high) for n, low, median, high in found]
