"""How many bad sessions history says to expect: shrunk log-odds margins of app, model, cell and hour of the week."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

MARGIN_ATTRIBUTES = ("app", "model", "cell")
ANY = -1  # of a margin row: any kind of day, or all hours

# Weight of the prior in sessions (own): a margin with this many sessions moves half of the way to its own ratio.
PRIOR_SESSIONS = 50.0
# The busy hour of one cell has few sessions a day: it moves only slowly away from what cell and hour say (own).
PRIOR_CELL_HOUR_SESSIONS = 100.0
# An hour of the week is its own rung once it was there three times (design).
LEAST_WEEKS = 3.0
DAYS, SATURDAY = 7, 5
# No session is expected to be bad, or good, with certainty (own).
_LEAST = 1e-4


@dataclass(frozen=True, kw_only=True)
class MarginRows:
    """Counts before a day, one entry a row: value of an attribute, in which hours, `n` units and `bad` ones."""

    attribute: NDArray[np.str_]
    value: NDArray[np.int64]
    weekend: NDArray[np.int64]
    hour: NDArray[np.int64]
    n: Floats
    bad: Floats
    weekday: NDArray[np.int64] | None = None

    def of(self, attribute: str, *, hourly: bool, weekly: bool = False) -> "MarginRows":
        """The rows of one attribute: those by hour (by kind of day, or by day of the week), or those over all hours."""
        weekday = np.full(len(self.n), ANY) if self.weekday is None else self.weekday
        names = np.asarray(self.attribute)
        keep = (names == attribute) & ((self.hour != ANY) == hourly) & ((weekday != ANY) == weekly)
        return MarginRows(
            attribute=names[keep],
            value=self.value[keep],
            weekend=self.weekend[keep],
            hour=self.hour[keep],
            n=self.n[keep],
            bad=self.bad[keep],
            weekday=weekday[keep],
        )


@dataclass(frozen=True, kw_only=True)
class Effects:
    """Log-odds differences by sorted code; a code that is not there has none."""

    code: NDArray[np.int64]
    effect: Floats

    def at(self, code: NDArray[np.integer]) -> Floats:
        """The effect of each code, 0 where nothing is known."""
        if not len(self.code):
            return np.zeros(len(code))
        place = np.minimum(np.searchsorted(self.code, code), len(self.code) - 1)
        return np.where(self.code[place] == code, self.effect[place], 0.0)


_NO_EFFECTS = Effects(code=np.zeros(0, np.int64), effect=np.zeros(0))


@dataclass(frozen=True, kw_only=True)
class Margins:
    """What is expected of a unit: `base` in log-odds (NaN without history) and what its attributes and hour add."""

    base: float = float("nan")
    effects: Mapping[str, Effects] = field(default_factory=dict)
    hours: Floats = field(default_factory=lambda: np.zeros((2, 24)))
    cell_hours: Effects = _NO_EFFECTS
    cell_kinds: Effects = _NO_EFFECTS  # by cell, hour and kind of day
    week: Floats | None = None  # (7, 24): what the hour of the week adds to `hours`; None below `LEAST_WEEKS`
    seen: Floats = field(default_factory=lambda: np.zeros((7, 24)))  # (2, 24) or (7, 24) sessions behind the hours

    def rung(self, weekday: int, hour: int) -> str:
        """The rung that the expectation of an hour stands on: the closest that its own sessions speak louder on than
        the prior, of hour_of_week, hour_by_weekend, hour, all.
        """
        kinds = np.add.reduceat(self.seen, [0, SATURDAY]) if len(self.seen) == DAYS else self.seen
        if self.week is not None and self.seen[weekday, hour] >= PRIOR_SESSIONS:
            return "hour_of_week"
        if kinds[int(weekday >= SATURDAY), hour] >= PRIOR_SESSIONS:
            return "hour_by_weekend"
        return "hour" if kinds[:, hour].sum() >= PRIOR_SESSIONS else "all"

    @property
    def known(self) -> bool:
        """Whether there is any history."""
        return not np.isnan(self.base)


def kept(days: float, half_life_days: float) -> float:
    """What is left of a count after so many days of forgetting."""
    return float(0.5 ** (days / half_life_days))


def margins_of(rows: MarginRows, attributes: tuple[str, ...] = MARGIN_ATTRIBUTES, weeks: float = 0.0) -> Margins:
    """Shrink counts to margins; the row of attribute `all` over all hours is the whole. `weeks` of history they are of.

    Ladder of the hour: hour of week (with `LEAST_WEEKS`), towards hour of day by weekend, towards hour of day, towards
    the whole. Each rung is a Beta prior of `PRIOR_SESSIONS` sessions (own) at the rung above, so an unseen value is
    expected to be like the rest.
    """
    whole = rows.of("all", hourly=False)
    n, bad = float(whole.n.sum()), float(whole.bad.sum())
    if n <= 0:
        return Margins()
    overall = _within(bad / n)
    base = _log_odds(overall)
    effects = {name: _value_effects(rows.of(name, hourly=False), overall) for name in attributes}
    made = _with_hours(Margins(base=base, effects=effects), rows, overall, weeks)
    by_cell = rows.of("cell", hourly=True)
    made = replace(made, cell_hours=_cell_effects(by_cell, made, _cell_hour(by_cell.value, by_cell.hour)))
    kinds = _cell_kind(by_cell.value, by_cell.hour, by_cell.weekend)
    return replace(made, cell_kinds=_cell_effects(by_cell, made, kinds))


def expected_bad(
    margins: Margins,
    attributes: Mapping[str, NDArray[np.integer]],
    weekend: NDArray[np.integer],
    hour: NDArray[np.integer],
    weekday: NDArray[np.integer] | None = None,
) -> Floats:
    """Probability that each unit is bad, by history; NaN without any.

    `attributes` name -> label ids (0 not given); `weekend` 0 or 1 and `hour` 0..23 of the operator's zone. With
    `weekday` (0 Monday to 6) the hour of the week counts, where it is known.
    """
    if not margins.known:
        return np.full(len(hour), np.nan)
    odds = margins.base + margins.hours[weekend, hour]
    if weekday is not None and margins.week is not None:
        odds = odds + margins.week[weekday, hour]
    for name, effects in margins.effects.items():
        if name in attributes:
            odds = odds + effects.at(attributes[name])
    if "cell" in attributes:
        odds = odds + margins.cell_hours.at(_cell_hour(attributes["cell"], hour))
        odds = odds + margins.cell_kinds.at(_cell_kind(attributes["cell"], hour, weekend))
    return np.asarray(expit(odds), dtype=np.float64)


def _within(ratio: float) -> float:
    return min(max(ratio, _LEAST), 1 - _LEAST)


def _log_odds(ratio: float) -> float:
    return float(np.log(ratio / (1 - ratio)))


def _logits(ratio: Floats) -> Floats:
    return np.asarray(np.log(ratio) - np.log1p(-ratio), dtype=np.float64)


def _sums(place: NDArray[np.integer], weights: Floats, size: int) -> Floats:
    return np.bincount(place, weights, size).astype(np.float64)


def _shrunk(bad: Floats, n: Floats, prior: float | Floats, weight: float) -> Floats:
    return np.asarray(np.clip((bad + weight * prior) / (n + weight), _LEAST, 1 - _LEAST), dtype=np.float64)


def _value_effects(rows: MarginRows, overall: float) -> Effects:
    code, place = np.unique(rows.value, return_inverse=True)
    n = _sums(place, rows.n, len(code))
    bad = _sums(place, rows.bad, len(code))
    return Effects(code=code, effect=_logits(_shrunk(bad, n, overall, PRIOR_SESSIONS)) - _log_odds(overall))


def _with_hours(margins: Margins, rows: MarginRows, overall: float, weeks: float) -> Margins:
    by_kind, by_day = rows.of("all", hourly=True), rows.of("all", hourly=True, weekly=True)
    n, bad = np.zeros((2, 24)), np.zeros((2, 24))
    np.add.at(n, (by_kind.weekend, by_kind.hour), by_kind.n)
    np.add.at(bad, (by_kind.weekend, by_kind.hour), by_kind.bad)
    any_day = _shrunk(bad.sum(0), n.sum(0), overall, PRIOR_SESSIONS)
    kinds = _shrunk(bad, n, np.broadcast_to(any_day, (2, 24)), PRIOR_SESSIONS)
    made = replace(margins, hours=_logits(kinds) - _log_odds(overall), seen=n)
    if weeks < LEAST_WEEKS or by_day.weekday is None or not len(by_day.n):
        return made
    daily_n, daily_bad = np.zeros((DAYS, 24)), np.zeros((DAYS, 24))
    np.add.at(daily_n, (by_day.weekday, by_day.hour), by_day.n)
    np.add.at(daily_bad, (by_day.weekday, by_day.hour), by_day.bad)
    prior = kinds[(np.arange(DAYS) >= SATURDAY).astype(int)]
    week = _logits(_shrunk(daily_bad, daily_n, prior, PRIOR_SESSIONS)) - _logits(prior)
    return replace(made, week=week, seen=daily_n)


def _cell_hour(cell: NDArray[np.integer], hour: NDArray[np.integer]) -> NDArray[np.int64]:
    return np.asarray(cell, np.int64) * 24 + np.asarray(hour, np.int64)


def _cell_kind(cell: NDArray[np.integer], hour: NDArray[np.integer], weekend: NDArray[np.integer]) -> NDArray[np.int64]:
    return _cell_hour(cell, hour) * 2 + np.asarray(weekend, np.int64)


def _cell_effects(rows: MarginRows, margins: Margins, codes: NDArray[np.int64]) -> Effects:
    """What the hours of cells, numbered by `codes`, add to what the margins so far expect of them."""
    code, place = np.unique(codes, return_inverse=True)
    n = _sums(place, rows.n, len(code))
    bad = _sums(place, rows.bad, len(code))
    likely = expected_bad(margins, {"cell": rows.value}, rows.weekend, rows.hour)
    main = _sums(place, rows.n * likely, len(code))
    main = np.clip(main / np.maximum(n, 1), _LEAST, 1 - _LEAST)
    return Effects(code=code, effect=_logits(_shrunk(bad, n, main, PRIOR_CELL_HOUR_SESSIONS)) - _logits(main))
