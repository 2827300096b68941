"""Sessions as Arrow tables with the columns of the input contract."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cemaphore.demo import catalogue
from cemaphore.demo.arrays import Bools, Floats, Ints
from cemaphore.demo.city import City
from cemaphore.demo.drawing import APPS, HOUR_S, Drawn
from cemaphore.demo.measuring import Measured
from cemaphore.demo.people import People
from cemaphore.demo.services import Columns
from cemaphore.demo.size import WorldSize

_PER_HOUR = 10**9  # session numbers of an hour; no probe counts more
_INTEGERS = ("duration_ms", "bytes_dl", "bytes_ul")
_TEXTS = (
    "session_id", "source", "subscriber_id", "subscriber_kind", "tac", "cell_id", "access", "screen", "service", "app",
    "server", "core_node", "plan", "failure_cause", "video_codec", "voice_codec",
)  # fmt: skip
_NUMBERS = (
    "throughput_dl_kbps", "throughput_ul_kbps", "rtt_client_ms", "rtt_server_ms", "loss_dl", "loss_ul", "jitter_ms",
    "dns_ms", "connect_ms", "tls_ms", "ttfb_ms", "page_load_ms", "startup_ms", "stall_count", "stall_ms", "play_ms",
    "video_kbps", "video_fps", "video_height", "audio_kbps", "voice_kbps", "setup_ms", "delay_ms", "deliver_ms",
    "rsrp_dbm", "sinr_db",
)  # fmt: skip
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in _TEXTS),
        ("start_time", pa.timestamp("ms", tz="UTC")),
        ("success", pa.bool_()),
        ("dropped", pa.bool_()),
        *((name, pa.int64()) for name in _INTEGERS),
        *((name, pa.float64()) for name in _NUMBERS),
        ("stall_at_ms", pa.list_(pa.int32())),
    ]
)


class SessionTables:
    """Turns the sessions of an hour into a table; the labels are looked up, never written out per row by hand."""

    def __init__(self, world: WorldSize, city: City, people: People) -> None:
        self._people = people
        self._begins_ms = round(world.begins.timestamp() * 1_000)
        self._tac_order = np.sort(city.models.tac.ravel())
        self._tac_text = pa.array([f"{tac:08d}" for tac in self._tac_order])
        self._cells = pa.array(city.cells.name)
        self._nr = city.cells.nr

    def table(self, hour: int, drawn: Drawn, seen: Measured, columns: Columns, kept: Bools) -> pa.Table:
        """Return the rows that a probe delivered, in order of time."""
        texts = self._texts(hour, drawn, seen)
        service = APPS.service[drawn.app]
        start_ms = self._begins_ms + np.round(drawn.at_h * HOUR_S * 1_000.0).astype(np.int64)
        arrays = {
            **texts,
            "start_time": pa.array(start_ms).cast(pa.timestamp("ms", tz="UTC")),
            "success": pa.array(seen.cause == catalogue.OK),
            "dropped": pa.array(seen.cause == catalogue.RADIO_DROP, mask=service != catalogue.VOICE),
            "duration_ms": pa.array(columns["duration_ms"].astype(np.int64)),
            "bytes_dl": pa.array(columns["bytes_dl"].astype(np.int64)),
            "bytes_ul": pa.array((0.08 * columns["bytes_dl"]).astype(np.int64)),
            **{name: pa.array(columns[name], from_pandas=True) for name in _NUMBERS},
            "stall_at_ms": _stalls(columns, drawn.uniforms[:, 3]),
        }
        table = pa.Table.from_arrays([arrays[name] for name in SCHEMA.names], schema=SCHEMA)
        return table if kept.all() else table.filter(pa.array(kept))

    def _texts(self, hour: int, drawn: Drawn, seen: Measured) -> dict[str, pa.Array]:
        service = APPS.service[drawn.app]
        people = self._people
        nothing = pa.nulls(drawn.count, pa.string())
        return {
            "session_id": pa.array(hour * _PER_HOUR + drawn.number).cast(pa.string()),
            "source": _named(catalogue.PROBES, drawn.core),
            "subscriber_id": people.imsi.take(pa.array(drawn.person)),
            "subscriber_kind": _named(("imsi",), np.zeros(drawn.count, dtype=np.int64)),
            "tac": self._tac_text.take(pa.array(np.searchsorted(self._tac_order, people.tac[drawn.person]))),
            "cell_id": self._cells.take(pa.array(drawn.cell)),
            "access": _named(("lte", "nr"), self._nr[drawn.cell].astype(np.int64)),
            "screen": _named(("handheld",), np.zeros(drawn.count, dtype=np.int64)),
            "service": _named(catalogue.SERVICES, service),
            "app": _named(tuple(app.name for app in catalogue.APPS), drawn.app),
            "server": _named(tuple(server.name for server in catalogue.SERVERS), drawn.server),
            "core_node": _named(catalogue.CORE_NODES, drawn.core),
            "plan": _named(catalogue.PLANS, people.plan[drawn.person]),
            "failure_cause": _where(_named(catalogue.CAUSES, seen.cause), seen.cause != catalogue.OK, nothing),
            "video_codec": _where(_named(("h264",), drawn.app * 0), service == catalogue.VIDEO, nothing),
            "voice_codec": _where(_named(("amr-wb",), drawn.app * 0), service == catalogue.VOICE, nothing),
        }


def _named(names: tuple[str, ...], index: Ints) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(index))


def _where(values: pa.Array, mask: Bools, otherwise: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(mask), values, otherwise)


def _stalls(columns: Columns, uniforms: Floats) -> pa.Array:
    """Return the media times of the stalls: one at a random place in each equal part of the play; null without any."""
    count = np.nan_to_num(columns["stall_count"]).astype(np.int64)
    ends = np.cumsum(count)
    session = np.repeat(np.arange(len(count)), count)
    nth = np.arange(len(session)) - np.repeat(ends - count, count)
    spread = np.modf(uniforms[session] * 997.0 + nth * 0.618)[0]
    at_ms = (nth + spread) / count[session] * columns["play_ms"][session]
    offsets = np.concatenate(([0], ends)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(at_ms.astype(np.int32)), mask=pa.array(count == 0))
