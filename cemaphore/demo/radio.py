"""Radio and load: path loss to signal, interference, capacity, queueing, and how often access fails.

Formulas and their sources are in `docs/demo.md`; figures here are those printed there.
"""

from dataclasses import dataclass

import numpy as np

from cemaphore.demo.arrays import Floats, Ints, sigmoid
from cemaphore.demo.city import Cells

NOISE_DBM = -125.2  # -174 dBm/Hz over 15 kHz, noise figure 7 dB
FULL = 0.97  # utilisation above which a cell is simply full
_SLOPE = 39.08  # UMa NLOS, TR 38.901 table 7.4.1-1
_BEAM_DEG, _BACK_DB = 65.0, 30.0  # TR 38.901 table 7.3-1
_SHANNON, _BEST, _LEAST_DB = 0.6, 4.4, -10.0  # truncated Shannon, TR 36.942 annex A
_TILT_DB = 6.0  # down-tilt and side lobes of an interferer's antenna (own)
_NEIGHBOURS_DB = 3.0  # two interferers of equal strength at the border
_SHARE = 0.45  # of what is left of a cell that one user gets (own)
_SERVICE_MS = 12.0  # of one scheduling round in a busy cell (own)


@dataclass(frozen=True, kw_only=True)
class Link:
    """The radio link of each session or cell."""

    rsrp_dbm: Floats
    sinr_db: Floats
    capacity_kbps: Floats
    use: Floats
    overload: Floats
    queue_ms: Floats
    access_failure: Floats
    drop: Floats


def link(
    cells: Cells, cell: Ints, distance_m: Floats, angle_deg: Floats, loss_db: Floats, offered: Floats, noise_db: Floats
) -> Link:
    """Return the links at those spots under that offered load (over capacity) and rise of noise."""
    power, path = cells.re_dbm[cell], cells.path_db[cell]
    pattern = np.minimum(12.0 * (angle_deg / _BEAM_DEG) ** 2, _BACK_DB)
    rsrp = np.clip(power - (path + _SLOPE * np.log10(distance_m)) - pattern - loss_db, -139.0, -45.0)
    away_m = np.maximum(cells.spacing_m[cell] * 1.25 - distance_m, 0.3 * cells.spacing_m[cell])
    # An interferer comes through the same wall, so the loss of the building counts for it too.
    other = power - (path + _SLOPE * np.log10(away_m)) - _TILT_DB - np.maximum(loss_db, 0.0) + _NEIGHBOURS_DB
    use = np.minimum(offered, FULL)
    floor_mw = 10.0 ** (NOISE_DBM / 10.0) + use * 10.0 ** (other / 10.0)
    sinr = np.clip(rsrp - 10.0 * np.log10(floor_mw) - noise_db, -20.0, 35.0)
    efficiency = np.clip(_SHANNON * np.log2(1.0 + 10.0 ** (np.maximum(sinr, _LEAST_DB) / 10.0)), 0.05, _BEST)
    overload = np.clip(offered - FULL, 0.0, 3.0)
    return Link(
        rsrp_dbm=rsrp,
        sinr_db=sinr,
        capacity_kbps=cells.mhz[cell] * 1_000.0 * efficiency * (1.0 - use) * _SHARE,
        use=use,
        overload=overload,
        queue_ms=_SERVICE_MS * use / (1.0 - use) * (1.0 + overload),
        access_failure=np.clip(
            0.002 + 0.18 * overload + 0.25 * sigmoid(-(sinr + 6.0) / 1.5) + 0.05 * sigmoid(-(rsrp + 121.0) / 2.0),
            0,
            0.8,
        ),
        drop=np.clip(0.003 + 0.05 * overload + 0.22 * sigmoid(-(sinr + 4.0) / 1.5), 0.0, 0.8),
    )
