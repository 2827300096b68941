"""Causes found where there is none: tables of noise, at a nominal 3 %, and demo days without a fault."""

import numpy as np
from scipy.stats import binomtest, chi2

from bench.cities import calm_days
from bench.pairs import arguments, close, tell
from bench.tables import table
from cemaphore.settings import load_settings
from qoe.clusters import localise

LEVEL = 0.03
TARGET = 0.05  # 50 of 1,000 tables
KINDS = ("counts with an expectation", "counts without", "additive")
SIZES = (6, 5, 4, 8)
CALM_DAYS = 20


def main() -> int:
    """Search where nothing is to be found; exit 1 for causes in over 5 % of tables or more than allowed on calm days.

    The small form takes tables only: a calm city needs a minute or more.
    """
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
    allowed = load_settings().false_clusters_per_day
    calm = [len(day.clusters) for day in calm_days(0 if asked.small else CALM_DAYS)]
    if calm:
        low = float(chi2.ppf(0.025, 2 * sum(calm))) / 2 / len(calm) if sum(calm) else 0.0
        high = float(chi2.ppf(0.975, 2 * sum(calm) + 2)) / 2 / len(calm)
        tell(
            f"{sum(calm)} clusters in {len(calm)} demo days without a fault, {sum(calm) / len(calm):.2f} a day "
            f"(95 % interval {low:.2f} to {high:.2f}; {allowed:g} are allowed)"
        )
    detail: dict[str, object] = {
        "false": false,
        "tables": tables,
        "interval": [found.low, found.high],
        "calm_days": calm,
    }
    ended = close(
        "null_clusters", count / tables, "share of tables", TARGET, at_most=True, detail=detail, as_json=asked.json
    )
    return ended or int(sum(calm) > allowed * len(calm))


if __name__ == "__main__":
    raise SystemExit(main())
