"""Weights of the dimensions out of surveys: reads answers with the indices before them, and writes a catalogue."""

import re
from pathlib import Path

import numpy as np

import qoe.catalogue
from cemaphore import catalogues
from cemaphore.settings import Settings
from qoe.calibration import SCALES, Answers, Calibration, Refusal, calibrate
from qoe.catalogue import DIMENSIONS
from qoe.indices import IndexRules, ln_index
from records.errors import ConfigError
from store import aggregation as stored
from store.connection import Connection

_WEIGHTS = re.compile(r"(^\[index\]$[^\[]*?^weights = )\{[^}]*\}", re.MULTILINE)
_VERSION = re.compile(r'^version = "([^"]*)"', re.MULTILINE)


def answers(connection: Connection, rules: IndexRules, days: int) -> Answers:
    """Read all surveys of known kinds with the users' dimension indices over so many days before each."""
    found, names = stored.answers(connection, days)
    kinds = {number: place for place, kind in enumerate(SCALES) for number, name in names.items() if name == kind}
    rows = np.flatnonzero(np.isin(found["kind"], list(kinds)))
    kind = np.array([kinds[number] for number in found["kind"][rows].tolist()], dtype=np.int64)
    low, high = (np.array([scale[end] for scale in SCALES.values()])[kind] for end in (0, 1))
    w, s1, m = (np.array([found[f"{name}_{part}"][rows] for name in DIMENSIONS]) for part in ("w", "s1", "m"))
    return Answers(
        time=found["time"][rows],
        user=found["customer_key"][rows],
        kind=kind,
        score=np.clip(100.0 * (found["score"][rows] - low) / (high - low), 0.0, 100.0),
        dimensions=np.exp(ln_index(w, s1, m, rules.prior_weight)),
    )


def propose(connection: Connection, settings: Settings, days: int) -> Calibration | Refusal:
    """Propose weights for the catalogue in force; nothing is written."""
    rules = IndexRules.of(catalogues.quality(settings))
    return calibrate(answers(connection, rules, days), rules.weights, rules.mean)


def write_catalogue(settings: Settings, found: Calibration, path: Path) -> str:
    """Write the catalogue in force with the proposed weights to a new file and return its version.

    ConfigError where the file is there already or the catalogue in force does not show its weights in one line.
    """
    if path.exists():
        raise ConfigError(f"{path} is there already: name a new file, look at it, and put it in place by hand")
    weights = _rounded({weight.dimension: weight.proposed for weight in found.weights})
    line = "{ " + ", ".join(f"{name} = {value:.3f}" for name, value in weights.items()) + " }"
    remark = f"   # from {found.train} surveys, judged on {found.test} later ones"
    text, weighed = _WEIGHTS.subn(lambda old: old[1] + line + remark, catalogues.quality_text(settings))
    text, named = _VERSION.subn(r'version = "\1+surveys"', text, count=1)
    if (weighed, named) != (1, 1):
        raise ConfigError("the quality catalogue in force does not have one line of weights and one of its version")
    version = qoe.catalogue.parse(text).version
    path.write_text(text, encoding="utf-8")
    return version


def _rounded(weights: dict[str, float]) -> dict[str, float]:
    """Weights in thousandths that still add up to 1: the largest takes what rounding leaves."""
    rounded = {name: round(value, 3) for name, value in weights.items()}
    largest = max(rounded, key=lambda name: rounded[name])
    return {**rounded, largest: rounded[largest] + round(1.0 - sum(rounded.values()), 3)}
