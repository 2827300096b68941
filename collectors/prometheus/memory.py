"""The last sample of every series of one source, in memory and as it is kept in the database."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from records.errors import DataError

NEVER = np.iinfo(np.int64).min
_INSTANT = pa.timestamp("us", "UTC")
_SCHEMA = pa.schema(
    [
        ("object_id", pa.dictionary(pa.int32(), pa.string())),
        ("counter", pa.dictionary(pa.int32(), pa.string())),
        ("value", pa.float64()),
        ("time", _INSTANT),
    ]
)


class Names:
    """Distinct names by number, in order of appearance."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        """Return the number of a name, a new one where it is new."""
        return self._numbers.setdefault(name, len(self._numbers))

    def array(self) -> pa.StringArray:
        """All names by number."""
        return pa.array(list(self._numbers), pa.string())


class Memory:
    """Series by place: object, counter, last value (NaN: none to count on from) and its time (`NEVER`: none).

    `at` is when the source was last read (None: never).
    """

    def __init__(self) -> None:
        self.at: datetime | None = None
        self.objects, self.counters = Names(), Names()
        self.value: NDArray[np.float64] = np.zeros(0)
        self.time_us: NDArray[np.int64] = np.zeros(0, np.int64)
        self._places: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        return len(self._places)

    def place(self, object_id: str, counter: str) -> int:
        """Return the place of a series, a new one where it is new; `grow` afterwards."""
        key = (self.objects.number(object_id), self.counters.number(counter))
        return self._places.setdefault(key, len(self._places))

    def grow(self) -> None:
        """Give new series their empty last samples."""
        missing = len(self._places) - len(self.value)
        if missing:
            self.value = np.concatenate([self.value, np.full(missing, np.nan)])
            self.time_us = np.concatenate([self.time_us, np.full(missing, NEVER)])

    def named(self, places: NDArray[np.intp]) -> tuple[pa.DictionaryArray, pa.DictionaryArray]:
        """Return objects and counters of the series at these places."""
        codes = np.array(list(self._places), np.int32).reshape(-1, 2)[places]
        columns = ((codes[:, 0], self.objects), (codes[:, 1], self.counters))
        objects, counters = (
            pa.DictionaryArray.from_arrays(pa.array(np.ascontiguousarray(numbers)), names.array())
            for numbers, names in columns
        )
        return objects, counters

    def dump(self, since_us: int) -> tuple[int, bytes]:
        """Return how many series had a sample at or after that moment, and these as a compressed Arrow stream."""
        places = np.flatnonzero(self.time_us >= since_us)
        objects, counters = self.named(places)
        columns = [objects, counters, pa.array(self.value[places]), pa.array(self.time_us[places]).cast(_INSTANT)]
        sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_stream(sink, _SCHEMA, options=options) as writer:
            writer.write_batch(pa.record_batch(columns, schema=_SCHEMA))
        return len(places), sink.getvalue().to_pybytes()

    @classmethod
    def load(cls, at: datetime, samples: bytes) -> "Memory":
        """Read what `dump` wrote; raises `DataError` where it is something else."""
        memory = cls()
        memory.at = at.astimezone(UTC)
        if not samples:
            return memory
        try:
            table = pa.ipc.open_stream(samples).read_all()
            table = table.select(_SCHEMA.names).cast(_SCHEMA)
        except (pa.ArrowInvalid, KeyError, OSError) as error:
            raise DataError(f"the kept samples of the source cannot be read: {error}", code="state") from None
        names = zip(table["object_id"].to_pylist(), table["counter"].to_pylist(), strict=True)
        for object_id, counter in names:
            memory.place(object_id, counter)
        memory.value = table["value"].to_numpy().copy()
        memory.time_us = table["time"].cast(pa.int64()).to_numpy().copy()
        return memory
