"""The group index: how the users of a cell, an app, a model ... fared, each user counting once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qoe.catalogue import DIMENSIONS
from qoe.codes import Codes, dense, stable_order
from qoe.fares import PER_SQUARE, SESSION_LINES, Fares, Observations, payload, starts_of
from qoe.indices import Z95, IndexRules
from qoe.model import FloatArray

MEASURES = (*DIMENSIONS, "overall")


@dataclass(frozen=True, eq=False)
class GroupSums:
    """Mergeable sums of groups: one row per value of an attribute and bucket.

    `n_users` are users with a rated session, `bad_users` those of them whose sessions were bad at least half of the
    time; `n` sessions, `bad` of them and `expected` bad ones (NaN without history). `count`, `total`, `square`
    (5, rows; order MEASURES) are users with that index, the sum of their indices and of the squares.
    """

    value: NDArray[Any]
    bucket: Codes
    n_users: Codes
    bad_users: Codes
    n: Codes
    bad: Codes
    expected: FloatArray
    count: Codes
    total: FloatArray
    square: FloatArray


@dataclass(frozen=True, eq=False)
class GroupIndices:
    """Mean index per measure and group (5, rows) with its 95 % interval, NaN where no or only one user has one."""

    mean: FloatArray
    lo: FloatArray
    hi: FloatArray


def group_sums(value: NDArray[Any], seen: Observations, rules: IndexRules) -> tuple[GroupSums, GroupSums]:
    """Add users up per value of one attribute: by bucket, and over all buckets.

    `value` is in the order of the rows that `seen` was made of; 0 is in no group. A user's score in a group comes
    from that user's observations in it, in that bucket or in all.
    """
    sorted_value = value[seen.order]
    given = np.flatnonzero(sorted_value != 0)
    values, code = dense(sorted_value[given])
    if seen.whole_users(sorted_value):
        fares = seen.fares_of_whole(code, rules)
    else:
        # Most attributes belong to sessions alone: nothing of the service dimension is there to be added up.
        whole = sorted_value[seen.touchpoints].any()
        fares = seen.fares_of(given, seen.parts if whole else seen.of_sessions, rules, code)
    (group, by_bucket), (of_all, by_user) = (_merged_fares(each) for each in fares)
    return (
        _named(by_bucket, values[group // seen.buckets], group % seen.buckets),
        _named(by_user, values[of_all], np.zeros_like(of_all)),
    )


def _merged_fares(fares: Sequence[Fares]) -> tuple[Codes, FloatArray]:
    """The groups there are, ascending, and each line added up per group."""
    parts = [_summed(each.group, each.lines) for each in fares]
    if len(parts) == 1:
        return parts[0]
    group = np.unique(np.concatenate([found for found, _ in parts]))
    sums = np.zeros((len(parts[0][1]), len(group)))
    for found, part in parts:
        sums[:, np.searchsorted(group, found)] += part
    return group, sums


def _summed(group: Codes, lines: FloatArray) -> tuple[Codes, FloatArray]:
    """The groups there are, ascending, and each line added up per group: fastest over users sorted by group."""
    if (group[1:] < group[:-1]).any():
        order = stable_order(group)
        group, lines = group[order], np.take(lines, order, axis=1)
    starts = starts_of(group)
    return group[starts], np.add.reduceat(lines, starts, axis=1) if len(starts) else lines


def _named(sums: FloatArray, value: NDArray[Any], bucket: Codes) -> GroupSums:
    known = (len(sums) - SESSION_LINES) // 3
    measures = np.zeros((3, len(MEASURES), sums.shape[1]))
    measures[:, [*range(known - 1), len(MEASURES) - 1]] = sums[SESSION_LINES:].reshape(3, known, -1)
    count, total, square = measures
    n_users, bad_users, n, bad = (line.astype(np.int64) for line in sums[: SESSION_LINES - 1])
    return GroupSums(
        value=value,
        bucket=bucket,
        n_users=n_users,
        bad_users=bad_users,
        n=n,
        bad=bad,
        expected=sums[SESSION_LINES - 1],
        count=count.astype(np.int64),
        total=total,
        square=square / PER_SQUARE,
    )


def sum_users(group: Codes, scores: FloatArray, session: FloatArray, bad: FloatArray) -> GroupSums:
    """Add users up that are given by their group, which becomes the value, with scores (5, users) as in `payload`."""
    nothing = np.full(len(group), np.nan)
    found, sums = _summed(group, payload(scores, session, bad, nothing))
    return _named(sums, found, np.zeros(len(found), dtype=np.int64))


def merged(parts: Sequence[GroupSums]) -> GroupSums:
    """Add the sums of disjoint users together."""
    if len(parts) == 1:
        return parts[0]
    whole = {name: np.concatenate([vars(part)[name] for part in parts], axis=-1) for name in vars(parts[0])}
    buckets = int(whole["bucket"].max(initial=0)) + 1
    keys, place = np.unique(whole["value"].astype(np.int64) * buckets + whole["bucket"], return_inverse=True)
    added: dict[str, NDArray[Any]] = {"value": keys // buckets, "bucket": keys % buckets}
    for name, column in whole.items():
        if name not in added:
            lines = np.atleast_2d(column)
            sums = np.array([np.bincount(place, line, len(keys)) for line in lines]).astype(column.dtype)
            added[name] = sums if column.ndim == 2 else sums[0]
    return GroupSums(**added)


def indices(count: NDArray[Any], total: FloatArray, square: FloatArray) -> GroupIndices:
    """Mean over users, and mean +- 1.96 s / sqrt(n) from the variance between users, kept within 0..100."""
    some = np.maximum(count, 1)
    mean = np.where(count > 0, total / some, np.nan)
    spread = np.maximum(square - total**2 / some, 0.0) / np.maximum(count - 1, 1)
    half = np.where(count > 1, Z95 * np.sqrt(spread / some), np.nan)
    return GroupIndices(mean=mean, lo=np.maximum(mean - half, 0.0), hi=np.minimum(mean + half, 100.0))
