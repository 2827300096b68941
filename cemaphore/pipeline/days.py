"""Merges hours into local days, and days into the trailing 7 and 28 that end with the newest: only what changed."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cemaphore.pipeline.bad_days import with_bad_days
from cemaphore.pipeline.hours import GROUP_ATTRIBUTES, Scoring
from cemaphore.pipeline.score_rows import group_columns, group_sums_of, sums_of, user_columns
from qoe.groups import MEASURES, GroupSums, merged, sum_users
from records.windows import HOUR, day_bounds, floor, local_day, starts
from store import scores, touched, user_sums
from store.connection import Connection
from store.inventory import Inventory
from store.touched import Touched

PERIOD_DAYS = (7, 28)
# Attributes of a customer as a whole: their days come from customers' days, all others' from groups' hours.
PERSONAL = ("all", "plan", "segment", "vip_level")
_PART_ROWS = 1_000_000
# Where more than this share of the customers changed, all are merged at once: the same rows for less (own).
_MOST_CHANGED = 0.5
_MOMENT = timedelta(microseconds=1)

Arrays = Mapping[str, NDArray[Any]]


def score_day(connection: Connection, day: date, scoring: Scoring, version_id: int, changed: Touched) -> None:
    """Merge the hours of a local day for the customers that changed, and for all groups.

    An hour belongs to the local day that holds its start. The caller owns the transaction.
    """
    start, end = day_bounds(day, scoring.zone)
    known = user_sums.count(connection, "user_day", start, end)
    number = known
    if known and not changed.unknown:
        number = touched.gather(connection, changed.customers, "user_hour", changed.windows)
    if number < _MOST_CHANGED * known:
        _merge_changed(connection, start, end, scoring, version_id)
    else:
        _merge_all(connection, start, end, scoring, version_id)
    _score_groups(connection, start, end, scoring, version_id)
    scores.merge_indicators(connection, start, end, version_id)


def _merge_changed(connection: Connection, start: datetime, end: datetime, scoring: Scoring, version_id: int) -> None:
    user_sums.delete_changed(connection, "user_day", start, end)
    hours = starts(floor(start + HOUR - _MOMENT, HOUR), end, HOUR)
    found = user_sums.merged_changed(connection, "user_hour", hours)
    _append(connection, "user_day", start, found, scoring, {"version_id": version_id})
    touched.pass_on(connection, start)


def _merge_all(connection: Connection, start: datetime, end: datetime, scoring: Scoring, version_id: int) -> None:
    touched.gather(connection, np.zeros(0, dtype=np.int64), "user_day", [start])
    # Of an older zone rule there may be a day that starts a little elsewhere: the whole span is replaced.
    scores.delete_span(connection, "user_day", start, end)
    for part in _parts(user_sums.count(connection, "user_hour", start, end)):
        found = user_sums.merged(connection, "user_hour", start, end, part)
        _append(connection, "user_day", start, found, scoring, {"version_id": version_id})
    touched.keep_vanished(connection, "user_day", start)
    touched.pass_on(connection, start)
    touched.touch(connection, "periods", start, np.zeros(0, dtype=np.int64), every=True)


def score_periods(connection: Connection, scoring: Scoring, version_id: int) -> None:
    """Move the trailing periods on to the newest local day: for customers that changed, or lost or gained a day.

    The caller owns the transaction.
    """
    newest = scores.newest_day(connection)
    if newest is None:
        return
    day = local_day(newest, scoring.zone)
    _, end = day_bounds(day, scoring.zone)
    changed = touched.take(connection, "periods", _day_start(day, max(PERIOD_DAYS), scoring), end)
    for days in PERIOD_DAYS:
        first = _day_start(day, days, scoring)
        fixed = {"days": days, "version_id": version_id}
        of_days = [_day_start(day, back, scoring) for back in range(days, 0, -1)]
        if _few_changed(connection, day, days, scoring, changed):
            connection.execute(
                "DELETE FROM cem.user_period p USING changed c WHERE p.customer_key = c.customer_key AND days = %s",
                [days],
            )
            found = user_sums.merged_changed(connection, "user_day", of_days)
            _append_period(connection, found, user_sums.counts_changed(connection, of_days), of_days, scoring, fixed)
        else:
            scores.delete(connection, "user_period", days=days)
            for part in _parts(user_sums.count(connection, "user_day", first, end)):
                found = user_sums.merged(connection, "user_day", first, end, part)
                counts = user_sums.counts(connection, first, end, part)
                _append_period(connection, found, counts, of_days, scoring, fixed)
        scores.end_period(connection, days, newest)


def _few_changed(connection: Connection, day: date, days: int, scoring: Scoring, changed: Touched) -> bool:
    """Whether only few customers' periods move; the list of them is made for that."""
    before = scores.period_end(connection, days)
    if before is None or changed.unknown:
        return False
    then = local_day(before, scoring.zone)
    if then > day or day - then >= timedelta(days=days):
        return False
    passed = range((day - then).days)
    lost = [_day_start(then, days - back, scoring) for back in passed]
    gained = [_day_start(day, back + 1, scoring) for back in passed]
    row = connection.execute("SELECT count(*) FROM cem.user_period WHERE days = %s", [days]).fetchone()
    number = touched.gather(connection, changed.customers, "user_day", [*changed.windows, *lost, *gained])
    return row is not None and number < _MOST_CHANGED * row[0]


