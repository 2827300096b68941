"""Made-up tables with known causes, after the generator of the RiskLoc paper (Kalander 2022, arXiv 2205.10004)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Leaf = frozenset[tuple[int, int]]  # column and value
Element = frozenset[tuple[str, int]]

# The ranges of the paper's data sets S and H.
ZERO = (0.0, 0.25)  # share of leaves without traffic
NOISE = (0.0, 0.25)  # relative error of a leaf's forecast
SEVERITY = (0.2, 1.0)  # the noise is added to it, so that a cause is none of the noise
DEVIATION = (0.0, 0.1)  # of the severity among the leaves of one cause
WEIBULL = (0.5, 1.0)  # shape of the leaves' sizes
MOST = 3  # causes, and elements of each


@dataclass(frozen=True, kw_only=True)
class Table:
    """Leaves with columns a, b, ..., `n`, `bad` and `expected`; `truth` its elements: column and value."""

    frame: pd.DataFrame
    attributes: list[str]
    truth: set[Element]


def table(rng: np.random.Generator, sizes: tuple[int, ...], *, ratio: bool = False, causes: bool = True) -> Table:
    """Draw a table of all combinations of values.

    Additive: sizes of leaves are Weibull, and the forecast of a cause's leaves is lower by its severity. `ratio`: `n`
    of that size, of which 5 % are bad, or in a cause as many more as the severity of a cluster says.
    """
    names = [chr(ord("a") + place) for place in range(len(sizes))]
    codes = np.indices(sizes, dtype=np.int16).reshape(len(sizes), -1)
    leaves = codes.shape[1]
    noise = rng.uniform(*NOISE)
    size = 100 * rng.weibull(rng.uniform(*WEIBULL), leaves) * (rng.random(leaves) > rng.uniform(*ZERO))
    drawn = _causes(rng, sizes, size) if causes else []
    frame = pd.DataFrame(dict(zip(names, codes, strict=True)))
    if ratio:
        _ratios(rng, frame, size, noise, drawn)
    else:
        _amounts(rng, frame, size, noise, drawn)
    truth = {frozenset((names[column], value) for column, value in each) for each, _ in drawn}
    return Table(frame=frame, attributes=names, truth=truth)


def _amounts(
    rng: np.random.Generator, frame: pd.DataFrame, size: Floats, noise: float, drawn: list[tuple[Leaf, Bools]]
) -> None:
    other = np.maximum(size * (1 + rng.normal(0, noise, len(size))), 0.0)
    swapped = rng.random(len(size)) < 0.5
    seen, forecast = np.where(swapped, other, size), np.where(swapped, size, other)
    for number in {id(inside): inside for _, inside in drawn}.values():
        lost = rng.normal(rng.uniform(*SEVERITY) + noise, rng.uniform(*DEVIATION), int(number.sum()))
        forecast[number] = np.maximum(seen[number] * (1 - lost), 0.0)
    frame["bad"], frame["expected"] = seen.astype(np.float32), forecast.astype(np.float32)


def _ratios(
    rng: np.random.Generator, frame: pd.DataFrame, size: Floats, noise: float, drawn: list[tuple[Leaf, Bools]]
) -> None:
    n = np.ceil(size)
    chance = np.full(len(size), 0.05)
    for inside in {id(inside): inside for _, inside in drawn}.values():
        chance[inside] += (rng.uniform(*SEVERITY)) * (1 - chance[inside])
    frame["n"], frame["bad"] = n, rng.binomial(n.astype(np.int64), chance)
    frame["expected"] = np.clip(0.05 * n * (1 + rng.normal(0, noise, len(n))), 0.0, n)


def _causes(rng: np.random.Generator, sizes: tuple[int, ...], size: Floats) -> list[tuple[Leaf, Bools]]:
    """Elements with the leaves of their cause: no two causes over the same columns, no value of a column twice."""
    drawn: list[tuple[tuple[int, ...], set[tuple[int, ...]], Bools]] = []
    wanted = int(rng.integers(1, MOST + 1))
    while len(drawn) < wanted:
        depth = int(rng.integers(1, len(sizes) + 1))
        columns = tuple(sorted(rng.choice(len(sizes), depth, replace=False).tolist()))
        number = int(rng.integers(1, MOST + 1))
        if depth < len(sizes) and any(columns == each for each, _, _ in drawn):
            continue
        free = [_free(column, sizes[column], drawn) for column in columns]
        if not all(free):
            continue
        elements = {tuple(int(rng.choice(values)) for values in free) for _ in range(number)}
        inside = np.logical_or.reduce([_inside(sizes, columns, each) for each in elements])
        if len(elements) < number or (depth == len(sizes) and (size[inside] == 0).any()):
            continue
        drawn.append((columns, elements, inside))
    return [
        (frozenset(zip(columns, each, strict=True)), inside) for columns, elements, inside in drawn for each in elements
    ]


def _free(column: int, size: int, drawn: list[tuple[tuple[int, ...], set[tuple[int, ...]], Bools]]) -> list[int]:
    used = {each[columns.index(column)] for columns, elements, _ in drawn if column in columns for each in elements}
    return [value for value in range(size) if value not in used]


def _inside(sizes: tuple[int, ...], columns: tuple[int, ...], element: tuple[int, ...]) -> Bools:
    chosen = dict(zip(columns, element, strict=True))
    inside = np.zeros(sizes, bool)
    inside[tuple(chosen.get(column, slice(None)) for column in range(len(sizes)))] = True
    return inside.reshape(-1)
