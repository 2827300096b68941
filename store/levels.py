"""Usual levels of measurements in the database: histograms that forget, and what each baseline froze of them."""

from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from store.connection import Connection
from store.copying import Arrays, copy_in

_LISTS = {"measure": pa.int16(), "slot": pa.int16(), "n": pa.float32(), "median": pa.float32(), "mad": pa.float32()}


def learned_until(connection: Connection) -> date | None:
    """Return the day before which the histograms know every day that they were taught; None when they know none."""
    row = connection.execute("SELECT max(learned_until) FROM cem.level_state").fetchone()
    return row[0] if row else None


def histogram(connection: Connection, attribute: str, measure: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return keys and counts of a measure by the values of an attribute, as they are now; empty without any."""
    row = connection.execute(
        "SELECT keys, counts FROM cem.level_state WHERE attribute = %s AND measure = %s",
        [attribute, measure],
        binary=True,
    ).fetchone()
    keys, counts = row or (b"", b"")
    return np.frombuffer(keys, "<i8").astype(np.int64), np.frombuffer(counts, "<f4").astype(np.float64)


def keep_histogram(
    connection: Connection,
    attribute: str,
    measure: str,
    keys: NDArray[np.int64],
    counts: NDArray[np.float64],
    until: date,
) -> None:
    """Replace the histogram of a measure and attribute by one that knows the days before `until`."""
    connection.execute(
        "INSERT INTO cem.level_state (attribute, measure, learned_until, keys, counts) VALUES (%s, %s, %s, %s, %s) "
        "ON CONFLICT (attribute, measure) DO UPDATE SET learned_until = excluded.learned_until, keys = excluded.keys, "
        "counts = excluded.counts",
        [attribute, measure, until, keys.astype("<i8").tobytes(), counts.astype("<f4").tobytes()],
    )


def add_levels(connection: Connection, baseline_id: int, attribute: str, rows: Arrays) -> None:
    """Store what a baseline freezes of one attribute: arrays value, measure, slot, n, median, mad."""
    order = np.lexsort((rows["slot"], rows["measure"], rows["value"]))
    values, first = np.unique(rows["value"][order], return_index=True)
    offsets = pa.array(np.append(first, len(order)).astype(np.int32))
    lists = {
        name: pa.ListArray.from_arrays(offsets, pa.array(rows[name][order]).cast(kind)) for name, kind in _LISTS.items()
    }
    same = {"baseline_id": pa.scalar(baseline_id, pa.int32()), "attribute": pa.scalar(attribute)}
    columns = {name: pa.repeat(value, len(values)) for name, value in same.items()}
    batch = pa.record_batch({**columns, "value": pa.array(values.astype(np.int32)), **lists})
    copy_in(connection, "cem.baseline_level", batch)


def level_rows(connection: Connection, baseline_id: int, attribute: str, value: int) -> Arrays | None:
    """Return the frozen levels of one value of an attribute, arrays as for `add_levels`; None where there are none."""
    row = connection.execute(
        "SELECT measure, slot, n, median, mad FROM cem.baseline_level "
        "WHERE baseline_id = %s AND attribute = %s AND value = %s",
        [baseline_id, attribute, value],
    ).fetchone()
    if row is None:
        return None
    lists = {name: np.asarray(part, dtype=np.float64) for name, part in zip(_LISTS, row, strict=True)}
    return {"value": np.full(len(row[0]), value, dtype=np.int64), **lists}
