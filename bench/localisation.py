"""Causes of real incidents of a live-video service: are they named exactly, and at what cost."""

import argparse
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from bench.pairs import close, tell
from qoe.clusters import localise

TARGET = 0.75  # micro-F1 over exact sets of attribute and value
LEAST = 0.65  # of precision and of recall
SLOWEST = 5.0  # times a group-by of every single attribute
DATA = "../shared/data/localisation"
_COUNTS = ("min", "value", "cnt")
_ROUNDS = 3

Conditions = frozenset[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One incident: causes found rightly, found wrongly and missed, and seconds against those of the group-by."""

    case: str
    right: int
    wrong: int
    missed: int
    slower: float


def outcome(folder: Path, truth: dict[str, object], *, history: bool) -> Outcome:
    """Localise one incident from its minute, with or without the minutes before it."""
    frame = pd.read_csv(folder / "cases" / f"{truth['case']}.csv")
    attributes = [str(name) for name in frame if name not in _COUNTS]
    minute = int(str(truth["anomaly_minute"]))
    now = frame[frame["min"] == minute].reset_index(drop=True)
    before = frame[frame["min"] < minute] if history else None
    ours, peer = [], []
    for _ in range(_ROUNDS):
        began = time.process_time()
        found = localise(now, attributes, "value", "cnt", history=before)
        between = time.process_time()
        for name in attributes:
            now.groupby(name)[["value", "cnt"]].sum()
        ours.append(between - began)
        peer.append(time.process_time() - between)
    named = {_conditions({name: values[0] for name, values in each.selector.items()}) for each in found}
    causes = truth["cause"]
    assert isinstance(causes, list)
    known = {_conditions(each) for each in causes}
    right = len(named & known)
    return Outcome(
        case=str(truth["case"]),
        right=right,
        wrong=len(named) - right,
        missed=len(known) - right,
        slower=median(ours) / max(median(peer), 1e-9),
    )


def _conditions(cause: dict[str, object]) -> Conditions:
    return frozenset((name, str(value)) for name, value in cause.items())


def f1(found: list[Outcome]) -> tuple[float, float, float]:
    """Micro-F1, precision and recall over all incidents."""
    right, wrong, missed = (sum(getattr(each, name) for each in found) for name in ("right", "wrong", "missed"))
    return 2 * right / max(2 * right + wrong + missed, 1), right / max(right + wrong, 1), right / max(right + missed, 1)


def interval(found: list[Outcome], draws: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of the micro-F1, incidents drawn."""
    rng = np.random.default_rng(1)
    drawn = [f1([found[place] for place in rng.integers(0, len(found), len(found))])[0] for _ in range(draws)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def main() -> int:
    """Localise every incident of a folder; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folder", nargs="?", help=f"truth.json and cases/*.csv (default {DATA}, CEMAPHORE_LOCALISATION)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--small", action="store_true", help="a size for continuous integration")
    asked = parser.parse_args()
    folder = Path(asked.folder or os.environ.get("CEMAPHORE_LOCALISATION") or DATA)
    if not (folder / "truth.json").exists():
        folder = Path(__file__).parent.parent / folder
    if not (folder / "truth.json").exists():
        tell(f"no incidents at {folder}: name their folder")
        return close("localisation", 0.0, "micro-F1 (no incidents)", TARGET, as_json=asked.json)
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    truth = truth[:8] if asked.small else truth
    detail: dict[str, object] = {}
    for name, history in (("without history", False), ("with history", True)):
        found = [outcome(folder, each, history=history) for each in truth]
        figure, precision, recall = f1(found)
        low, high = interval(found)
        slower = median(each.slower for each in found)
        tell(
            f"{name}: micro-F1 {figure:.3f} [{low:.3f}, {high:.3f}], precision {precision:.3f}, recall {recall:.3f}; "
            f"median time {slower:.2f} group-bys"
        )
        missed = [each.case for each in found if each.wrong or each.missed]
        tell(f"  not exact: {' '.join(missed)}")
        detail[name] = {"f1": figure, "interval": [low, high], "precision": precision, "recall": recall}
    code = close("localisation", figure, "micro-F1", TARGET, detail=detail, as_json=asked.json)
    if min(precision, recall) <= LEAST or slower > SLOWEST:
        tell(f"missed: precision and recall above {LEAST}, time at most {SLOWEST:g} group-bys")
        return 1
    return code


if __name__ == "__main__":
    raise SystemExit(main())
