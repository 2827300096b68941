"""What sessions of one service would have measured with segments at their reference, ready to be rated again."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from qoe.catalogue import Reference, ServiceRules
from qoe.indices import NETWORK
from qoe.model import Columns, FloatArray
from qoe.models.speech_path import JITTER_BUFFER_MS
from qoe.segments import DIMENSION_OF_SEGMENT, ROUND_TRIPS, Usual, beyond_reference, numbers

# Round trips on the critical path, and those of them whose way to the server lies in no step that is measured (own).
# A page: look-up, connection, TLS, first byte, and two for what the page names; a player: a manifest instead; a
# message: sent over an open connection, taken by the server, handed over.
ROUNDS = {"page_load_ms": (6.0, 3.0), "startup_ms": (5.0, 2.0), "deliver_ms": (3.0, 2.0)}
# A packet lost in an exchange of few packets is sent again after the initial timeout (RFC 6298: 1 s; own use).
RETRANSMISSION_MS = 1_000.0
# Where the bytes are not known, half of what is not waiting counts as transfer, the rest as drawing (own).
TRANSFER_PART = 0.5
# Streaming over TCP is free of stalls at about twice the video's rate (Wang et al. 2008, published) and never at it.
HEADROOM = 2.0
SEGMENT_MS = 4_000.0  # the usual length of a piece that a player asks for (own)
MOST_LINES = 1_080.0
# What is left of a page, a start or a delivery when nothing slows it: no model takes points off it (own).
HEALTHY_MS = {"page_load_ms": 500.0, "startup_ms": 500.0, "deliver_ms": 500.0}

Part = FloatArray | float  # of each session's excess that is taken away, or of all of them

# Of times: the rate by which a transfer scales, and the bytes that went.
_TRANSFER = {
    "page_load_ms": ("throughput_dl_kbps", "bytes_dl"),
    "startup_ms": ("throughput_dl_kbps", ""),
    "deliver_ms": ("throughput_ul_kbps", "bytes_ul"),
}


class Counterfactual:
    """Sessions of one service with all that their replacement needs; the same rows in every method."""

    def __init__(
        self,
        columns: Columns,
        rows: NDArray[np.intp],
        rules: ServiceRules,
        inputs: Collection[str],
        *,
        core_part: FloatArray,
        usual: Usual | None = None,
    ) -> None:
        """Take those rows; `inputs` are the columns that rating reads, `core_part` the core's part of excess."""
        self._all, self._rows, self._rules = columns, rows, rules
        self._core_part = core_part if core_part.any() else None
        self._beyond = beyond_reference(columns, rows, rules.references, usual)
        # Where the stalls were cannot be told of stalls that did not happen: they are taken as evenly spaced.
        self._inputs = {name: columns[name][rows] for name in inputs if name in columns and name != "stall_at_ms"}
        self._known: dict[str, FloatArray] = {}
        self._best: Columns | None = None

    @property
    def outcomes(self) -> bool:
        """Whether rating reads something seen at the end that has a rest besides the segments' times."""
        return any(name in self._inputs for name in (*ROUNDS, "stall_count"))

    def replaced(self, *, radio: bool, core: bool, server: bool, rest: bool = False) -> Columns:
        """The columns that rating reads, with those segments at their reference; nothing replaced: as it was.

        Measurements go to their reference; what was seen at the end (page, start, stalls, delivery, mouth-to-ear
        delay, rate of a file) is shortened by the mapping of `docs/attribution.md`. With `rest`, of what was seen at
        the end there is left only what the other segments added to a healthy session.
        """
        network: Part = float(radio)
        if self._core_part is not None:
            network = radio * (1.0 - self._core_part) + core * self._core_part
        now = self._now(network, server)
        found = dict(self._inputs)
        found |= {name: values for name, values in now.items() if name in found}
        if self._rules.name == "file" and server:
            found["throughput_dl_kbps"] = self._faster(found["throughput_dl_kbps"])
        for name in ROUNDS:
            if name in found:
                found[name] = np.fmax(self._number(name) - self._saved_ms(name, now, network, server), 0.0)
        if "delay_ms" in found:
            found["delay_ms"] = self._number("delay_ms") - self._less_delay_ms(now, network, server)
        if "stall_count" in found:
            self._play(found, now)
        if rest and self.outcomes:
            self._only_theirs(found)
        return found

    def _only_theirs(self, found: dict[str, FloatArray]) -> None:
        """Take from the outcomes what would be left of them with all segments at reference, beyond a healthy one."""
        best = self._healthiest()
        for name in (*ROUNDS, "stall_count", "stall_ms"):
            if name in found:
                healthy = HEALTHY_MS.get(name, 0.0)
                found[name] = np.fmin(found[name], np.fmax(found[name] - best[name], 0.0) + healthy)

    def _healthiest(self) -> Columns:
        if self._best is None:
            self._best = self.replaced(radio=True, core=True, server=True)
        return self._best

    def _now(self, network: Part, server: bool) -> dict[str, FloatArray]:
        """The service's measurements with that part of the network's excess, and the server's or not, taken away."""
        own = float(server)
        found = {}
        for item in self._rules.references:
            if item.column in self._beyond:
                part = network if DIMENSION_OF_SEGMENT[item.segment] == NETWORK else own
                found[item.column] = self._measured(item, part, network)
        return found

    def _measured(self, item: Reference, part: Part, network: Part) -> FloatArray:
        value = self._number(item.column)
        if not _nothing(part):
            value = value + item.direction * part * self._beyond[item.column]
        if item.column in ROUND_TRIPS and not _nothing(network):
            value = value - ROUND_TRIPS[item.column] * network * self._over("rtt_client_ms")
        return value

    def _saved_ms(self, name: str, now: Columns, network: Part, server: bool) -> FloatArray:
        """Time that would not have been waited: round trips, repeated packets, transfer, and the server's own."""
        rounds, bare = ROUNDS[name]
        lost = np.minimum(self._over("loss_dl") + self._over("loss_ul"), 1.0)
        saved: FloatArray = network * rounds * (self._over("rtt_client_ms") + RETRANSMISSION_MS * lost)
        if server:
            steps = sum((self._over(step) for step in ROUND_TRIPS), 0.0)
            saved = saved + bare * self._over("rtt_server_ms") + steps
        rate, bytes_column = _TRANSFER[name]
        if rate not in now:
            return saved
        known = sum((np.nan_to_num(self._number(step)) for step in ROUND_TRIPS), 0.0)
        transfer = np.fmax(self._number(name) - known, 0.0)
        if bytes_column:
            sent = self._number(bytes_column)
            bits_ms = np.where(sent > 0, 8 * sent, np.nan) / np.maximum(self._number(rate), 1e-3)
            transfer = np.where(np.isnan(bits_ms), TRANSFER_PART * transfer, np.fmin(transfer, bits_ms))
        with np.errstate(invalid="ignore", divide="ignore"):
            quicker = np.nan_to_num(transfer * (1.0 - self._number(rate) / now[rate]))
        return saved + quicker

    def _less_delay_ms(self, now: Columns, network: Part, server: bool) -> FloatArray:
        """One way of the excess round trips, and what a play-out buffer of twice the jitter would be shorter by."""
        less: FloatArray = (network * self._over("rtt_client_ms") + float(server) * self._over("rtt_server_ms")) / 2
        if "jitter_ms" not in now:
            return less
        buffers = [np.fmin(2 * jitter, JITTER_BUFFER_MS) for jitter in (self._number("jitter_ms"), now["jitter_ms"])]
        less += np.nan_to_num(buffers[0] - buffers[1])
        return less

    def _faster(self, rate: FloatArray) -> FloatArray:
        """A file's rate with the server at its reference: the rate of TCP falls with the round trip (Mathis 1997)."""
        round_trip = self._number("rtt_server_ms") + np.nan_to_num(self._number("rtt_client_ms"))
        with np.errstate(invalid="ignore", divide="ignore"):
            factor = round_trip / (round_trip - self._over("rtt_server_ms"))
        return rate * np.where(np.isfinite(factor), factor, 1.0)

    def _play(self, found: dict[str, FloatArray], now: Columns) -> None:
        """What a player would have shown: a better picture as far as the headroom allows, and fewer stalls."""
        if "throughput_dl_kbps" not in now:
            return
        before, after = self._number("throughput_dl_kbps"), now["throughput_dl_kbps"]
        kbps = self._number("video_kbps")
        with np.errstate(invalid="ignore", divide="ignore"):
            better = np.fmax(kbps, np.fmin(kbps * after / before, after / HEADROOM))
            lines = self._number("video_height")
            found["video_height"] = np.fmax(lines, np.fmin(lines * np.sqrt(better / kbps), MOST_LINES))
        found["video_kbps"] = better
        waited, waits = self._number("ttfb_ms"), now.get("ttfb_ms", self._number("ttfb_ms"))
        gone = np.fmax(_stalling(kbps, before, waited) - _stalling(better, after, waits), 0.0)
        for name in ("stall_count", "stall_ms"):
            found[name] = self._number(name) * (1.0 - gone)

    def _over(self, name: str) -> FloatArray:
        known = self._beyond.get(name)
        return np.zeros(len(self._rows)) if known is None else known

    def _number(self, name: str) -> FloatArray:
        if name not in self._known:
            self._known[name] = numbers(self._all, self._rows, name)
        return self._known[name]


def _nothing(part: Part) -> bool:
    return isinstance(part, float) and part == 0.0


def _stalling(kbps: FloatArray, rate_kbps: FloatArray, wait_ms: FloatArray) -> FloatArray:
    """The part of stalls that too little headroom explains: 0 at `HEADROOM` times the video's rate, 1 at its rate.

    Each piece waits for its first byte, so the rate that a player gets is below that of the transfer.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        headroom = 1.0 / (kbps / rate_kbps + np.nan_to_num(wait_ms) / SEGMENT_MS)
        return np.nan_to_num(np.clip(HEADROOM - headroom, 0.0, 1.0))
