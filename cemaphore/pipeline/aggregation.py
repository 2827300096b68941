"""What other means and caps would do to users' indices, how fair groups are, and where a mix misleads: once a day."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cemaphore.pipeline.days import PERIOD_DAYS
from cemaphore.pipeline.evenness import fairness_rows, warning_rows
from cemaphore.pipeline.hours import Rated, Scoring
from cemaphore.pipeline.replaying import replayed, scoring_of, version_of
from cemaphore.pipeline.score_rows import sums_of
from cemaphore.settings import Settings
from qoe.caps import Caps, session_weights
from qoe.indices import Sums, observe, score
from qoe.model import FloatArray
from qoe.outcomes import Outcome, cap_choices, caps_label, mean_choices, outcome
from records.windows import day_bounds, local_day
from store import aggregation as stored
from store import scores
from store.connection import Connection, connect
from store.inventory import Inventory

Row = dict[str, Any]
DAYS = PERIOD_DAYS[0]
_PART_USERS = 1_000_000
_QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}


@dataclass(frozen=True, kw_only=True)
class AggregationRun:
    """The local day that was looked at (None: nothing to do) and how many rows came of it."""

    start: datetime | None = None
    choices: int = 0
    fairness: int = 0
    warnings: int = 0


def assess(dsn: str, settings: Settings, *, anew: bool = True) -> AggregationRun:
    """Replace what is stored by that of the last whole local day; without `anew` only where it is of another day."""
    with connect(dsn, autocommit=True, application="cemaphore aggregation") as connection:
        start = stored.last_whole_day(connection, str(scores.time_zone(connection)))
        if start is None or (not anew and stored.newest(connection) == start):
            return AggregationRun()
        scoring = scoring_of(connection, settings)
        with connection.transaction():
            made = _rows(connection, start, scoring)
            fixed = {"start": start, "version_id": version_of(connection, settings, scoring)}
            tables = {name: [{**row, **fixed} for row in rows] for name, rows in made.items()}
            stored.replace(connection, tables)
    counts = [len(made[name]) for name in ("aggregation_choice", "group_fairness", "mix_warning")]
    return AggregationRun(start=start, choices=counts[0], fairness=counts[1], warnings=counts[2])


def _rows(connection: Connection, start: datetime, scoring: Scoring) -> dict[str, list[Row]]:
    day = local_day(start, scoring.zone)
    before, _ = day_bounds(day - timedelta(days=1), scoring.zone)
    _, end = day_bounds(day, scoring.zone)
    hours = list(replayed(connection, start, end, scoring))
    people = _People(scoring.context.inventory, end)
    means = _means(connection, scoring, people)
    return {
        "aggregation_choice": [
            *_choice_rows("mean", means, scoring.rules.mean.label, DAYS),
            *_choice_rows("caps", _caps(hours, scoring, people), caps_label(scoring.rules.caps), 1),
        ],
        "group_fairness": fairness_rows(connection, start),
        "mix_warning": warning_rows(hours, list(replayed(connection, before, start, scoring))),
    }


@dataclass(frozen=True, eq=False)
class _People:
    """Who customers were at a moment: value of each attribute of persons."""

    inventory: Inventory
    moment: datetime

    def attributes(self, customers: NDArray[np.int64]) -> Mapping[str, NDArray[Any]]:
        moment_us = np.full(len(customers), int(self.moment.timestamp()) * 1_000_000 - 1)
        found = self.inventory.people(customers, customers, moment_us)
        return {"all": np.zeros(len(customers), dtype=np.int32), **found}


Key = tuple[str, str, int]  # setting, attribute, value


def _means(connection: Connection, scoring: Scoring, people: _People) -> dict[Key, Outcome]:
    """Outcomes of the trailing period under each mean, of the sums that are stored."""
    choices = mean_choices(scoring.rules)
    parts = -(-stored.period_users(connection, DAYS) // _PART_USERS) or 1
    made: dict[Key, Outcome] = {}
    for part in range(parts):
        found = stored.period_sums(connection, DAYS, (part, parts))
        indices = {name: score(sums_of(found), rules).overall for name, rules in choices.items()}
        _add(made, indices, scoring.rules.mean.label, people.attributes(found["customer_key"]))
    return made


def _caps(hours: Sequence[Rated], scoring: Scoring, people: _People) -> dict[Key, Outcome]:
    """Outcomes of one day under each setting of the caps, of the sessions themselves: sums no longer know their app."""
    customers = np.unique(np.concatenate([rated.customers for rated in hours])) if hours else np.zeros(0, np.int64)
    indices = {}
    for name, caps in cap_choices(scoring.rules.caps).items():
        sums = Sums.zeros(len(customers))
        for rated in hours:
            _observe(sums, customers, rated, caps)
        indices[name] = score(sums, replace(scoring.rules, caps=caps)).overall
    made: dict[Key, Outcome] = {}
    _add(made, indices, caps_label(scoring.rules.caps), people.attributes(customers))
    return made


def _observe(sums: Sums, customers: NDArray[np.int64], rated: Rated, caps: Caps) -> None:
    user = np.searchsorted(customers, rated.customers)[rated.user]
    weight = session_weights(rated.user, rated.attributes, caps)
    for dimension, observed in enumerate(rated.scores):
        observe(
            user, len(customers), dimension, observed, rated.ln_mu, sums, weight=weight, least_score=caps.least_score
        )


def _add(
    made: dict[Key, Outcome], indices: Mapping[str, FloatArray], in_force: str, attributes: Mapping[str, NDArray[Any]]
) -> None:
    """Count users per group under each setting, into what other users came to."""
    for attribute, value in attributes.items():
        given = np.flatnonzero((value != 0) | (attribute == "all"))
        values, group = np.unique(value[given], return_inverse=True)
        for name, index in indices.items():
            found = outcome(group, len(values), index[given], indices[in_force][given])
            for place, one in enumerate(values.tolist()):
                key = (name, attribute, int(one))
                mine = Outcome(*(part[place : place + 1] for part in vars(found).values()))
                made[key] = made[key] + mine if key in made else mine


def _choice_rows(choice: str, made: Mapping[Key, Outcome], in_force: str, days: int) -> Iterator[Row]:
    for (setting, attribute, value), found in made.items():
        users = int(found.users[0])
        if users:
            yield {
                "choice": choice,
                "setting": setting,
                "in_force": setting == in_force,
                "attribute": attribute,
                "value": value,
                "days": days,
                "n_users": users,
                "mean": found.total[0] / users,
                **{name: found.quantile(share)[0] for name, share in _QUANTILES.items()},
                "low_share": found.low()[0] / users,
                "up_share": found.up[0] / users,
                "down_share": found.down[0] / users,
            }
