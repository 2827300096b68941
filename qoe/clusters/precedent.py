"""What a table's leaves would show if they did as they did before: an expectation from a short history."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from qoe.clusters.units import Floats

# Weight in units of the rung above: a value's ratio counts half with so many units of its own (own).
PRIOR_UNITS = 50.0


def expected_by_precedent(
    frame: pd.DataFrame, history: pd.DataFrame, attributes: Sequence[str], bad: str, total: str
) -> Floats:
    """Expected bad units of each row of `frame`, from `history` with the same columns.

    Three rungs, each a Beta prior of 50 units for the next: the ratio of the whole history; the log-odds of the
    whole plus the differences of each attribute's value; the leaf's own ratio.
    """
    whole = (float(history[bad].sum()) + 0.5) / (float(history[total].sum()) + 1.0)
    base = _log_odds(np.full(len(frame), whole))
    odds = base.copy()
    for name in attributes:
        odds = odds + _log_odds(_ratios(frame, history, [name], bad, total, np.full(len(frame), whole))) - base
    above = np.asarray(1 / (1 + np.exp(-odds)), dtype=np.float64)
    return frame[total].to_numpy(np.float64) * _ratios(frame, history, list(attributes), bad, total, above)


def _ratios(
    frame: pd.DataFrame, history: pd.DataFrame, names: list[str], bad: str, total: str, prior: Floats
) -> Floats:
    """The ratio in the history of each row's values of `names`, shrunk to the prior."""
    sums = history.groupby(names, observed=True, dropna=False)[[bad, total]].sum()
    rows = frame[names[0]] if len(names) == 1 else pd.MultiIndex.from_frame(frame[names])
    of_rows = sums.reindex(rows).fillna(0.0)
    seen, units = of_rows[bad].to_numpy(np.float64), of_rows[total].to_numpy(np.float64)
    return np.asarray((seen + PRIOR_UNITS * prior) / (units + PRIOR_UNITS), dtype=np.float64)


def _log_odds(ratio: Floats) -> Floats:
    inside = np.clip(ratio, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside / (1 - inside)))
