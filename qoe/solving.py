"""Regularised least squares over many levels, of which the most belong to one attribute: exact, by elimination."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BLOCK = 4096  # eliminated levels that are held dense at once


@dataclass(frozen=True, eq=False)
class Solver:
    """The inverse of `cross + diag(ridge)`, never written down whole.

    The levels of one attribute never meet in a session, so their block is diagonal: `big` of them are eliminated, and
    what is left (Schur complement) is dense and small. `schur` is the inverse of that rest.
    """

    big: Ints
    rest: Ints
    diagonal: Floats
    between: csr_array
    schur: Floats

    @classmethod
    def of(cls, cross: csr_array, ridge: Floats, factor: NDArray[np.integer]) -> "Solver":
        """Eliminate the attribute with the most levels; `factor` numbers the attribute of each level."""
        largest = int(np.argmax(np.bincount(factor)))
        big, rest = np.flatnonzero(factor == largest), np.flatnonzero(factor != largest)
        diagonal = np.asarray(cross.diagonal())[big] + ridge[big]
        between = csr_array(cross[big][:, rest])
        scaled = between.multiply(1.0 / diagonal[:, None])
        block = cross[rest][:, rest].toarray() + np.diag(ridge[rest]) - (between.T @ scaled).toarray()
        inverse = cho_solve(cho_factor(block, lower=True), np.eye(len(rest))) if len(rest) else block
        return cls(big, rest, diagonal, between, np.asarray(inverse))

    def solve(self, right: Floats) -> Floats:
        """The solution for right-hand sides (levels, any number)."""
        of_big, of_rest = right[self.big], right[self.rest]
        small = self.schur @ (of_rest - self.between.T @ (of_big / self.diagonal[:, None]))
        whole = np.zeros_like(right, dtype=np.float64)
        whole[self.rest] = small
        whole[self.big] = (of_big - self.between @ small) / self.diagonal[:, None]
        return whole

    def variances(self) -> Floats:
        """The diagonal of the inverse."""
        whole = np.zeros(len(self.big) + len(self.rest))
        whole[self.rest] = np.diag(self.schur)
        for start in range(0, len(self.big), _BLOCK):
            part = self.between[start : start + _BLOCK]
            through = np.asarray(part.multiply(part @ self.schur).sum(axis=1)).ravel()
            diagonal = self.diagonal[start : start + _BLOCK]
            whole[self.big[start : start + _BLOCK]] = 1.0 / diagonal + through / diagonal**2
        return whole
