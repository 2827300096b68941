"""What a QoE model is: its inputs, its scale, where it comes from, and how it is run over columns of sessions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Columns = Mapping[str, NDArray[Any]]

BLOCK_ROWS = 32_768  # a dozen temporaries of this length stay in a second-level cache


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
    """A run of rows of a session frame, read column by column, that collects which rows rest on an assumption.

    Numbers come in the model's `precision`: a formula that is to stay in it takes its tables in it as well.
    """

    columns: Columns
    start: int
    stop: int
    inputs: Mapping[str, Input]
    provisional: BoolArray
    precision: type[np.floating[Any]] = np.float64
    _numbers: dict[str, FloatArray] = field(default_factory=dict)
    _codes: dict[str, NDArray[np.intp]] = field(default_factory=dict)
    _missing: dict[str, BoolArray] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.stop - self.start

    def number(self, name: str) -> FloatArray:
        """Values of a numeric column, NaN where missing or impossible; do not write into it."""
        if name not in self._numbers:
            self._numbers[name] = self._read(name)
        return self._numbers[name]

    def code(self, name: str) -> NDArray[np.intp]:
        """Codes of a categorical column, -1 where unknown; do not write into it."""
        if name not in self._codes:
            self._codes[name] = self._read_codes(name)
        return self._codes[name]

    def lists(self, name: str) -> NDArray[np.object_] | None:
        """Values of a list column (an object array of sequences or None); None where there is no such column."""
        return self.columns[name][self.start : self.stop] if name in self.columns else None

    def missing(self, name: str) -> BoolArray:
        """Rows in which the column has no possible value; do not write into it."""
        if name not in self._missing:
            if not self.inputs[name].choices:
                self._missing[name] = np.isnan(self.number(name))
            elif name in self.columns:
                self.code(name)
            else:
                self._missing[name] = np.ones(self.rows, dtype=np.bool_)
        return self._missing[name]

    def or_zero(self, name: str) -> FloatArray:
        """Values of a numeric column that is never negative, 0 where missing; nothing is marked."""
        return np.fmax(self.number(name), 0.0)

    def or_assumed(self, name: str, value: float | FloatArray) -> FloatArray:
        """Values of a numeric column with `value` where missing; those rows become provisional."""
        numbers, missing = self.number(name), self.missing(name)
        if not missing.any():
            return numbers
        self.assume(missing)
        filled = numbers.copy()
        filled[missing] = value[missing] if isinstance(value, np.ndarray) else value
        return filled

    def assume(self, rows: BoolArray) -> None:
        """Mark rows as resting on an assumption."""
        np.logical_or(self.provisional, rows, out=self.provisional)

    def _read(self, name: str) -> FloatArray:
        if name not in self.columns:
            return np.full(self.rows, np.nan, dtype=np.dtype(self.precision))
        raw = np.asarray(self.columns[name][self.start : self.stop])
        if raw.dtype.kind == "O":
            raw = raw.astype(np.float64)
        lo, hi = self.inputs[name].possible
        hi = min(hi, *(float(np.finfo(kind).max) for kind in (self.precision, raw.dtype) if np.dtype(kind).kind == "f"))
        # A NaN is neither below nor above; the least and the greatest are cheaper than two comparisons of all.
        if len(raw) and (float(np.fmin.reduce(raw)) < lo or float(np.fmax.reduce(raw)) > hi):
            raw = np.where((raw >= lo) & (raw <= hi), raw, np.nan)
        values: FloatArray = raw.astype(self.precision, copy=False)
        return values

    def _read_codes(self, name: str) -> NDArray[np.intp]:
        if name not in self.columns:
            return np.full(self.rows, -1, dtype=np.intp)
        raw = np.asarray(self.columns[name][self.start : self.stop])
        if raw.dtype.kind == "f":
            raw = np.where(np.isfinite(raw), raw, -1)
        self._missing[name] = raw < 0
        codes = raw.astype(np.intp)
        choices = len(self.inputs[name].choices)
        if len(raw) and (raw.min() < -1 or raw.max() >= choices):
            self._missing[name] |= raw >= choices
            codes[self._missing[name]] = -1
        return codes


@dataclass(frozen=True, eq=False)
class Score:
    """MOS per session on the model's own scale (NaN: not enough data), and which rest on an assumption."""

    mos: FloatArray
    provisional: BoolArray


@dataclass(frozen=True, kw_only=True)
class QoeModel:
    """One model from measurements of a session to a MOS.

    `scale` is the range of its MOS. `required` lists groups of alternatives: in each group one column must be known,
    else the MOS is NaN. `formula` maps a block of rows to MOS values and marks what it assumes. `precision` is what it
    computes in: single where that moves no MOS by more than 1e-6, since it takes half of the time.
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
    precision: type[np.floating[Any]] = np.float64

    @property
    def directions(self) -> Mapping[str, int]:
        """Column to +1 or -1 for the inputs in which the MOS is monotone."""
        return {item.name: item.direction for item in self.inputs if item.direction}

    @property
    def optional(self) -> tuple[str, ...]:
        """Names of the inputs that may be missing."""
        needed = {name for group in self.required if len(group) == 1 for name in group}
        return tuple(item.name for item in self.inputs if item.name not in needed)

    def score(self, columns: Columns, into: Score | None = None) -> Score:
        """MOS and provisional mask of every row of a session frame; written `into` arrays of its length if given."""
        rows = row_count(columns)
        found = into or Score(np.empty(rows), np.empty(rows, dtype=np.bool_))
        found.provisional[:] = False
        inputs = {item.name: item for item in self.inputs}
        for start in range(0, rows, BLOCK_ROWS):
            part = slice(start, min(start + BLOCK_ROWS, rows))
            block = Block(columns, start, part.stop, inputs, found.provisional[part], self.precision)
            self._score_block(block, found.mos[part])
        return found

    def mos(self, columns: Columns) -> FloatArray:
        """MOS of every row, NaN where required inputs are missing."""
        return self.score(columns).mos

    def provisional(self, columns: Columns) -> BoolArray:
        """Rows whose MOS rests on an assumption or on a value outside the valid range."""
        return self.score(columns).provisional

    def _score_block(self, block: Block, mos: FloatArray) -> None:
        """Write the block's MOS into `mos`."""
        result = self.formula(block)
        unknown = np.isnan(result)
        np.clip(result, *self.scale, out=mos, dtype=np.float64)
        for first, *others in self.required:
            missing = block.missing(first)
            for name in others:
                missing = missing & block.missing(name)
            if np.greater(missing, unknown).any():  # a formula need not look at everything that is required
                mos[missing] = np.nan
                unknown |= missing
        for item in self.inputs:
            if item.valid is not None and not item.choices:
                self._mark_outside(block, item.name, item.valid, item.possible)
        np.greater(block.provisional, unknown, out=block.provisional)

    @staticmethod
    def _mark_outside(block: Block, name: str, valid: tuple[float, float], possible: tuple[float, float]) -> None:
        """Mark the rows whose value is outside the valid range; beyond what is possible there is none."""
        value = block.number(name)
        if valid[0] > possible[0]:
            block.assume(value < valid[0])
        if valid[1] < possible[1]:
            block.assume(value > valid[1])


def single(values: ArrayLike) -> FloatArray:
    """Return a table in single precision, so that a formula in single precision stays in it."""
    return np.asarray(values, dtype=np.dtype("f4"))


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
