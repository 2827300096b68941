"""Whose fault a session's lost quality is: exact Shapley values of sessions rated again with segments healthy."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qoe.catalogue import SEGMENTS, QualityCatalogue
from qoe.counterfactual import Counterfactual
from qoe.indices import APP, DEVICE, NETWORK
from qoe.model import BoolArray, Columns, FloatArray, QoeModel
from qoe.peers import Terminal
from qoe.quality import inputs_read, session_quality
from qoe.segments import DIMENSION_OF_SEGMENT, SESSION_DIMENSIONS, Excess, Usual, numbers
from qoe.shapley import shapley_values
from records.kinds import SERVICES

# Own. Loss that nothing explains is shared like what is explained, as if the weights explained this much besides.
PRIOR_POINTS = 4.0
# Own. Without a rating to repeat (a failure of unknown cause) a scale beyond the reference counts as ten points.
POINTS_PER_SCALE = 10.0

_DEVICE, _RADIO, _CORE, _SERVER = range(len(SEGMENTS))
_ROW = np.array([DIMENSION_OF_SEGMENT[name] for name in SEGMENTS])
_RATED = (_RADIO, _CORE, _SERVER)  # what rating again can replace; the device comes in by its shortfall


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of each session besides its columns.

    `cause` indexes SEGMENTS, -1 where a failure names no known cause. `core_part` 0..1 is the part of the network's
    excess that its core node adds in every cell, `core_fault` 0..1 that of the network's failures over that node; 0
    where that cannot be told.
    """

    q: FloatArray
    failed: BoolArray
    cause: NDArray[np.int8]
    excess: Excess
    terminal: Terminal
    core_part: FloatArray
    core_fault: FloatArray


def taken(evidence: Evidence, rows: NDArray[Any]) -> Evidence:
    """The evidence of some sessions only; what they were compared with is in it already."""
    excess, terminal = evidence.excess, evidence.terminal
    return Evidence(
        q=evidence.q[rows],
        failed=evidence.failed[rows],
        cause=evidence.cause[rows],
        excess=Excess(excess.value[:, rows], excess.measured[:, rows]),
        terminal=Terminal(terminal.shortfall[rows], terminal.fault[rows], terminal.measured[rows]),
        core_part=evidence.core_part[rows],
        core_fault=evidence.core_fault[rows],
    )


@dataclass(frozen=True, eq=False)
class Demarcation:
    """Points of quality lost by each of SEGMENTS (4, rows), and those that nothing measured explains.

    Together they are 100 - q, exactly; NaN where q is. `hint` (3, rows; network, device, app) is what else speaks for
    a dimension where there is no rating to repeat. `measured` (3, rows): something of that dimension was measured.
    """

    points: FloatArray
    unexplained: FloatArray
    hint: FloatArray
    measured: BoolArray

    def dimensions(self) -> FloatArray:
        """Explained points by dimension (3, rows): network, device, app."""
        radio, core = self.points[_RADIO], self.points[_CORE]
        return np.stack([radio + core, self.points[_DEVICE], self.points[_SERVER]])


def demarcate(
    columns: Columns,
    evidence: Evidence,
    catalogue: QualityCatalogue,
    models: Mapping[str, QoeModel],
    usual: Usual | None = None,
) -> Demarcation:
    """Points lost by segment: each replaced by the catalogue's reference, or by what is `usual` for that session.

    The worth of a coalition is the quality with its segments at their reference, by the session's own model; the
    device adds its shortfall against its peers. A failure counts for the segment that its cause names, less the
    fault fraction of the device's model.
    """
    q, rows = evidence.q, len(evidence.q)
    points = np.zeros((len(SEGMENTS), rows))
    shortfall = np.where(evidence.failed | np.isnan(q), 0.0, np.minimum(evidence.terminal.shortfall, 100.0 - q))
    points[_DEVICE] = shortfall
    for mine, players in _games(columns, evidence):
        worth = _worth(columns, mine, players, evidence, catalogue, models, usual)
        values = shapley_values(_with_device(worth, evidence.terminal.shortfall[mine]))
        for player, value in zip((*players, _DEVICE), values[[*range(len(players)), -1]], strict=True):
            points[player, mine] = np.maximum(value, 0.0)  # rounding alone takes it below
    measured = evidence.excess.measured.copy()
    measured[DEVICE] = evidence.terminal.measured
    hint = np.zeros((SESSION_DIMENSIONS, rows))
    _failures(evidence, points, hint, measured)
    points[:, np.isnan(q)] = np.nan
    unexplained = np.maximum(100.0 - q - points.sum(axis=0), 0.0)
    return Demarcation(points, unexplained, hint, measured)


