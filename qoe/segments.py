"""How far each segment's own measurements are from what they are compared with, in scales of the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qoe.catalogue import QualityCatalogue, Reference
from qoe.indices import APP, DEVICE, NETWORK
from qoe.model import BoolArray, Columns, FloatArray
from records.kinds import SERVICES

SESSION_DIMENSIONS = 3  # network, device, app: the first three of DIMENSIONS
DIMENSION_OF_SEGMENT = {"device": DEVICE, "radio": NETWORK, "transport_core": NETWORK, "server_app": APP}

# Own. Ten scales beyond the reference is as bad as it gets: one broken measurement does not hide the rest.
EXCESS_CAP = 10.0
# Round trips to the user inside what is counted as the server's time (two of TLS 1.2): a slow access is not the app's.
ROUND_TRIPS = {"dns_ms": 1.0, "tls_ms": 2.0, "ttfb_ms": 1.0}

Usual = Mapping[str, FloatArray]  # column to what is usual for each session, NaN where that is not known


@dataclass(frozen=True, eq=False)
class Excess:
    """Excess in scales, and what was measured: (3, rows) of network, device, app; the device's row is left empty."""

    value: FloatArray
    measured: BoolArray


def segment_excess(columns: Columns, catalogue: QualityCatalogue, usual: Usual | None = None) -> Excess:
    """The greatest excess among each segment's measurements over the catalogue's references, or over what is usual.

    excess = (value - reference) / scale where more is worse, (reference - value) / scale where more is better, within
    0..`EXCESS_CAP`.
    """
    service = np.asarray(columns["service"])
    value = np.zeros((SESSION_DIMENSIONS, len(service)))
    measured = np.zeros((SESSION_DIMENSIONS, len(service)), dtype=np.bool_)
    for code, name in enumerate(SERVICES):
        rows = np.flatnonzero(service == code)
        if not len(rows):
            continue
        beyond = beyond_reference(columns, rows, catalogue.services[name].references, usual)
        for reference in catalogue.services[name].references:
            if reference.column not in beyond:
                continue
            segment = DIMENSION_OF_SEGMENT[reference.segment]
            measured[segment, rows] |= ~np.isnan(numbers(columns, rows, reference.column))
            most = np.minimum(beyond[reference.column] / reference.scale, EXCESS_CAP)
            value[segment, rows] = np.maximum(value[segment, rows], most)
    return Excess(value, measured)


def beyond_reference(
    columns: Columns, rows: NDArray[np.intp], references: tuple[Reference, ...], usual: Usual | None = None
) -> dict[str, FloatArray]:
    """How much worse each measurement of those sessions is than its reference, in its own unit; 0 where unknown.

    Look-up, handshake and first byte hold round trips to the user: what `rtt_client_ms` is beyond its reference is
    taken off them first.
    """
    found: dict[str, FloatArray] = {}
    for reference in sorted(references, key=lambda item: item.column in ROUND_TRIPS):
        name = reference.column
        if name not in columns:
            continue
        value = numbers(columns, rows, name)
        if name in ROUND_TRIPS and "rtt_client_ms" in found:
            value = value - ROUND_TRIPS[name] * found["rtt_client_ms"]
        found[name] = np.fmax(reference.direction * (target(reference, rows, usual) - value), 0.0)
    return found


def target(reference: Reference, rows: NDArray[np.intp], usual: Usual | None) -> FloatArray | float:
    """What a measurement is compared with: what is usual for each of those sessions, else the reference."""
    if usual is None or reference.column not in usual:
        return reference.reference
    known = usual[reference.column][rows]
    return np.where(np.isnan(known), reference.reference, known)


def numbers(columns: Mapping[str, NDArray[Any]], rows: NDArray[np.intp], name: str) -> FloatArray:
    """A column's values in those rows as float64; NaN where there is no such column."""
    if name not in columns:
        return np.full(len(rows), np.nan)
    return np.asarray(columns[name][rows], dtype=np.float64)
