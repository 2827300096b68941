"""Columns of few distinct names: a code for each row into the names that occur."""

from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collectors.problems import Problem
from records.errors import DataError


class Coded:
    """Rows as codes into `names`; -1 is missing. Changed in place, on the names and not on the rows."""

    def __init__(self, codes: np.ndarray, names: pa.StringArray) -> None:
        self.codes = codes
        self.names = names
        self._distinct = True

    @classmethod
    def missing(cls, length: int) -> Self:
        """A column in which nothing is given."""
        return cls(np.full(length, -1, np.int32), pa.array([], pa.string()))

    def rename(self, names: pa.StringArray, *, distinct: bool = False) -> None:
        """Give the names another spelling; `distinct` says that no two of them can have become one."""
        self._distinct = self._distinct and (distinct or names.equals(self.names))
        self.names = names

    def drop(self, names: np.ndarray) -> None:
        """Make rows of those names missing."""
        if names.any():
            self.codes = np.where(self.rows(names), np.int32(-1), self.codes)

    def refuse(self, names: np.ndarray, problems: list[Problem], code: str, why: str) -> None:
        """Name the rows of those names as wrong and make them missing."""
        if names.any() and (mask := self.rows(names)).any():
            problems.append(Problem(mask=mask, code=code, why=why))
            self.drop(names)

    def rows(self, names: np.ndarray) -> np.ndarray:
        """Which rows have one of those names."""
        if not len(names):
            return np.zeros(len(self.codes), bool)
        return np.asarray(names[self.codes] & (self.codes >= 0), bool)

    def array(self) -> pa.DictionaryArray:
        """The column with only the names that occur, each once."""
        codes, names = self.codes, self.names
        if not self._distinct and len(names):
            folded = names.dictionary_encode()
            fold = folded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
            codes = np.where(codes >= 0, fold[codes], np.int32(-1))
            names = folded.dictionary
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), names)


def encoded(values: pa.Array) -> Coded | None:
    """Any column of text or whole numbers as codes into the names that occur; None for other types.

    Raises `DataError` for codes that no name stands for, which only a damaged file has.
    """
    if not pa.types.is_dictionary(values.type):
        if pa.types.is_null(values.type):
            return Coded.missing(len(values))
        if pa.types.is_nested(values.type):
            return None
        values = values.dictionary_encode()
    names = values.dictionary
    if not (pa.types.is_string(names.type) or pa.types.is_large_string(names.type) or pa.types.is_integer(names.type)):
        return None
    codes = values.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    if len(codes) and (codes.max() >= len(names) or codes.min() < -1):
        raise DataError("its data are damaged (a name that is in no dictionary): not read.", code="corrupt")
    used = np.zeros(len(names) + 1, bool)
    used[codes] = True
    used[-1] = False
    if len(names) and not used[:-1].all():
        kept = np.flatnonzero(used[:-1])
        fold = np.full(len(names) + 1, -1, np.int32)
        fold[kept] = np.arange(len(kept), dtype=np.int32)
        codes, names = fold[codes], names.take(pa.array(kept))
    return Coded(codes, pc.cast(names, pa.string()))