def _games(columns: Columns, evidence: Evidence) -> Iterator[tuple[NDArray[np.intp], Sequence[int]]]:
    """Rows of one service in which the same segments exceed their reference, and those segments."""
    network, server = evidence.excess.value[NETWORK] > 0, evidence.excess.value[APP] > 0
    core = network & (evidence.core_part > 0)
    radio = network & (evidence.core_part < 1)
    active = radio * 1 + core * 2 + server * 4
    active[evidence.failed | ~(evidence.q < 100.0)] = 0
    service = np.asarray(columns["service"]).astype(np.int64)
    rows = np.flatnonzero(active)
    kind = service[rows] * 8 + active[rows]
    order = np.argsort(kind, kind="stable")
    kinds, first = np.unique(kind[order], return_index=True)
    for at, key in enumerate(kinds.tolist()):
        mine = rows[order[first[at] : first[at + 1] if at + 1 < len(first) else None]]
        yield mine, [player for bit, player in enumerate(_RATED) if key % 8 >> bit & 1]


def _worth(
    columns: Columns,
    mine: NDArray[np.intp],
    players: Sequence[int],
    evidence: Evidence,
    catalogue: QualityCatalogue,
    models: Mapping[str, QoeModel],
    usual: Usual | None,
) -> FloatArray:
    """Quality (2 ** (players + 1), rows) with each coalition of those segments, and last the rest, at its best.

    One segment more never makes a session worse. With everything at its best the quality is 100.
    """
    rules = catalogue.services[SERVICES[int(columns["service"][mine[0]])]]
    world = Counterfactual(
        columns, mine, rules, inputs_read(rules, models), core_part=evidence.core_part[mine], usual=usual
    )

    def rated(coalition: int, rest: bool) -> FloatArray:
        chosen = [player for bit, player in enumerate(players) if coalition >> bit & 1]
        replaced = world.replaced(radio=_RADIO in chosen, core=_CORE in chosen, server=_SERVER in chosen, rest=rest)
        return session_quality(replaced, catalogue, models).q

    size = 1 << len(players)
    worth = np.empty((2 * size, len(mine)))
    worth[0] = evidence.q[mine]
    offset = worth[0] - rated(0, rest=False) if _places_known(columns, mine) else 0.0
    for coalition in range(1, size):
        worth[coalition] = rated(coalition, rest=False) + offset
    for coalition in range(size):
        worth[size + coalition] = rated(coalition, rest=True) if world.outcomes else worth[coalition]
    worth[size:] += 100.0 - worth[-1]
    return _growing(worth)


def _growing(worth: FloatArray) -> FloatArray:
    """The worth of each coalition, not less than that of any part of it, within 0..100; in place."""
    np.clip(worth, 0.0, 100.0, out=worth)
    for coalition in range(1, len(worth)):
        for bit in range(coalition.bit_length()):
            if coalition >> bit & 1:
                np.fmax(worth[coalition], worth[coalition ^ 1 << bit], out=worth[coalition])
    return worth


