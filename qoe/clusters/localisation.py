"""Which single value explains a table's bad units best: the same search over counts instead of customers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from qoe.clusters.history import History
from qoe.clusters.policy import Policy
from qoe.clusters.search import search
from qoe.clusters.units import Units


def localise(
    frame: pd.DataFrame,
    attributes: Sequence[str],
    bad: str,
    total: str,
    expected_bad: str | None = None,
    *,
    level: float = 0.01,
) -> pd.DataFrame:
    """Return the values that explain the bad units of a table, best first.

    `frame` has one row a leaf: columns `attributes`, and the columns that `bad` and `total` name with its counts.
    Without the column `expected_bad` every leaf is expected to have the table's overall ratio. Result columns:
    attribute, value, n, bad, expected, severity, p_value, q_value.
    """
    n = frame[total].to_numpy(float)
    seen = frame[bad].to_numpy(float)
    expected = n * (seen.sum() / max(n.sum(), 1.0)) if expected_bad is None else frame[expected_bad].to_numpy(float)
    coded = {name: pd.factorize(frame[name]) for name in attributes}
    zeros = np.zeros(len(frame), np.int64)
    units = Units(
        time_us=zeros,
        window=zeros,
        customer=zeros,
        n=n,
        bad=seen,
        expected=expected,
        attributes={name: codes.astype(np.int64) + 1 for name, (codes, _) in coded.items()},
    )
    policy = Policy(level=level, attributes=tuple(attributes), scales=(1,), min_severity=0.02)
    found = search(units, 0, policy, History())
    rows = [
        (
            name,
            coded[name][1][one.code - 1],
            one.n,
            one.bad,
            one.expected,
            each.severity,
            one.p_value,
            each.q_value,
        )
        for each in found.findings
        for name in each.selector.attributes
        for one in each.parts
    ]
    columns = ["attribute", "value", "n", "bad", "expected", "severity", "p_value", "q_value"]
    return pd.DataFrame(rows, columns=columns)
