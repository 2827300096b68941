"""Turns the counters of dirty windows into KPI values per object: by 15 minutes, or in the counters' own length."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from kpi.catalogue import Catalogue
from kpi.engine import evaluate
from kpi.vendor_names import VendorNames
from records.windows import HOUR, QUARTER
from store import counters, scores
from store.connection import Connection
from store.frames import label_values

KINDS = ("counters",)
_QUARTER_S = int(QUARTER.total_seconds())
_NUMBERS = ("value", "numerator", "denominator", "lo", "hi", "missing_lo", "missing_hi")


def score_counters(
    connection: Connection,
    catalogue: Catalogue,
    hours: list[datetime],
    step: Callable[[], None],
    vendors: VendorNames | None = None,
) -> int:
    """Evaluate the dirty windows of these hours, one transaction an hour; returns the rows written.

    Counters under `vendors` names count as the standard ones that they stand for.

    An hour that another process holds is left to it. Marks are deleted only if they were read before the data.
    """
    written = 0
    longest: dict[datetime, timedelta] = {}
    for hour in hours:
        day = hour.replace(hour=0)
        with connection.transaction():
            if scores.hold(connection, "counters", hour, wait=False):
                if day not in longest:
                    longest[day] = counters.longest_period(connection, day, day + timedelta(days=1))
                written += _score_hour(connection, catalogue, vendors or VendorNames(), hour, longest[day])
        step()
    return written


def _score_hour(
    connection: Connection, catalogue: Catalogue, vendors: VendorNames, hour: datetime, longest: timedelta
) -> int:
    marks = scores.marks(connection, KINDS, hour, hour + HOUR)
    scores.delete_span(connection, "kpi_value", hour, hour + HOUR)
    written = 0
    frame = _frame(connection, vendors, hour, longest)
    version = "+".join(part for part in (catalogue.version, vendors.version) if part)
    for period_s, values in _values(frame, catalogue):
        written += scores.append(connection, "kpi_value", _columns(values, period_s, version))
    scores.unmark(connection, marks)
    return written


def _frame(connection: Connection, vendors: VendorNames, hour: datetime, longest: timedelta) -> pd.DataFrame:
    raw = counters.current(connection, hour, hour + HOUR, longest)
    names = label_values(connection, ("counter",))["counter"]
    known, code = np.unique(raw["counter"], return_inverse=True)
    meant = [vendors.standard(names[int(number)]) for number in known]
    standard, fold = np.unique(np.array([one.name for one in meant], dtype=object), return_inverse=True)
    factor = np.array([one.factor for one in meant])
    return pd.DataFrame(
        {
            "object_id": raw["object_id"],
            "window_start": pd.to_datetime(raw["start"], unit="us", utc=True),
            "period_s": raw["period_s"],
            "counter": pd.Categorical.from_codes(fold[code], pd.Index(standard)),
            "value": raw["value"] * factor[code],
            "suspect": raw["suspect"],
        }
    )


def _values(frame: pd.DataFrame, catalogue: Catalogue) -> Iterator[tuple[int, pd.DataFrame]]:
    """KPI values by length of window: 15 minutes, and the own length of each period that does not fit into one."""
    if frame.empty:
        return
    start_s = frame["window_start"].dt.as_unit("s").astype("int64")
    fits = start_s % _QUARTER_S + frame["period_s"] <= _QUARTER_S
    if fits.any():
        yield _QUARTER_S, evaluate(frame[fits], catalogue, window_s=_QUARTER_S)
    for (start, period_s), mine in frame[~fits].groupby(["window_start", "period_s"]):
        edges = pd.DatetimeIndex([start, start + pd.Timedelta(seconds=period_s)])
        yield int(period_s), evaluate(mine, catalogue, windows=edges)


def _columns(values: pd.DataFrame, period_s: int, catalogue_version: str) -> dict[str, Any]:
    starts = pd.DatetimeIndex(values["window_start"]).tz_convert("UTC").tz_localize(None)
    columns: dict[str, Any] = {
        "kpi": values["kpi"].to_numpy(dtype=object),
        "object_id": values["object_id"].to_numpy(dtype=np.int32),
        "start": starts.to_numpy(),
        "period_s": period_s,
        "coverage": values["coverage"].to_numpy(dtype=np.float64),
        "flags": values["flags"].to_numpy(dtype=object),
        "catalogue_version": catalogue_version,
    }
    columns |= {name: values[name].to_numpy(dtype=np.float64) for name in _NUMBERS}
    return columns | {name: values[name].to_numpy(dtype=np.int32) for name in ("n_periods", "n_suspect")}