def _with_device(worth: FloatArray, shortfall: FloatArray) -> FloatArray:
    """Add the device as the last player: its shortfall is lost while it is there, also with the rest at its best."""
    half = len(worth) // 2
    without = worth.copy()
    without[half:] = np.maximum(worth[half:] - shortfall, worth[:half])
    alone = np.minimum(worth[:half] + shortfall, worth[half:])
    return _growing(np.concatenate([without, alone, worth[half:]]))


def _places_known(columns: Columns, mine: NDArray[np.intp]) -> bool:
    """Whether any of those sessions says where its stalls were: that is rated, and cannot be replaced."""
    if "stall_at_ms" not in columns:
        return False
    stalled = (numbers(columns, mine, "stall_count") > 0) | (numbers(columns, mine, "stall_ms") > 0)
    return any(item is not None for item in columns["stall_at_ms"][mine[stalled]])


def _failures(evidence: Evidence, points: FloatArray, hint: FloatArray, measured: BoolArray) -> None:
    """What failed: the device answers for its fault fraction, the segment of the cause for the rest; in place.

    Of a failure for a radio cause the core takes the part that its node has and others do not.
    """
    rows = np.flatnonzero(evidence.failed & ~np.isnan(evidence.q))
    cause = evidence.cause[rows]
    named = cause >= 0
    known = named | measured[:, rows].any(axis=0)
    fault = np.where(known, evidence.terminal.fault[rows], 0.0)
    points[:, rows] = 0.0
    points[cause[named], rows[named]] = 100.0 * (1.0 - fault[named])
    core = evidence.core_fault[rows] * points[_RADIO, rows]
    points[_RADIO, rows] -= core
    points[_CORE, rows] += core
    points[_DEVICE, rows] += 100.0 * fault
    measured[_ROW[cause[named]], rows[named]] = True
    hint[:, rows[~named]] = POINTS_PER_SCALE * evidence.excess.value[:, rows[~named]]


def dimension_scores(found: Demarcation, weights: Sequence[float]) -> FloatArray:
    """Scores (3, rows) of network, device and app: 100 less the points of each; NaN where nothing was measured.

    Unexplained points go to the measured dimensions as what is explained does, with `PRIOR_POINTS` spread by the
    weights besides: points + unexplained * (points + hint + 4 o) / sum of the same. So the losses sum to 100 - q.
    """
    explained = found.dimensions()
    o = np.asarray(weights)[:SESSION_DIMENSIONS, None]
    claim = np.where(found.measured, explained + found.hint + PRIOR_POINTS * o, 0.0)
    total = claim.sum(axis=0)
    share = np.divide(claim, total, out=np.zeros_like(claim), where=total > 0)
    return np.where(found.measured, 100.0 - explained - found.unexplained * share, np.nan)


@dataclass(frozen=True, kw_only=True)
class MeanDemarcation:
    """Mean points lost over `sessions` rated sessions: by name of SEGMENTS, and unexplained; they sum to `lost`."""

    sessions: int
    lost: float
    points: Mapping[str, float]
    unexplained: float

    @property
    def shares(self) -> Mapping[str, float]:
        """Each segment's part of what was lost, 0..1; they sum to 1 less the unexplained part. Empty without loss."""
        return {name: value / self.lost for name, value in self.points.items()} if self.lost > 0 else {}


def mean_demarcation(found: Demarcation, rows: NDArray[Any] | slice = slice(None)) -> MeanDemarcation | None:
    """Mean over a set of sessions (indices, a mask, or all), for a group or a cluster; None where none was rated."""
    points, unexplained = found.points[:, rows], found.unexplained[rows]
    known = ~np.isnan(unexplained)
    if not known.any():
        return None
    means = points[:, known].mean(axis=1).tolist()
    rest = float(unexplained[known].mean())
    return MeanDemarcation(
        sessions=int(known.sum()),
        lost=sum(means) + rest,
        points=dict(zip(SEGMENTS, means, strict=True)),
        unexplained=rest,
    )
