"""What a QoE model is: its inputs, its scale, where it comes from, and how it is run over columns of sessions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Columns = Mapping[str, NDArray[Any]]

BLOCK_ROWS = 16_384  # a dozen float64 temporaries of this length stay in a second-level cache


class Grounding(StrEnum):
    """How far a formula or a number can be trusted; shown wherever the score is shown."""

    PUBLISHED = "published"  # printed in the named source and recomputed
    PROVISIONAL = "provisional"  # a planning value, or a source that was not read itself
    PROXY = "proxy"  # a published number, used for something else than it was measured for
    OWN = "own"  # ours, with its reason


@dataclass(frozen=True, kw_only=True)
class Input:
    """One column that a model reads.

    Values outside `possible` (inclusive) are missing; values outside `valid` are scored, but marked provisional.
    `direction` is +1 or -1 where the MOS never falls or never rises with the value, else 0.
    `choices` makes it a categorical column of codes. `assumed` says what stands in for a missing value.
    """

    name: str
    unit: str = ""
    possible: tuple[float, float] = (0.0, np.inf)
    valid: tuple[float, float] | None = None
    direction: int = 0
    choices: tuple[str, ...] = ()
    assumed: str = ""


@dataclass(frozen=True, eq=False)
class Block:
    """A run of rows of a session frame, read column by column, that collects which rows rest on an assumption."""

    columns: Columns
    start: int
    stop: int
    inputs: Mapping[str, Input]
    provisional: BoolArray
    _numbers: dict[str, FloatArray] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.stop - self.start

    def number(self, name: str) -> FloatArray:
        """Values of a numeric column as float64, NaN where missing or impossible; do not write into it."""
        if name not in self._numbers:
            self._numbers[name] = self._read(name)
        return self._numbers[name]

    def code(self, name: str) -> NDArray[np.intp]:
        """Codes of a categorical column, -1 where unknown."""
        if name not in self.columns:
            return np.full(self.rows, -1, dtype=np.intp)
        raw = np.asarray(self.columns[name][self.start : self.stop])
        if raw.dtype.kind == "f":
            raw = np.where(np.isfinite(raw), raw, -1)
        codes = raw.astype(np.intp)
        return np.where((codes >= 0) & (codes < len(self.inputs[name].choices)), codes, -1)

    def flag(self, name: str) -> NDArray[np.int8]:
        """Values of a truth column: 1, 0, or -1 where unknown."""
        return flags(self.columns, name, self.rows, slice(self.start, self.stop))

    def lists(self, name: str) -> NDArray[np.object_] | None:
        """Values of a list column (an object array of sequences or None); None where there is no such column."""
        return self.columns[name][self.start : self.stop] if name in self.columns else None

    def known(self, name: str) -> BoolArray:
        """Rows in which the column has a possible value."""
        if self.inputs[name].choices:
            return self.code(name) >= 0
        return ~np.isnan(self.number(name))

    def or_assumed(self, name: str, value: float | FloatArray) -> FloatArray:
        """Values of a numeric column with `value` where missing; those rows become provisional."""
        numbers = self.number(name)
        missing = np.isnan(numbers)
        if not missing.any():
            return numbers
        self.assume(missing)
        return np.where(missing, value, numbers)

    def assume(self, rows: BoolArray) -> None:
        """Mark rows as resting on an assumption."""
        np.logical_or(self.provisional, rows, out=self.provisional)

    def _read(self, name: str) -> FloatArray:
        if name not in self.columns:
            return np.full(self.rows, np.nan)
        raw = np.asarray(self.columns[name][self.start : self.stop], dtype=np.float64)
        lo, hi = self.inputs[name].possible
        possible = (raw >= lo) & (raw <= hi) & np.isfinite(raw)
        return raw if possible.all() else np.where(possible, raw, np.nan)


@dataclass(frozen=True, eq=False)
class Score:
    """MOS per session on the model's own scale (NaN: not enough data), and which rest on an assumption."""

    mos: FloatArray
    provisional: BoolArray


@dataclass(frozen=True, kw_only=True)
class QoeModel:
    """One model from measurements of a session to a MOS.

    `scale` is the range of its MOS. `required` lists groups of alternatives: in each group one column must be known,
    else the MOS is NaN. `formula` maps a block of rows to MOS values and marks what it assumes.
    """

    name: str
    version: str
    title: str
    services: tuple[str, ...]
    scale: tuple[float, float]
    grounding: Grounding
    source: str
    inputs: tuple[Input, ...]
    required: tuple[tuple[str, ...], ...]
    formula: Callable[[Block], FloatArray]
    note: str = ""

    @property
    def directions(self) -> Mapping[str, int]:
        """Column to +1 or -1 for the inputs in which the MOS is monotone."""
        return {item.name: item.direction for item in self.inputs if item.direction}

    @property
    def optional(self) -> tuple[str, ...]:
        """Names of the inputs that may be missing."""
        needed = {name for group in self.required if len(group) == 1 for name in group}
        return tuple(item.name for item in self.inputs if item.name not in needed)

    def score(self, columns: Columns) -> Score:
        """MOS and provisional mask of every row of a session frame."""
        rows = row_count(columns)
        mos = np.empty(rows)
        provisional = np.zeros(rows, dtype=np.bool_)
        inputs = {item.name: item for item in self.inputs}
        for start in range(0, rows, BLOCK_ROWS):
            stop = min(start + BLOCK_ROWS, rows)
            block = Block(columns, start, stop, inputs, provisional[start:stop])
            mos[start:stop] = self._score_block(block)
        return Score(mos, provisional)

    def mos(self, columns: Columns) -> FloatArray:
        """MOS of every row, NaN where required inputs are missing."""
        return self.score(columns).mos

    def provisional(self, columns: Columns) -> BoolArray:
        """Rows whose MOS rests on an assumption or on a value outside the valid range."""
        return self.score(columns).provisional

    def _score_block(self, block: Block) -> FloatArray:
        mos = np.clip(self.formula(block), *self.scale)
        for group in self.required:
            known = block.known(group[0])
            for name in group[1:]:
                known = known | block.known(name)
            if not known.all():
                mos[~known] = np.nan
        for item in self.inputs:
            if item.valid is not None and not item.choices:
                value = block.number(item.name)
                block.assume((value < item.valid[0]) | (value > item.valid[1]))
        block.provisional[np.isnan(mos)] = False
        return mos


def row_count(columns: Columns) -> int:
    """Number of rows of a session frame."""
    return len(next(iter(columns.values()))) if columns else 0


def flags(columns: Columns, name: str, rows: int, part: slice = slice(None)) -> NDArray[np.int8]:
    """A truth column as int8: 1, 0, or -1 where unknown, from booleans, integers (-1 unknown) or floats (NaN)."""
    if name not in columns:
        return np.full(rows, -1, dtype=np.int8)
    raw = np.asarray(columns[name][part])
    if raw.dtype.kind == "O":
        raw = np.array([np.nan if value is None else value for value in raw], dtype=np.float64)
    if raw.dtype.kind == "f":
        raw = np.where(np.isfinite(raw), raw, -1)
    return raw.astype(np.int8)
