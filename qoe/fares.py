"""How users fared in the groups that they were in: their observations added up and made into indices, many at once."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

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
    """How users fared, each in one bucket or in all: the first `row` of each, and what is added up.

    `lines` are those of `payload`. Users with one observation only may be in `alone` instead, by its row: what they
    add is in `of_alone` (rows, lines), whatever the attribute. `bucket` is that of every row, 0 over all.
    """

    row: Codes
    lines: FloatArray
    alone: Codes
    of_alone: FloatArray
    bucket: Codes


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
    _fares: list[tuple[Fares, Fares]] = field(default_factory=list)
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

    def fares(self, rules: IndexRules) -> tuple[Fares, Fares]:
        """How every user fared in each bucket, and in all."""
        if not self._fares:
            parts = self.parts if len(self.touchpoints) else self.of_sessions
            start = starts_of(self.user, self.bucket), starts_of(self.user)
            nobody = np.zeros(0, dtype=np.int64)
            none = np.zeros_like(self.bucket)
            rows = np.arange(len(self.user))
            by_bucket, by_user = (_fared(parts, rows, first, rules) for first in start)
            empty = np.zeros((0, len(by_user)))
            self._fares.append(
                (
                    Fares(start[0], by_bucket, nobody, empty, self.bucket),
                    Fares(start[1], by_user, nobody, empty, none),
                )
            )
        return self._fares[0]

    def fares_of(self, rows: Codes, parts: FloatArray, rules: IndexRules, code: Codes) -> tuple[Fares, Fares]:
        """The same of some rows, in their order, apart by their code: sorted by code and bucket, and by code."""
        buckets = int(self.bucket.max(initial=0)) + 1
        by_bucket = stable_order(code * buckets + self.bucket[rows])
        none = np.zeros_like(self.bucket)
        by_user = stable_order(code)
        of_alone = self._of_alone(parts, rules)
        return (
            self._apart(rows[by_bucket], code[by_bucket], self.bucket, parts, rules, of_alone),
            self._apart(rows[by_user], code[by_user], none, parts, rules, of_alone),
        )

    def _apart(
        self, rows: Codes, code: Codes, bucket: Codes, parts: FloatArray, rules: IndexRules, of_alone: FloatArray
    ) -> Fares:
        """How users fared by code and bucket, `rows` sorted by these: most have one observation, which is known."""
        first = starts_of(code, bucket[rows], self.user[rows])
        length = np.diff(first, append=len(rows))
        several = length > 1
        begin = rows[first]
        run = np.append(0, np.cumsum(length[several]))[:-1]
        lines = _fared(parts, rows[np.repeat(several, length)], run, rules)
        return Fares(begin[several], lines, begin[~several], of_alone, bucket)

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
    return _scored(_lines(added_runs(parts, rows, first)), rules)


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


def added_runs(parts: FloatArray, rows: Codes, starts: Codes) -> FloatArray:
    """Sums of `parts[rows]` over the runs that begin at `starts`: a product with a sparse matrix of ones."""
    if not len(starts):
        return np.zeros((0, parts.shape[1]))
    runs = csr_array(
        (np.ones(len(rows), parts.dtype), rows, np.append(starts, len(rows))), shape=(len(starts), len(parts))
    )
    return np.asarray(runs @ parts)


def _lines(columns: FloatArray) -> FloatArray:
    """The transpose, made in blocks that stay in the nearest cache: twice as fast as in one go."""
    lines = np.empty(columns.shape[::-1], dtype=columns.dtype)
    for start in range(0, len(columns), _BLOCK):
        lines[:, start : start + _BLOCK] = columns[start : start + _BLOCK].T
    return lines
