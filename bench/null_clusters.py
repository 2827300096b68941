"""Causes found where there is none: tables of noise, at a nominal 3 %."""

import numpy as np
from scipy.stats import binomtest

from bench.pairs import arguments, close, tell
from bench.tables import table
from qoe.clusters import localise

LEVEL = 0.03
TARGET = 0.05  # 50 of 1,000 tables
KINDS = ("counts with an expectation", "counts without", "additive")
SIZES = (6, 5, 4, 8)


def main() -> int:
    """Localise tables without a cause; exit 1 when more than 5 % show one."""
    asked = arguments(__doc__ or "")
    tables = 60 if asked.small else 1000
    false = dict.fromkeys(KINDS, 0)
    for number in range(tables):
        kind = KINDS[number % len(KINDS)]
        made = table(np.random.default_rng([3, number]), SIZES, ratio=kind != "additive", causes=False)
        total = None if kind == "additive" else "n"
        expected = None if kind == "counts without" else "expected"
        false[kind] += bool(localise(made.frame, made.attributes, "bad", total, expected, level=LEVEL))
    for kind, count in false.items():
        tell(f"{kind}: {count} of about {tables // len(KINDS)} tables")
    count = sum(false.values())
    found = binomtest(count, tables).proportion_ci(method="wilson")
    tell(
        f"{count} of {tables} tables with a cluster at a nominal {LEVEL:.0%}, "
        f"interval {found.low:.4f} to {found.high:.4f}"
    )
    detail: dict[str, object] = {"false": false, "tables": tables, "interval": [found.low, found.high]}
    return close(
        "null_clusters", count / tables, "share of tables", TARGET, at_most=True, detail=detail, as_json=asked.json
    )


if __name__ == "__main__":
    raise SystemExit(main())
