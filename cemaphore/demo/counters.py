"""Cell counters that agree with the simulated load, radio and faults, per quarter of an hour."""

from dataclasses import dataclass

import numpy as np

from cemaphore.demo import catalogue
from cemaphore.demo.arrays import Bools, Floats, Stream, stream
from cemaphore.demo.city import City
from cemaphore.demo.faults import Fault
from cemaphore.demo.load import QUARTERS, Clock, Traffic
from cemaphore.demo.radio import Link, link

PERIOD_S = 900
_CONNECTIONS = 60.0  # of a cell in a quarter per expected session of the sample, which is one in many customers
_LEAST = 30.0  # connections of an empty cell in a quarter
_RELEASE_S = 40.0  # mean life of a bearer
LTE = (
    "RRC.ConnEstabAtt", "RRC.ConnEstabSucc", "S1SIG.ConnEstabAtt", "S1SIG.ConnEstabSucc", "ERAB.EstabInitAttNbr",
    "ERAB.EstabInitSuccNbr", "ERAB.RelActNbr", "ERAB.SessionTimeUE", "DRB.IPVolDl", "DRB.IPTimeDl", "DRB.IPLatDl",
    "RRU.PrbTotDl", "RRU.PrbAvailDl", "HO.InterEnbOutPrepAtt", "HO.InterEnbOutPrepSucc", "HO.InterEnbOutAtt",
    "HO.InterEnbOutSucc", "RRU.CellUnavailableTime",
)  # fmt: skip
NR = (
    "RRC.ConnEstabAtt", "RRC.ConnEstabSucc", "UECNTXT.ConnEstabAtt", "UECNTXT.ConnEstabSucc", "DRB.EstabAtt",
    "DRB.EstabSucc", "QF.RelActNbr", "QF.SessionTimeUE", "DRB.UEThpDl", "DRB.AirIfDelayDl", "DRB.RlcSduDelayDl",
    "DRB.PdcpSduVolumeDL", "RRU.PrbUsedDl",
    "RRU.PrbAvailDl", "RRC.ConnMean", "MM.HoPrepInterReq", "MM.HoPrepInterSucc", "MM.HoExeInterReq",
    "MM.HoExeInterSucc",
)  # fmt: skip
_SUBCARRIERS = 12  # of a physical resource block
# NR counters that are the same step of the same procedure as an LTE one.
_SAME = {
    "UECNTXT.ConnEstabAtt": "S1SIG.ConnEstabAtt",
    "UECNTXT.ConnEstabSucc": "S1SIG.ConnEstabSucc",
    "DRB.EstabAtt": "ERAB.EstabInitAttNbr",
    "DRB.EstabSucc": "ERAB.EstabInitSuccNbr",
    "QF.RelActNbr": "ERAB.RelActNbr",
    "QF.SessionTimeUE": "ERAB.SessionTimeUE",
    "MM.HoPrepInterReq": "HO.InterEnbOutPrepAtt",
    "MM.HoPrepInterSucc": "HO.InterEnbOutPrepSucc",
    "MM.HoExeInterReq": "HO.InterEnbOutAtt",
    "MM.HoExeInterSucc": "HO.InterEnbOutSucc",
}


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Values of one hour: counter name to an array (4 quarters, cells), for all cells."""

    lte: dict[str, Floats]
    nr: dict[str, Floats]


def count_hour(
    city: City, traffic: Traffic, faults: tuple[Fault, ...], now: Clock, offered: Floats, seed: int
) -> Counted:
    """Return the counters of that hour; `offered` as in `Traffic.offered`."""
    rng = stream(seed, Stream.COUNTERS, now.index)
    load, noise, refusal = _harm(faults, now, offered)
    radio = _typical(city, load, noise)
    crowd = 1.0 + np.maximum(load - offered, 0.0)
    expected = traffic.expected(now)[None, :] / QUARTERS * crowd
    procedures = _procedures(rng, expected, radio, refusal)
    integrity = _integrity(city, radio, offered.shape)
    values = {**procedures, **integrity}
    return Counted(
        lte={name: np.round(values[_SAME.get(name, name)], 1) for name in LTE},
        nr={name: np.round(values[_SAME.get(name, name)], 1) for name in NR},
    )


def _harm(faults: tuple[Fault, ...], now: Clock, offered: Floats) -> tuple[Floats, Floats, Floats]:
    """Return load, rise of noise and refused accesses under the faults that act on cells, per quarter and cell."""
    load, noise, refusal = offered.copy(), np.zeros(offered.shape), np.zeros(offered.shape)
    for fault, rows in _cell_faults(faults, now):
        mask = rows[:, None] & fault.lookups["cell"][None, :]
        load[mask] += fault.effect.load
        noise[mask] += fault.effect.noise_db
        refusal[mask] += fault.effect.access_failure
    return load, noise, refusal


def _typical(city: City, load: Floats, noise: Floats) -> Link:
    """Return the link of a typical customer: two thirds of the way to the border, indoors half of the time."""
    cell = np.tile(np.arange(load.shape[1]), load.shape[0])
    away_m = 35.0 + 0.38 * city.cells.spacing_m[cell]
    beside, wall = np.full(len(cell), 25.0), np.full(len(cell), 5.5)
    return link(city.cells, cell, away_m, beside, wall, load.ravel(), noise.ravel())


def _procedures(rng: np.random.Generator, expected: Floats, radio: Link, refusal: Floats) -> dict[str, Floats]:
    """Return attempts and successes, each drawn from what the step before let through."""
    failure = np.clip(radio.access_failure.reshape(expected.shape) + 0.5 * refusal, 0.0, 0.9)
    attempts = rng.poisson(_LEAST + _CONNECTIONS * expected)
    connected = rng.binomial(attempts, 1.0 - failure)
    signalled = rng.binomial(connected, 1.0 - np.clip(0.001 + 0.5 * refusal, 0.0, 0.9))
    borne = rng.binomial(signalled, 0.998)
    moves = rng.binomial(connected, 0.3)
    prepared = rng.binomial(moves, 0.995)
    steps = {
        "RRC.ConnEstabAtt": attempts,
        "RRC.ConnEstabSucc": connected,
        "S1SIG.ConnEstabAtt": connected,
        "S1SIG.ConnEstabSucc": signalled,
        "ERAB.EstabInitAttNbr": signalled,
        "ERAB.EstabInitSuccNbr": borne,
        "ERAB.RelActNbr": rng.binomial(borne, np.clip(0.5 * radio.drop.reshape(expected.shape), 0.0, 0.9)),
        "HO.InterEnbOutPrepAtt": moves,
        "HO.InterEnbOutPrepSucc": prepared,
        "HO.InterEnbOutAtt": prepared,
        "HO.InterEnbOutSucc": rng.binomial(prepared, np.clip(0.99 - 0.8 * (failure - 0.002), 0.05, 1.0)),
    }
    counts: dict[str, Floats] = {name: np.asarray(values, dtype=np.float64) for name, values in steps.items()}
    counts["ERAB.SessionTimeUE"] = counts["ERAB.EstabInitSuccNbr"] * _RELEASE_S
    counts["RRC.ConnMean"] = counts["RRC.ConnEstabSucc"] * _RELEASE_S / PERIOD_S
    return counts


def _integrity(city: City, radio: Link, shape: tuple[int, ...]) -> dict[str, Floats]:
    """Return volume, time, delay, use and availability; volumes in kbit, delays in the counter's own unit."""
    use, rate = radio.use.reshape(shape), np.maximum(radio.capacity_kbps.reshape(shape), 1.0)
    waiting_ms = radio.queue_ms.reshape(shape)
    blocks = np.array([band.subcarriers / _SUBCARRIERS for band in catalogue.BANDS])[city.cells.band]
    volume_kbit = use * city.cells.mhz[None, :] * 1_000.0 * PERIOD_S * 0.35
    return {
        "DRB.IPVolDl": volume_kbit,
        "DRB.IPTimeDl": volume_kbit / rate * 1_000.0,
        "DRB.IPLatDl": 8.0 + waiting_ms,
        "RRU.PrbTotDl": 100.0 * use,
        "RRU.CellUnavailableTime": np.zeros(shape),
        "DRB.UEThpDl": rate,
        "DRB.AirIfDelayDl": np.full(shape, 30.0),
        "DRB.RlcSduDelayDl": 10.0 * waiting_ms,
        "DRB.PdcpSduVolumeDL": volume_kbit / 1_000.0,
        "RRU.PrbUsedDl": blocks * use,
        "RRU.PrbAvailDl": np.tile(blocks, (shape[0], 1)),
    }


def _cell_faults(faults: tuple[Fault, ...], now: Clock) -> list[tuple[Fault, Bools]]:
    """Return the faults that act on cells in this hour, with flags of the quarters whose middle lies in them."""
    middles = now.index + (np.arange(QUARTERS) + 0.5) / QUARTERS
    return [
        (fault, (middles >= fault.begins_h) & (middles < fault.ends_h))
        for fault in faults
        if fault.hurts and fault.active(now.index) and "cell" in fault.lookups
    ]
