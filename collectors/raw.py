"""What the readers of formats hand on: columns as they stand in the file, before any of them is believed."""

from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class Raw:
    """A block of records as read; `rows` numbers them in their file, `None` columns are absent."""

    batch: pa.RecordBatch
    rows: pa.Int64Array


@dataclass(kw_only=True)
class Notes:
    """What a reader says of a file as a whole."""

    dropped: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        """Say something once."""
        if text not in self.warnings:
            self.warnings.append(text)
