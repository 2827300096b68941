"""Columns go into the database and come back the same."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from records.errors import DataError
from store.connection import Connection
from store.copying import copy_in, copy_out, copy_out_blocks

FIELDS = (("a", "i2"), ("b", "i4"), ("c", "i8"), ("d", "f4"), ("e", "f8"), ("f", "bool"), ("g", "time"))


@pytest.fixture
def table(connection: Connection) -> str:
    connection.execute(
        "CREATE TABLE public.sample (a smallint, b integer, c bigint, d real, e double precision, f boolean, "
        "g timestamptz, h text, i integer[], j uuid)"
    )
    return "public.sample"


def sample(rows: int) -> pa.RecordBatch:
    random = np.random.default_rng(7)
    numbers = random.integers(-30_000, 30_000, rows)
    times = random.integers(-(10**15), 4 * 10**15, rows)
    return pa.record_batch(
        {
            "a": pa.array(numbers.astype("i2")),
            "b": pa.array((numbers * 65_521).astype("i4")),
            "c": pa.array(numbers * 2**47),
            "d": pa.array(random.normal(size=rows).astype("f4")),
            "e": pa.array(random.normal(size=rows)),
            "f": pa.array(numbers % 2 == 0),
            "g": pa.array(times, pa.timestamp("us", "UTC")),
        }
    )


@pytest.mark.parametrize("rows", [0, 1, 2, 3000])
def test_arrays_come_back_as_they_went_in(connection: Connection, table: str, rows: int) -> None:
    batch = sample(rows)
    assert copy_in(connection, table, batch) == rows
    arrays = copy_out(connection, "SELECT a, b, c, d, e, f, g FROM sample ORDER BY ctid", FIELDS)
    for name, code in FIELDS:
        sent = batch.column(name).cast(pa.int64()) if code == "time" else batch.column(name)
        np.testing.assert_array_equal(arrays[name], sent.to_numpy(zero_copy_only=False))
        assert arrays[name].dtype == (np.int64 if code == "time" else sent.to_numpy(zero_copy_only=False).dtype)


@pytest.mark.parametrize("block_rows", [1, 7, 999, 1000, 1001])
def test_blocks_are_bounded_and_lose_nothing(connection: Connection, block_rows: int) -> None:
    query = "SELECT i::bigint FROM generate_series(1, 1000) i"
    blocks = list(copy_out_blocks(connection, query, [("i", "i8")], block_rows=block_rows))
    assert max(len(block["i"]) for block in blocks) <= block_rows
    np.testing.assert_array_equal(np.concatenate([block["i"] for block in blocks]), np.arange(1, 1001))


def test_reading_can_stop_half_way_and_the_connection_goes_on(connection: Connection) -> None:
    blocks = copy_out_blocks(
        connection, "SELECT i::bigint FROM generate_series(1, 100000) i", [("i", "i8")], block_rows=9
    )
    next(blocks)
    blocks.close()
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_parameters_reach_the_query(connection: Connection) -> None:
    query = "SELECT i FROM generate_series(1, 10) i WHERE i > %s"
    assert copy_out(connection, query, [("i", "i4")], [8])["i"].tolist() == [9, 10]


def test_a_null_in_a_result_is_refused(connection: Connection) -> None:
    with pytest.raises(DataError, match="coalesce"):
        copy_out(connection, "SELECT nullif(i, 3) FROM generate_series(1, 5) i", [("i", "i4")])
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_column_of_another_type_is_refused(connection: Connection) -> None:
    with pytest.raises(DataError, match="cast"):
        copy_out(connection, "SELECT i FROM generate_series(1, 5) i", [("i", "i8")])


def test_nulls_texts_lists_and_uuids_go_in(connection: Connection, table: str) -> None:
    moment = datetime(2026, 3, 1, 12, 30, 15, 123_456, tzinfo=UTC)
    batch = pa.record_batch(
        {
            "b": pa.array([1, None], pa.int32()),
            "f": pa.array([None, True]),
            "g": pa.array([moment, None], pa.timestamp("us", "UTC")),
            "h": pa.array(["网速慢 'x'\t\n", None]),
            "i": pa.array([[1, 2, 3], None], pa.list_(pa.int32())),
            "j": pa.array([bytes(range(16)), None], pa.binary(16)),
        }
    )
    copy_in(connection, table, batch)
    rows = connection.execute("SELECT b, f, g, h, i, j::text, a FROM sample ORDER BY ctid").fetchall()
    assert rows[0] == (1, None, moment, "网速慢 'x'\t\n", [1, 2, 3], "00010203-0405-0607-0809-0a0b0c0d0e0f", None)
    assert rows[1] == (None, True, None, None, None, None, None)
