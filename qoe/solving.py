"""Regularised least squares over many levels, of which the most belong to one attribute: exact, by elimination."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DENSE = 4_000_000  # pairs of levels that are written down: 32 MB
_BLOCK = 4096  # eliminated levels that are held dense at once


@dataclass(frozen=True, eq=False)
class Equations:
    """Normal equations, taken apart once for many ridges.

    The levels of one attribute never meet in a session, so their block is diagonal: `big` are those of the attribute
    with the most levels, which are eliminated; `block` is dense and small, `between` dense only where it is small.
    """

    big: Ints
    rest: Ints
    diagonal: Floats
    between: Floats | csr_array
    block: Floats

    @classmethod
    def of(cls, cross: csr_array, factor: NDArray[np.integer]) -> "Equations":
        """Take the cross table of levels apart; `factor` numbers the attribute of each level."""
        largest = int(np.argmax(np.bincount(factor)))
        big, rest = np.flatnonzero(factor == largest), np.flatnonzero(factor != largest)
        between = csr_array(cross[big][:, rest])
        return cls(
            big=big,
            rest=rest,
            diagonal=np.asarray(cross.diagonal(), dtype=np.float64)[big],
            between=between.toarray() if len(big) * len(rest) <= _DENSE else between,
            block=cross[rest][:, rest].toarray(),
        )

    def under(self, ridge: Floats) -> "Solver":
        """The solver of these equations with a ridge per level."""
        diagonal = self.diagonal + ridge[self.big]
        scaled = (
            self.between / diagonal[:, None]
            if isinstance(self.between, np.ndarray)
            else (csr_array(self.between.multiply(1.0 / diagonal[:, None])))
        )
        product = self.between.T @ scaled
        block = self.block - (product if isinstance(product, np.ndarray) else product.toarray())
        block[np.diag_indices_from(block)] += ridge[self.rest]
        inverse = cho_solve(cho_factor(block, lower=True), np.eye(len(block))) if len(block) else block
        return Solver(self.big, self.rest, diagonal, self.between, np.asarray(inverse))


@dataclass(frozen=True, eq=False)
class Solver:
    """The inverse of normal equations with a ridge, never written down whole; `schur` is the inverse of the rest."""

    big: Ints
    rest: Ints
    diagonal: Floats
    between: Floats | csr_array
    schur: Floats

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
            met = part @ self.schur
            through = np.asarray(
                (part * met if isinstance(part, np.ndarray) else part.multiply(met)).sum(axis=1)
            ).ravel()
            diagonal = self.diagonal[start : start + _BLOCK]
            whole[self.big[start : start + _BLOCK]] = 1.0 / diagonal + through / diagonal**2
        return whole
