"""The bad days of the trailing periods, as columns beside the index, and the penalty where one is asked for."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cemaphore.pipeline.score_rows import Columns
from qoe.persistence import NONE, PersistenceRules, penalty, persistence


def with_bad_days(
    columns: Columns, days: Mapping[str, NDArray[Any]], starts: Sequence[datetime], rules: PersistenceRules
) -> Columns:
    """Add the figures of bad days to columns of user_period.

    `days` are rows of user_day of the same customers (`customer_key`, `start` in microseconds, `n`, `bad`); `starts`
    the local days of the period, oldest first.
    """
    customers = columns["customer_key"]
    order = np.argsort(customers)
    user = order[np.searchsorted(customers, days["customer_key"], sorter=order)]
    begins = np.array([int(start.timestamp()) * 1_000_000 for start in starts])
    day = np.searchsorted(begins, days["start"], side="right") - 1
    made = persistence(user, len(customers), day, days["n"], days["bad"], rules)
    factor = penalty(made.term, rules)
    last = begins.astype("datetime64[us]")[np.maximum(made.last_bad, 0)]
    return {
        **columns,
        **{name: (columns[name] * factor).astype(np.float32) for name in ("overall", "lo", "hi")},
        "known_days": made.known_days,
        "bad_days": made.bad_days,
        "longest_bad_run": made.longest_run,
        "last_bad": np.where(made.last_bad == NONE, np.datetime64("NaT"), last),
        "recent_bad_share": made.recent_share,
        "persistence": made.term,
        "persistence_c": columns["overall"] * (1.0 - factor),
    }