def _append(
    connection: Connection, table: str, start: datetime, found: Arrays, scoring: Scoring, fixed: Mapping[str, int]
) -> None:
    """Append customers' rows made of merged sums."""
    columns = user_columns(start, found["customer_key"], found["n"], found["bad"], sums_of(found), scoring.rules)
    scores.append(connection, table, {**columns, **fixed})


def _append_period(
    connection: Connection,
    found: Arrays,
    counts: Arrays,
    of_days: Sequence[datetime],
    scoring: Scoring,
    fixed: Mapping[str, int],
) -> None:
    """Append customers' periods; each starts with its customer's newest day."""
    begin = found["start"].astype("datetime64[us]")
    columns = user_columns(begin, found["customer_key"], found["n"], found["bad"], sums_of(found), scoring.rules)
    rules = scoring.context.catalogue.persistence
    scores.append(connection, "user_period", {**with_bad_days(columns, counts, of_days, rules), **fixed})


def _score_groups(connection: Connection, start: datetime, end: datetime, scoring: Scoring, version_id: int) -> None:
    scores.delete_span(connection, "group_index", start, end, grain="day", attribute=list(GROUP_ATTRIBUTES))
    personal: dict[str, list[GroupSums]] = {name: [] for name in PERSONAL}
    for part in _parts(user_sums.count(connection, "user_day", start, end)):
        found = user_sums.scores(connection, "user_day", start, end, part)
        for name, values in _attributes(scoring.context.inventory, found["customer_key"], end).items():
            personal[name].append(_personal(values, found))
    hours = scores.group_sums(connection, GROUP_ATTRIBUTES, start, end)
    tables = []
    for place, attribute in enumerate(GROUP_ATTRIBUTES):
        mine = hours["attribute"] == place
        groups = group_sums_of({name: column[mine] for name, column in hours.items()})
        if attribute in PERSONAL:
            groups = _with_expected(merged(personal[attribute]), groups, whole=attribute == "all")
        tables.append(group_columns("day", attribute, start, groups, version_id))
    for table in tables:
        scores.append(connection, "group_index", table)


def _attributes(inventory: Inventory, customers: NDArray[np.int64], end: datetime) -> dict[str, NDArray[Any]]:
    moment_us = np.full(len(customers), int(end.timestamp()) * 1_000_000 - 1)
    person = inventory.people(customers, customers, moment_us)
    return {"all": np.ones(len(customers), dtype=np.int32), **person}


def _personal(value: NDArray[Any], found: Arrays) -> GroupSums:
    given = np.flatnonzero(value != 0)
    table = np.array([found[name][given] for name in MEASURES])
    return sum_users(value[given].astype(np.int64), table, found["n"][given], found["bad"][given])


def _with_expected(groups: GroupSums, hours: GroupSums, *, whole: bool) -> GroupSums:
    """The same groups with the expected bad sessions of their hours; the whole is stored as value 0."""
    value = np.zeros_like(groups.value) if whole else groups.value
    known = dict(zip(hours.value.tolist(), hours.expected.tolist(), strict=True))
    expected = np.array([known.get(name, np.nan) for name in value.tolist()], dtype=np.float64)
    return GroupSums(**{**vars(groups), "value": value, "expected": expected})


def _parts(rows: int) -> list[user_sums.Part]:
    number = -(-rows // _PART_ROWS) or 1
    return [(index, number) for index in range(number)]


def _day_start(day: date, days: int, scoring: Scoring) -> datetime:
    """Start of the first of so many local days that end with `day`."""
    return day_bounds(day - timedelta(days=days - 1), scoring.zone)[0]
