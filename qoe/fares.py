"""How users fared in the groups that they were in: their observations added up and made into indices, many at once."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from qoe.caps import LEAST_SCORE
from qoe.catalogue import DIMENSIONS
from qoe.codes import Codes, stable_order
from qoe.indices import IndexRules, ln_index, overall_index
from qoe.model import BoolArray, FloatArray

_D = len(DIMENSIONS)
# One user's few observations are added in single precision, as scores are stored; users are added in double precision.
_PRECISION = np.float32
_BLOCK = 1024
# Indices of 1..100 in single precision are multiples of 2^-23: ten million of them are added up exactly in double
# precision, in any order. Their squares are kept to 2^-12 for the same (own).
PER_SQUARE = 2.0**12
SESSION_LINES = 5  # of `payload` before three for each measure
_COUNTS = 3  # columns of `Observations.parts` after the three of each dimension
_SESSION_COLUMNS = [line for line in range(3 * _D + _COUNTS) if line >= 3 * _D or line % _D != _D - 1]


@dataclass(frozen=True, eq=False)
class Fares:
    """How some users fared, or users together: the group of each, and what is added up per group.

    A group is code * buckets + bucket, or the code over all buckets; `lines` are those of `payload`.
    """

    group: Codes
    lines: FloatArray


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
    _whole: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)
    _alone: dict[int, FloatArray] = field(default_factory=dict)

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

    def whole_users(self, value: NDArray[Any]) -> bool:
        """Whether every user has one value only; `value` in the sorted order."""
        return bool(((value[1:] == value[:-1]) | (self.user[1:] != self.user[:-1])).all()) and bool((value != 0).all())

    @property
    def buckets(self) -> int:
        """Number of buckets."""
        return int(self.bucket.max(initial=0)) + 1

    def fares_of_whole(self, code: Codes, rules: IndexRules) -> tuple[list[Fares], list[Fares]]:
        """How every user fared in each bucket, and in all; `code` of each row, one a user."""
        first = starts_of(self.user, self.bucket), starts_of(self.user)
        if not self._whole:
            parts, rows = self.parts if len(self.touchpoints) else self.of_sessions, np.arange(len(self.user))
            self._whole.append((_fared(parts, rows, first[0], rules), _fared(parts, rows, first[1], rules)))
        by_bucket, by_user = self._whole[0]
        group = code[first[0]] * self.buckets + self.bucket[first[0]]
        return [Fares(group, by_bucket)], [Fares(code[first[1]], by_user)]

    def fares_of(
        self, rows: Codes, parts: FloatArray, rules: IndexRules, code: Codes
    ) -> tuple[list[Fares], list[Fares]]:
        """How users fared in some rows, given in their order with a code each: by code and bucket, and by code.

        What those with one row add is known. It is put where its group is, twice over: with and without those who have
        one row of that code in all buckets. So the long table is read once, from its start to its end.
        """
        group = code * self.buckets + self.bucket[rows]
        several, alone, mine = self._apart(rows, group, parts, rules)
        several_in_all, alone_in_all, _ = self._apart(rows, code, parts, rules)
        into = np.zeros(len(self.user), dtype=np.int32)
        into[alone] = 2 * mine + 1
        into[alone_in_all] += 1
        there = np.flatnonzero(np.bincount(into)[1:])
        lines = _scattered(self._of_alone(parts, rules), into)[there + 1].T
        group, lone = there // 2, there % 2 == 1
        return (
            [several, Fares(group, lines)],
            [several_in_all, Fares(group[lone] // self.buckets, lines[:, lone])],
        )

    def _apart(self, rows: Codes, group: Codes, parts: FloatArray, rules: IndexRules) -> tuple[Fares, Codes, Codes]:
        """How users with several rows in a group fared, and the rows of those with one and their groups, sorted."""
        order = stable_order(group)
        rows, group = rows[order], group[order]
        first = starts_of(group, self.user[rows])
        length = np.diff(first, append=len(rows))
        several = length > 1
        run = np.cumsum(length[several]) - length[several]
        lines = _fared(parts, rows[np.repeat(several, length)], run, rules)
        alone = first[~several]
        return Fares(group[first[several]], lines), rows[alone], group[alone]

    def _of_alone(self, parts: FloatArray, rules: IndexRules) -> FloatArray:
        """What each row adds where it is the only one of its user: the same for all attributes."""
        columns = parts.shape[1]
        if columns not in self._alone:
            made = np.empty((len(parts), SESSION_LINES + columns - _COUNTS + 3))
            for start in range(0, len(parts), _BLOCK):
                made[start : start + _BLOCK] = _scored(parts[start : start + _BLOCK].T, rules).T
            self._alone[columns] = made
        return self._alone[columns]


def _fared(parts: FloatArray, rows: Codes, first: Codes, rules: IndexRules) -> FloatArray:
    """What users add to their group (lines of `payload`) whose rows begin at `first`."""
    return _scored(_lines(_added(parts, rows, first)), rules)


def _scored(sums: FloatArray, rules: IndexRules) -> FloatArray:
    known = (len(sums) - _COUNTS) // 3
    scores = user_scores(sums[:known], sums[known : 2 * known], sums[2 * known : 3 * known], rules)
    return payload(scores, *sums[3 * known :])


def user_scores(w: FloatArray, s1: FloatArray, m: FloatArray, rules: IndexRules) -> FloatArray:
    """Indices of sums (dimensions, users): those of the dimensions, which may be the first alone, and the overall."""
    known = len(w)
    ln_d = ln_index(w, s1, m, rules.prior_weight)
    scores = np.empty((known + 1, w.shape[1]), dtype=w.dtype)
    np.exp(ln_d, out=scores[:known])
    ln_overall, _ = overall_index(ln_d, rules)
    np.exp(ln_overall, out=scores[-1])
    return scores


def payload(scores: FloatArray, session: FloatArray, bad: FloatArray, expected: FloatArray) -> FloatArray:
    """What users add to their group, a line each: whether active, whether suffering, sessions, bad, expected; then

    whether there is an index, the index, and `PER_SQUARE` times its square for each line of `scores` (NaN: none):
    of the first dimensions, then the overall index, 1..100 in single precision.
    """
    known, users = scores.shape
    lines = np.empty((SESSION_LINES + 3 * known, users))
    lines[0] = active = session > 0
    lines[1] = active & (2 * bad >= session)
    lines[2], lines[3], lines[4] = session, bad, expected
    there, index, square = lines[SESSION_LINES:].reshape(3, known, users)
    there[:] = ~np.isnan(scores)
    index[:] = np.where(there, scores, 0.0)
    np.multiply(index, index, out=square)
    np.rint(np.multiply(square, PER_SQUARE, out=square), out=square)
    return lines


def starts_of(*keys: Codes) -> Codes:
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
        (np.ones(len(rows), parts.dtype), rows, np.append(starts, len(rows))), shape=(len(starts), len(parts))
    )
    return np.asarray(runs @ parts)


def _scattered(table: FloatArray, into: NDArray[np.int32]) -> FloatArray:
    """Rows of the table added up at the places given."""
    rows = len(into)
    places = csc_array(
        (np.ones(rows), into, np.arange(rows + 1, dtype=np.int32)), shape=(int(into.max(initial=0)) + 1, rows)
    )
    return np.asarray(places @ table)


def _lines(columns: FloatArray) -> FloatArray:
    """The transpose, made in blocks that stay in the nearest cache: twice as fast as in one go."""
    lines = np.empty(columns.shape[::-1], dtype=columns.dtype)
    for start in range(0, len(columns), _BLOCK):
        lines[:, start : start + _BLOCK] = columns[start : start + _BLOCK].T
    return lines
