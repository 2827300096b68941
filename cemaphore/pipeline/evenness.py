"""How evenly groups fare, and comparisons of groups or days that the mix of another attribute misleads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cemaphore.pipeline.hours import Rated
from qoe.fairness import fairness
from qoe.groups import MEASURES
from qoe.simpson import Comparison, Table, compare, warnings
from store import aggregation as stored
from store.connection import Connection

Row = dict[str, Any]
FAIRNESS_ATTRIBUTES = ("all", "plan", "segment", "vip_level", "region", "site")
COMPARED = ("region", "segment", "plan")
MIXES = ("app", "service", "model", "plan", "segment", "region", "access")


def fairness_rows(connection: Connection, start: datetime) -> list[Row]:
    """Rows of group_fairness of one local day."""
    rows: list[Row] = []
    for attribute in FAIRNESS_ATTRIBUTES:
        found = stored.group_sums(connection, attribute, start)
        for measure in MEASURES:
            count = found[f"{measure}_n"]
            made = fairness(count, found[f"{measure}_sum"], found[f"{measure}_sq"])
            rows += [
                {
                    "attribute": attribute,
                    "value": int(found["value"][place]),
                    "measure": measure,
                    "n_users": int(found["n_users"][place]),
                    "n": int(count[place]),
                    "mean": made.mean[place],
                    "sigma": made.sigma[place],
                    "fairness": made.f[place],
                }
                for place in np.flatnonzero(count > 1)
            ]
    return rows


@dataclass(frozen=True, eq=False)
class _Sessions:
    """Rated sessions of a day: customer, whether bad, and label numbers of what they are compared and split by."""

    customer: NDArray[np.int64]
    bad: NDArray[np.float64]
    attributes: dict[str, NDArray[Any]]

    @classmethod
    def of(cls, hours: Sequence[Rated]) -> "_Sessions":
        def joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
            return np.concatenate([np.zeros(0, np.int64), *parts])

        return cls(
            customer=joined([rated.customers[rated.user[rated.session]] for rated in hours]),
            bad=joined([rated.bad[rated.session].astype(np.float64) for rated in hours]),
            attributes={
                name: joined([rated.attributes[name][rated.session] for rated in hours]) for name in (*COMPARED, *MIXES)
            },
        )


@dataclass(frozen=True, kw_only=True)
class _Found:
    """One comparison with what it is of."""

    attribute: str
    value: int
    compared_with: str
    mix: str
    n_users: int
    comparison: Comparison


def warning_rows(hours: Sequence[Rated], earlier: Sequence[Rated]) -> list[Row]:
    """Rows of mix_warning: each group against the rest of the day, and against itself the day before."""
    now, then = _Sessions.of(hours), _Sessions.of(earlier)
    found = [
        one
        for attribute in COMPARED
        for mix in MIXES
        if mix != attribute
        for one in _compared(now, then, attribute, mix)
    ]
    kinds = warnings([one.comparison for one in found])
    return [_row(one, kind) for one, kind in zip(found, kinds, strict=True) if kind is not None]


def _compared(now: _Sessions, then: _Sessions, attribute: str, mix: str) -> Iterator[_Found]:
    values = _values(now, then, attribute)
    shape = (len(values), len(_values(now, then, mix)))
    if shape[0] == 0 or shape[1] < 2:
        return
    strata = _values(now, then, mix)
    today, before = (_table(day, attribute, mix, values, strata) for day in (now, then))
    for place, value in enumerate(values.tolist()):
        mine = now.attributes[attribute] == value
        sides = {"rest": today.against_rest(place), "day_before": today.against(before, place)}
        for name, mixture in sides.items():
            made = compare(mixture)
            if made is not None:
                users = len(np.unique(now.customer[mine]))
                yield _Found(
                    attribute=attribute, value=value, compared_with=name, mix=mix, n_users=users, comparison=made
                )


def _values(now: _Sessions, then: _Sessions, attribute: str) -> NDArray[Any]:
    values = np.unique(np.concatenate([now.attributes[attribute], then.attributes[attribute]]))
    return np.asarray(values[values != 0])


def _table(day: _Sessions, attribute: str, mix: str, values: NDArray[Any], strata: NDArray[Any]) -> Table:
    group, stratum = day.attributes[attribute], day.attributes[mix]
    known = (group != 0) & (stratum != 0)
    _, user = np.unique(day.customer[known], return_inverse=True)
    return Table.of(
        (len(values), len(strata)),
        user,
        np.searchsorted(values, group[known]),
        np.searchsorted(strata, stratum[known]),
        day.bad[known],
    )


def _row(one: _Found, kind: str) -> Row:
    made = one.comparison
    return {
        "attribute": one.attribute,
        "value": one.value,
        "compared_with": one.compared_with,
        "mix": one.mix,
        "kind": kind,
        "n_users": one.n_users,
        "crude": made.crude,
        "crude_p": made.crude_p,
        "adjusted": made.adjusted,
        "adjusted_p": made.adjusted_p,
        "strata": made.strata,
        "against": made.against,
        "share": made.share,
    }
