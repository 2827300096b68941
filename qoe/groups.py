"""The group index: how the users of a cell, an app, a model ... fared, each user counting once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from qoe.caps import LEAST_SCORE
from qoe.catalogue import DIMENSIONS
from qoe.codes import Codes, dense, stable_order
from qoe.indices import Z95, IndexRules, ln_index, overall_index
from qoe.model import BoolArray, FloatArray

MEASURES = (*DIMENSIONS, "overall")
_D = len(DIMENSIONS)
# One user's few observations are added in single precision, as scores are stored; users are added in double precision.
_PRECISION = np.float32
_BLOCK = 1024
# Users are added in double precision on a grid that is finer than their own: exactly, in any order (own).
_GRID, _SQUARES_GRID = 2.0**-20, 2.0**-12
_COUNTS = 3  # columns of `Observations.parts` after the three of each dimension
_SESSION_COLUMNS = [line for line in range(3 * _D + _COUNTS) if line >= 3 * _D or line % _D != _D - 1]


@dataclass(frozen=True, eq=False)
class Observations:
    """Rated sessions and touchpoints, sorted by user and then by bucket, ready to be added up for any attribute.

    `order` is the sorting order of the rows that they were made of; `user` a dense code. `parts` (rows, 15) is what is
    added up: per dimension the weight w where the row says something about it, w ln x, w ln mu; session (1), bad,
    expected to be bad; `of_sessions` the same without the service dimension, of which only the rows `touchpoints` say
    something.
    """

    order: Codes
    user: Codes
    bucket: Codes
    parts: FloatArray
    of_sessions: FloatArray
    touchpoints: Codes

    @classmethod
    def of(
        cls,
        user: Codes,
        bucket: Codes,
        scores: FloatArray,
        ln_mu: FloatArray,
        session: BoolArray,
        bad: BoolArray,
        expected: FloatArray,
        *,
        weight: FloatArray | None = None,
        least_score: float = LEAST_SCORE,
    ) -> "Observations":
        """Sort rows; `scores` (4, rows) NaN where a row says nothing about a dimension. Give rated rows only.

        Without `weight` every row weighs 1.
        """
        order = np.argsort(user * (int(bucket.max(initial=0)) + 1) + bucket, kind="stable")
        known = ~np.isnan(scores[:, order])
        ln_x = np.log(np.maximum(np.where(known, scores[:, order], 100.0), least_score))
        weighing = known if weight is None else known * weight[order]
        parts = np.vstack(
            [
                weighing,
                ln_x * weighing,
                ln_mu[order] * weighing,
                session[order],
                (bad & session)[order],
                np.where(session, expected, 0.0)[order],
            ]
        )
        return cls(
            order=order,
            user=user[order],
            bucket=bucket[order],
            parts=parts.T.astype(_PRECISION, order="C"),
            of_sessions=parts[_SESSION_COLUMNS].T.astype(_PRECISION, order="C"),
            touchpoints=np.flatnonzero(known[_D - 1]),
        )


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
    order = stable_order(code)
    rows, code = given[order], code[order]
    user, bucket = seen.user[rows], seen.bucket[rows]
    starts = _starts(code, user, bucket)
    # Most attributes belong to sessions alone: nothing of the service dimension is there to be added up.
    whole = sorted_value[seen.touchpoints].any()
    parts = _added(seen.parts if whole else seen.of_sessions, rows, starts)
    code, user, bucket = code[starts], user[starts], bucket[starts]
    by_bucket = _users(code, values, bucket, parts, rules)
    starts = _starts(code, user)
    nowhere = np.zeros(len(starts), dtype=np.int64)
    return by_bucket, _users(code[starts], values, nowhere, _added(parts, np.arange(len(parts)), starts), rules)


def _users(code: Codes, values: NDArray[Any], bucket: Codes, parts: FloatArray, rules: IndexRules) -> GroupSums:
    """Sums over users that are given by the code of their group, their bucket and their parts."""
    buckets = int(bucket.max(initial=0)) + 1
    group = code * buckets + bucket
    known = (parts.shape[1] - _COUNTS) // 3
    lines = _lines(parts)
    scores = user_scores(lines[:known], lines[known : 2 * known], lines[2 * known : 3 * known], rules)
    whole = sum_users(group, len(values) * buckets, scores, *lines[3 * known :])
    place = np.flatnonzero(np.bincount(group, minlength=len(values) * buckets))
    return take(whole, place, values[place // buckets], place % buckets)


def user_scores(w: FloatArray, s1: FloatArray, m: FloatArray, rules: IndexRules) -> FloatArray:
    """Indices (5, users; order MEASURES) of sums (dimensions, users); dimensions left out are NaN."""
    known = len(w)
    ln_d = ln_index(w, s1, m, rules.prior_weight)
    scores = np.full((len(MEASURES), w.shape[1]), np.nan, dtype=w.dtype)
    np.exp(ln_d, out=scores[:known])
    ln_overall, _ = overall_index(ln_d, rules)
    np.exp(ln_overall, out=scores[-1])
    return scores


def sum_users(
    group: Codes, groups: int, scores: FloatArray, session: FloatArray, bad: FloatArray, expected: FloatArray
) -> GroupSums:
    """Add users up: each user's group, indices (5, users; NaN: none), and counts of sessions."""
    known = ~np.isnan(scores)
    filled = np.rint(np.where(known, scores, 0.0).astype(np.float64) / _GRID) * _GRID
    squares = np.rint(filled * filled / _SQUARES_GRID) * _SQUARES_GRID
    active = session > 0
    suffering = active & (2 * bad >= session)
    return GroupSums(
        value=np.arange(groups),
        bucket=np.zeros(groups, dtype=np.int64),
        n_users=np.bincount(group[active], minlength=groups),
        bad_users=np.bincount(group[suffering], minlength=groups),
        n=np.bincount(group, session, groups).astype(np.int64),
        bad=np.bincount(group, bad, groups).astype(np.int64),
        expected=np.bincount(group, expected, groups).astype(np.float64),
        count=np.array([np.bincount(group, row, groups) for row in known]).astype(np.int64),
        total=np.array([np.bincount(group, row, groups) for row in filled]),
        square=np.array([np.bincount(group, row, groups) for row in squares]),
    )


def take(sums: GroupSums, place: Codes, value: NDArray[Any], bucket: Codes) -> GroupSums:
    """Return some rows of the sums under new names."""
    columns = {name: column[..., place] for name, column in vars(sums).items()}
    return GroupSums(**{**columns, "value": value, "bucket": bucket})


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


def _starts(*keys: Codes) -> Codes:
    """Where a run of equal keys begins."""
    if not len(keys[0]):
        return np.zeros(0, dtype=np.int64)
    new = np.zeros(len(keys[0]), dtype=np.bool_)
    new[0] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(new)


def _added(parts: FloatArray, rows: Codes, starts: Codes) -> FloatArray:
    """Sums of `parts[rows]` over the runs that begin at `starts`: a product with a sparse matrix of ones."""
    if not len(starts):
        return np.zeros((0, parts.shape[1]))
    runs = csr_array(
        (np.ones(len(rows), _PRECISION), rows, np.append(starts, len(rows))), shape=(len(starts), len(parts))
    )
    return np.asarray(runs @ parts)


def _lines(columns: FloatArray) -> FloatArray:
    """The transpose, made in blocks that stay in the nearest cache: twice as fast as in one go."""
    lines = np.empty(columns.shape[::-1], dtype=columns.dtype)
    for start in range(0, len(columns), _BLOCK):
        lines[:, start : start + _BLOCK] = columns[start : start + _BLOCK].T
    return lines
