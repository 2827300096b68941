"""Sessions for the ingest benchmark: all columns of the contract, about 25 of them filled for each service."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from records.kinds import SERVICES, SESSIONS, ColumnType

START_US = 1_772_323_200_000_000  # 2026-03-01 00:00 UTC
SESSIONS_PER_HOUR = 250_000  # 200,000 subscribers with 30 sessions a day each
_QUARTER_US = 900_000_000
_COMMON = [
    "session_id",
    "start_time",
    "duration_ms",
    "subscriber_id",
    "tac",
    "cell_id",
    "access",
    "service",
    "app",
    "server",
    "core_node",
    "plan",
    "success",
    "bytes_dl",
    "bytes_ul",
    "throughput_dl_kbps",
    "throughput_ul_kbps",
    "rtt_client_ms",
    "rtt_server_ms",
    "loss_dl",
    "jitter_ms",
]
_OWN = {
    "web": "dns_ms connect_ms tls_ms ttfb_ms page_load_ms",
    "video": "startup_ms stall_count stall_ms play_ms stall_at_ms video_kbps video_height video_codec",
    "voice": "voice_codec voice_kbps setup_ms delay_ms dropped",
    "gaming": "loss_ul rsrp_dbm sinr_db setup_ms",
    "messaging": "deliver_ms connect_ms tls_ms",
    "file": "connect_ms ttfb_ms rsrp_dbm sinr_db",
    "payment": "dns_ms connect_ms tls_ms ttfb_ms page_load_ms",
}
_NAMES = {"cell_id": 3000, "app": 40, "server": 60, "core_node": 8, "plan": 12}


def subscribers(count: int) -> np.ndarray:
    """IMSIs of a made-up operator."""
    return np.char.add("46099", np.char.zfill(np.arange(count).astype(str), 10))


def write_hour(path: Path, hour: int, rows: int, population: int, seed: int = 1) -> None:
    """Write one hour of sessions in order of their quarters, shuffled inside each."""
    random = np.random.default_rng([seed, hour])
    service = random.choice(len(SERVICES), rows, p=(0.3, 0.25, 0.05, 0.1, 0.2, 0.05, 0.05))
    quarter = np.sort(random.integers(0, 4, rows))
    start = START_US + hour * 4 * _QUARTER_US + quarter * _QUARTER_US + random.integers(0, _QUARTER_US, rows)
    numbers = (np.arange(rows, dtype=np.int64) + hour * rows) * 2_654_435_761 % 2**40
    made = {
        "session_id": pa.array(numbers).cast(pa.string()),
        "start_time": pa.array(start, pa.timestamp("us", "UTC")),
        "subscriber_id": pa.array(subscribers(population)[random.integers(0, population, rows)]),
        "service": _coded(SERVICES, service),
    }
    for column in SESSIONS.columns:
        if column.name not in made:
            made[column.name] = _column(column.name, column.type, column.choices, rows, service, random)
    table = pa.table({column.name: made[column.name] for column in SESSIONS.columns})
    pq.write_table(table, path, compression="zstd")


def _column(
    name: str, kind: ColumnType, choices: tuple[str, ...], rows: int, service: np.ndarray, random: np.random.Generator
) -> pa.Array:
    given = np.array([name in _COMMON or name in _OWN[one].split() for one in SERVICES])[service]
    missing = ~given
    if kind is ColumnType.LABEL:
        names = choices or tuple(f"{name}-{number}" for number in range(_NAMES.get(name, 10)))
        return _coded(names, random.integers(0, len(names), rows), missing)
    if kind is ColumnType.BOOLEAN:
        return pa.array(random.random(rows) < (0.97 if name == "success" else 0.02), mask=missing)
    if kind is ColumnType.DIGITS8:
        return pa.array(35_000_000 + random.integers(0, 300, rows), pa.int32(), mask=missing)
    if kind is ColumnType.INTEGER:
        return pa.array(random.lognormal(10, 2, rows).astype(np.int64), pa.int64(), mask=missing)
    if kind is ColumnType.INTEGERS:
        lengths = np.where(missing, 0, random.integers(0, 3, rows))
        offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
        moments = pa.array(random.integers(0, 60_000, int(lengths.sum())), pa.int32())
        return pa.ListArray.from_arrays(offsets, moments, mask=pa.array(missing))
    if kind is ColumnType.TEXT:
        return pa.nulls(rows, pa.string())
    values = {
        "loss_dl": random.beta(1, 200, rows),
        "loss_ul": random.beta(1, 200, rows),
        "rsrp_dbm": random.normal(-95, 10, rows).clip(-140, -44),
        "sinr_db": random.normal(12, 6, rows).clip(-20, 40),
    }.get(name)
    return pa.array(random.lognormal(4, 1, rows) if values is None else values, pa.float32(), mask=missing)


def _coded(names: tuple[str, ...], codes: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
    indices = pa.array(codes.astype(np.int32), mask=missing)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names)).dictionary_decode()
