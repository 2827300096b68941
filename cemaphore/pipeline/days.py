"""Merges hours into local days, and days into the trailing 7 and 28 that end with the newest."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cemaphore.pipeline.hours import GROUP_ATTRIBUTES, Scoring
from cemaphore.pipeline.score_rows import group_columns, group_sums_of, sums_of, user_columns
from qoe.groups import GroupSums, merged, sum_users, take
from qoe.indices import Sums, score
from records.windows import day_bounds, local_day
from store import scores
from store.connection import Connection
from store.inventory import Inventory

PERIOD_DAYS = (7, 28)
# Attributes of a customer as a whole: their days come from customers' days, all others' from groups' hours.
PERSONAL = ("all", "plan", "segment", "vip_level")
_PART_ROWS = 1_000_000


def score_day(connection: Connection, moment: datetime, scoring: Scoring, version_id: int) -> int:
    """Replace the rows of the local day that holds the moment; returns its customers.

    An hour belongs to the local day that holds its start. The caller owns the transaction.
    """
    start, end = day_bounds(local_day(moment, scoring.zone), scoring.zone)
    # Of an older zone rule there may be a day that starts a little elsewhere: the whole span is replaced.
    scores.delete_span(connection, "user_day", start, end)
    scores.delete_span(connection, "group_index", start, end, grain="day")
    parts = -(-scores.user_rows(connection, "user_hour", start, end) // _PART_ROWS) or 1
    personal: dict[str, list[GroupSums]] = {name: [] for name in PERSONAL}
    customers = 0
    for index in range(parts):
        found = scores.user_sums(connection, "user_hour", start, end, (index, parts))
        sums = sums_of(found)
        keys, n, bad = found["customer_key"], found["n"], found["bad"]
        columns = user_columns(start, keys, n, bad, sums, scoring.rules)
        customers += scores.append(connection, "user_day", {**columns, "version_id": version_id})
        for name, values in _attributes(scoring.context.inventory, keys, end).items():
            personal[name].append(_personal(values, sums, n, bad, scoring))
    for attribute in GROUP_ATTRIBUTES:
        hours = group_sums_of(scores.group_sums(connection, attribute, start, end))
        groups = merged(personal[attribute]) if attribute in PERSONAL else hours
        if attribute in PERSONAL:
            groups = _with_expected(groups, hours, whole=attribute == "all")
        scores.append(connection, "group_index", group_columns("day", attribute, start, groups, version_id))
    return customers


def score_periods(connection: Connection, scoring: Scoring, version_id: int) -> None:
    """Replace the trailing periods by those that end with the newest local day; the caller owns the transaction."""
    newest = scores.newest_day(connection)
    if newest is None:
        return
    day = local_day(newest, scoring.zone)
    _, end = day_bounds(day, scoring.zone)
    for days in PERIOD_DAYS:
        scores.delete(connection, "user_period", days=days)
        first, _ = day_bounds(day - timedelta(days=days - 1), scoring.zone)
        parts = -(-scores.user_rows(connection, "user_day", first, end) // _PART_ROWS) or 1
        for index in range(parts):
            found = scores.user_sums(connection, "user_day", first, end, (index, parts))
            n, bad = found["n"], found["bad"]
            columns = user_columns(newest, found["customer_key"], n, bad, sums_of(found), scoring.rules)
            scores.append(connection, "user_period", {**columns, "days": days, "version_id": version_id})


def _attributes(inventory: Inventory, customers: NDArray[np.int64], end: datetime) -> dict[str, NDArray[Any]]:
    moment_us = np.full(len(customers), int(end.timestamp()) * 1_000_000 - 1)
    person = inventory.people(customers, customers, moment_us)
    return {"all": np.ones(len(customers), dtype=np.int32), **person}


def _personal(value: NDArray[Any], sums: Sums, n: NDArray[Any], bad: NDArray[Any], scoring: Scoring) -> GroupSums:
    made = score(sums, scoring.rules)
    table = np.vstack([made.dimension, made.overall])
    given = np.flatnonzero(value != 0)
    values, group = np.unique(value[given], return_inverse=True)
    whole = sum_users(group, len(values), table[:, given], n[given], bad[given], np.full(len(given), np.nan))
    return take(whole, np.arange(len(values)), values, np.zeros(len(values), dtype=np.int64))


def _with_expected(groups: GroupSums, hours: GroupSums, *, whole: bool) -> GroupSums:
    """The same groups with the expected bad sessions of their hours; the whole is stored as value 0."""
    value = np.zeros_like(groups.value) if whole else groups.value
    known = dict(zip(hours.value.tolist(), hours.expected.tolist(), strict=True))
    expected = np.array([known.get(name, np.nan) for name in value.tolist()], dtype=np.float64)
    return GroupSums(**{**vars(groups), "value": value, "expected": expected})
