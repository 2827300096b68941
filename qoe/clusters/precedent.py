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
    odds = np.full(len(frame), _log_odds(np.array([whole]))[0])
    for name in attributes:
        sums = history.groupby(name, observed=True)[[bad, total]].sum()
        ratio = (sums[bad] + PRIOR_UNITS * whole) / (sums[total] + PRIOR_UNITS)
        odds += _log_odds(frame[name].map(ratio).astype(float).fillna(whole).to_numpy()) - _log_odds(np.array([whole]))
    above = 1 / (1 + np.exp(-odds))
    own = history.groupby(list(attributes), observed=True, dropna=False)[[bad, total]].sum()
    leaf = own.reindex(pd.MultiIndex.from_frame(frame[list(attributes)])) if len(attributes) > 1 else None
    if leaf is None:
        leaf = own.reindex(frame[attributes[0]])
    ratio = (leaf[bad].fillna(0).to_numpy() + PRIOR_UNITS * above) / (leaf[total].fillna(0).to_numpy() + PRIOR_UNITS)
    return np.asarray(frame[total].to_numpy(np.float64) * ratio)


def _log_odds(ratio: Floats) -> Floats:
    inside = np.clip(ratio, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside / (1 - inside)))
