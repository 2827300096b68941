"""First shares: how much of a session's lost quality the network, the device and the app each answer for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qoe.catalogue import SEGMENTS, QualityCatalogue, Reference
from qoe.indices import APP, DEVICE, NETWORK
from qoe.model import BoolArray, Columns, FloatArray
from qoe.peers import Terminal
from records.kinds import SERVICES

SESSION_DIMENSIONS = 3  # network, device, app: the first three of DIMENSIONS
_ROW = {"network": NETWORK, "device": DEVICE, "app": APP}
_SEGMENT_ROW = np.array([_ROW[name] for name in SEGMENTS])

# All own. Ten scales beyond the reference is as bad as it gets: one broken measurement does not hide the rest.
EXCESS_CAP = 10.0
# Ten points below its peers is as conspicuous in a device as one scale beyond the reference in a segment.
SHORTFALL_SCALE = 10.0
# Loss that nothing explains is shared by the weights of the dimensions; this much excess outweighs it.
UNEXPLAINED = 0.25
# Round trips to the user inside what is counted as the app's time (two of TLS 1.2): a slow access is not the app's.
ROUND_TRIPS = {"dns_ms": 1.0, "tls_ms": 2.0, "ttfb_ms": 1.0}


@dataclass(frozen=True, eq=False)
class Excess:
    """Excess over the references in scales, and what was measured: (3, rows) of network, device, app."""

    value: FloatArray
    measured: NDArray[np.bool_]


def segment_excess(columns: Columns, catalogue: QualityCatalogue) -> Excess:
    """The greatest excess among each segment's measurements; the device's row is left empty.

    excess = (value - reference) / scale where more is worse, (reference - value) / scale where more is better, within
    0..`EXCESS_CAP`.
    """
    service = np.asarray(columns["service"])
    value = np.zeros((SESSION_DIMENSIONS, len(service)))
    measured = np.zeros((SESSION_DIMENSIONS, len(service)), dtype=np.bool_)
    for code, name in enumerate(SERVICES):
        rows = np.flatnonzero(service == code)
        if len(rows):
            _service_excess(columns, rows, catalogue.services[name].references, value, measured)
    return Excess(value, measured)


def _service_excess(
    columns: Columns, rows: NDArray[np.intp], references: tuple[Reference, ...], value: FloatArray, measured: BoolArray
) -> None:
    waiting = _client_excess_ms(columns, rows, references)
    by_row: dict[int, list[Reference]] = {}
    for reference in references:
        if reference.column in columns:
            by_row.setdefault(_ROW[reference.segment], []).append(reference)
    for segment, mine in by_row.items():
        most, any_known = np.zeros(len(rows)), np.zeros(len(rows), dtype=np.bool_)
        for reference in mine:
            raw = _numbers(columns, rows, reference.column)
            any_known |= ~np.isnan(raw)
            raw = raw - ROUND_TRIPS.get(reference.column, 0.0) * waiting
            np.fmax(most, reference.direction * (reference.reference - raw) / reference.scale, out=most)
        value[segment, rows] = np.minimum(most, EXCESS_CAP)
        measured[segment, rows] = any_known


def _client_excess_ms(columns: Columns, rows: NDArray[np.intp], references: tuple[Reference, ...]) -> FloatArray:
    """How much longer than its reference the round trip to the user took; 0 where it was not measured."""
    for reference in references:
        if reference.column == "rtt_client_ms" and reference.column in columns:
            return np.fmax(_numbers(columns, rows, reference.column) - reference.reference, 0.0)
    return np.zeros(len(rows))


def _numbers(columns: Mapping[str, NDArray[Any]], rows: NDArray[np.intp], name: str) -> FloatArray:
    values: FloatArray = np.asarray(columns[name][rows], dtype=np.float64)
    return values


def first_shares(
    excess: Excess,
    terminal: Terminal,
    failed: BoolArray,
    cause_segment: NDArray[np.int8],
    weights: tuple[float, ...],
) -> FloatArray:
    """Shares (3, rows; network, device, app) of each session's loss: they sum to 1 over what was measured, else NaN.

    A session that ended: share = (e + `UNEXPLAINED` * o) / sum of the same, over the measured segments, where the
    device's e is its shortfall against its peers over `SHORTFALL_SCALE`. A failed one: the device answers for the
    fault fraction of its model, the segment of the cause for the rest; where no cause is known the rest is split so.
    """
    value, measured = excess.value.copy(), excess.measured.copy()
    value[DEVICE] = np.minimum(terminal.shortfall / SHORTFALL_SCALE, EXCESS_CAP)
    measured[DEVICE] = terminal.measured
    claim = np.where(measured, value + UNEXPLAINED * np.asarray(weights)[:SESSION_DIMENSIONS, None], 0.0)
    total = claim.sum(axis=0)
    shares = np.divide(claim, total, out=np.zeros_like(claim), where=total > 0)
    rows = np.flatnonzero(failed)
    named = cause_segment[rows] >= 0
    blamed = np.where(named, _SEGMENT_ROW[cause_segment[rows]], -1)
    rest = np.where(named, 0.0, shares[:, rows])
    rest[blamed[named], np.flatnonzero(named)] = 1.0
    measured[blamed[named], rows[named]] = True
    fault = np.where(total[rows] + named > 0, terminal.fault[rows], 0.0)
    shares[:, rows] = rest * (1.0 - fault)
    shares[DEVICE, rows] += fault
    return np.where(measured, shares, np.nan)


def dimension_scores(q: FloatArray, shares: FloatArray) -> FloatArray:
    """Score of each session per dimension: 100 - (100 - q) * share; NaN where the share or q is."""
    return 100.0 - (100.0 - q) * shares
