"""From segment measurements to what each service was like: pages, stalls, voice delay, delivery; contract columns."""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from cemaphore.demo import catalogue
from cemaphore.demo.arrays import Bools, Floats, Ints, sigmoid
from cemaphore.demo.drawing import APPS, Drawn
from cemaphore.demo.measuring import Measured

_Z_SIZE, _Z_LENGTH, _Z_STALL, _Z_RENDER, _Z_EXTRA = 6, 7, 8, 9, 10
_LADDER_KBPS = np.array([rung[0] for rung in catalogue.VIDEO_LADDER], dtype=np.float64)
_LADDER_LINES = np.array([rung[1] for rung in catalogue.VIDEO_LADDER], dtype=np.float64)
_DNS_TIMEOUT_MS = 5_000.0

Columns = dict[str, Floats]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The sessions of one service, as far as its formulas need them."""

    z: Floats
    rate_kbps: Floats
    rtt_ms: Floats
    rtt_client_ms: Floats
    jitter_ms: Floats
    think_ms: Floats
    render: Floats
    decode_stalls: Floats

    def take(self, rows: Ints) -> "Rows":
        """Return those sessions."""
        return Rows(**{item.name: getattr(self, item.name)[rows] for item in fields(self)})


def _lookup_and_connect(rows: Rows) -> Columns:
    return {
        "dns_ms": 6.0 + rows.rtt_client_ms * np.exp(0.25 * rows.z[:, _Z_EXTRA]),
        "connect_ms": rows.rtt_ms,
        "tls_ms": rows.rtt_ms + 6.0,
        "ttfb_ms": rows.rtt_ms + rows.think_ms,
    }


def _page(rows: Rows, kbit: Floats, rounds: float) -> Columns:
    columns = _lookup_and_connect(rows)
    waiting = columns["dns_ms"] + columns["connect_ms"] + columns["tls_ms"] + columns["ttfb_ms"]
    transfer_ms = kbit / rows.rate_kbps * 1_000.0
    drawing_ms = 200.0 * rows.render * np.exp(0.3 * rows.z[:, _Z_RENDER])
    columns["page_load_ms"] = waiting + rounds * rows.rtt_ms + transfer_ms + drawing_ms
    columns["bytes_dl"] = kbit * 125.0
    columns["duration_ms"] = columns["page_load_ms"] + 5_000.0 * np.exp(0.8 * rows.z[:, _Z_LENGTH])
    return columns


def _web(rows: Rows) -> Columns:
    return _page(rows, 6_000.0 * np.exp(0.6 * rows.z[:, _Z_SIZE]), 2.0)


def _payment(rows: Rows) -> Columns:
    return _page(rows, 800.0 * np.exp(0.4 * rows.z[:, _Z_SIZE]), 2.0)


def _file(rows: Rows) -> Columns:
    columns = _lookup_and_connect(rows)
    kbit = 60_000.0 * np.exp(0.9 * rows.z[:, _Z_SIZE])
    columns["bytes_dl"] = kbit * 125.0
    columns["duration_ms"] = columns["ttfb_ms"] + kbit / rows.rate_kbps * 1_000.0
    return columns


def _video(rows: Rows) -> Columns:
    rung = np.clip(np.searchsorted(_LADDER_KBPS, 0.6 * rows.rate_kbps, side="right") - 1, 0, len(_LADDER_KBPS) - 1)
    kbps = _LADDER_KBPS[rung] * np.exp(0.1 * rows.z[:, _Z_EXTRA])
    play_s = np.clip(110.0 * np.exp(0.7 * rows.z[:, _Z_LENGTH]), 20.0, 1_200.0)
    # A buffer runs dry when the rate falls below the video's; its log is normal with deviation 0.35.
    per_minute = 3.0 * sigmoid((np.log(kbps / rows.rate_kbps) + 0.25) / 0.18) + rows.decode_stalls
    expected = per_minute * play_s / 60.0
    count = np.floor(np.clip(expected + 0.5 * np.sqrt(expected) * rows.z[:, _Z_STALL], 0.0, 60.0) + 0.35)
    each_ms = 1_100.0 * np.clip(kbps / rows.rate_kbps, 0.6, 6.0) * np.exp(0.4 * rows.z[:, _Z_SIZE])
    connect = _lookup_and_connect(rows)
    opening_ms = connect["dns_ms"] + connect["connect_ms"] + connect["tls_ms"] + connect["ttfb_ms"]
    startup = opening_ms + rows.rtt_ms + 2_000.0 * kbps / rows.rate_kbps + 150.0 * rows.render
    return {
        "dns_ms": connect["dns_ms"],
        "ttfb_ms": connect["ttfb_ms"],
        "startup_ms": startup,
        "stall_count": count,
        "stall_ms": count * each_ms,
        "play_ms": play_s * 1_000.0,
        "video_kbps": kbps,
        "video_fps": np.full(len(kbps), 30.0),
        "video_height": _LADDER_LINES[rung],
        "audio_kbps": np.full(len(kbps), 96.0),
        "bytes_dl": (kbps + 96.0) * play_s * 125.0,
        "duration_ms": startup + count * each_ms + play_s * 1_000.0,
    }


def _voice(rows: Rows) -> Columns:
    talk_ms = np.clip(80_000.0 * np.exp(0.8 * rows.z[:, _Z_LENGTH]), 5_000.0, 1_800_000.0)
    setup = 1_100.0 + 6.0 * rows.rtt_ms + 4.0 * rows.think_ms
    return {
        "setup_ms": setup,
        "delay_ms": 40.0 + rows.rtt_ms / 2.0 + 2.0 * rows.jitter_ms,
        "voice_kbps": np.where(rows.z[:, _Z_EXTRA] > 0.4, 12.65, 23.85),
        "bytes_dl": 24.0 * talk_ms / 8.0,
        "duration_ms": setup + talk_ms,
    }


def _gaming(rows: Rows) -> Columns:
    play_ms = np.clip(600_000.0 * np.exp(0.6 * rows.z[:, _Z_LENGTH]), 60_000.0, 3_600_000.0)
    return {"bytes_dl": 60.0 * play_ms / 8.0, "duration_ms": play_ms}


def _messaging(rows: Rows) -> Columns:
    kbit = 300.0 * np.exp(1.0 * rows.z[:, _Z_SIZE])
    deliver = 3.0 * rows.rtt_ms + 2.0 * rows.think_ms + 1_000.0 * kbit / rows.rate_kbps
    return {
        "deliver_ms": deliver + 60.0 * rows.render,
        "bytes_dl": kbit * 125.0,
        "duration_ms": deliver + 20_000.0 * np.exp(0.7 * rows.z[:, _Z_LENGTH]),
    }


_FORMULAS: dict[int, Callable[[Rows], Columns]] = {
    catalogue.WEB: _web,
    catalogue.VIDEO: _video,
    catalogue.VOICE: _voice,
    catalogue.GAMING: _gaming,
    catalogue.MESSAGING: _messaging,
    catalogue.FILE: _file,
    catalogue.PAYMENT: _payment,
}
# What only a session that came to its end can have.
_OUTCOMES = ("page_load_ms", "deliver_ms")
_STARTED = ("startup_ms", "stall_count", "stall_ms", "play_ms", "video_kbps", "video_fps", "video_height", "audio_kbps")


def serve(drawn: Drawn, seen: Measured) -> Columns:
    """Return the contract's numeric columns of those sessions, NaN where a session has none, rounded."""
    columns: Columns = {
        "throughput_dl_kbps": seen.rate_kbps.copy(),
        "throughput_ul_kbps": seen.uplink_kbps.copy(),
        "rtt_client_ms": seen.rtt_client_ms.copy(),
        "rtt_server_ms": seen.rtt_server_ms.copy(),
        "loss_dl": seen.loss_dl.copy(),
        "loss_ul": seen.loss_ul.copy(),
        "jitter_ms": seen.jitter_ms.copy(),
        "rsrp_dbm": seen.rsrp_dbm.copy(),
        "sinr_db": seen.sinr_db.copy(),
    }
    everyone = Rows(
        z=drawn.normals,
        rate_kbps=seen.rate_kbps,
        rtt_ms=seen.rtt_client_ms + seen.rtt_server_ms,
        rtt_client_ms=seen.rtt_client_ms,
        jitter_ms=seen.jitter_ms,
        think_ms=seen.think_ms,
        render=seen.render,
        decode_stalls=seen.decode_stalls,
    )
    service = APPS.service[drawn.app]
    for code, formula in _FORMULAS.items():
        rows = np.flatnonzero(service == code)
        for name, values in formula(everyone.take(rows)).items():
            if name not in columns:
                columns[name] = np.full(drawn.count, np.nan)
            columns[name][rows] = values
    _cut_short(columns, seen.cause, drawn.uniforms[:, 0])
    return {name: np.round(values, 5 if name.startswith("loss") else 1) for name, values in columns.items()}


def _cut_short(columns: Columns, cause: Ints, uniforms: Floats) -> None:
    """Take away what a failed session never had, in place."""
    failed = cause != catalogue.OK
    for name in _OUTCOMES:
        columns[name][failed] = np.nan
    no_bearer = cause == catalogue.RRC_FAIL
    no_server = np.isin(cause, (catalogue.DNS_TIMEOUT, catalogue.SERVER_5XX))
    for name, values in columns.items():
        if name not in ("rsrp_dbm", "sinr_db", "duration_ms", "bytes_dl"):
            values[no_bearer] = np.nan
    _blank(columns, _STARTED, no_server)
    _blank(columns, ("connect_ms", "tls_ms", "ttfb_ms", "rtt_server_ms"), cause == catalogue.DNS_TIMEOUT)
    resolved = ~np.isnan(columns["dns_ms"]) & (cause == catalogue.DNS_TIMEOUT)
    columns["dns_ms"][resolved] = _DNS_TIMEOUT_MS
    columns["bytes_dl"][failed] *= 0.3 * uniforms[failed]
    columns["duration_ms"][no_bearer] = 2_000.0


def _blank(columns: Columns, names: tuple[str, ...], mask: Bools) -> None:
    for name in names:
        columns[name][mask] = np.nan
