"""What a device model does worse than other models in the same cell, app and hour: performance and fault index."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qoe.codes import Codes, crossed, dense
from qoe.model import BoolArray, FloatArray

# All own: fewer peers say nothing about what a good session would have been; fewer sessions nothing about a model.
LEAST_PEERS = 3
LEAST_SESSIONS = 10
# Only what is above chance counts: mean less two standard errors, one-sided 97.7 %.
STANDARD_ERRORS = 2.0


@dataclass(frozen=True, eq=False)
class Setting:
    """Where each session happened: codes of model, app and service, and of the places and bands; 0 is unknown."""

    model: NDArray[np.int32]
    app: NDArray[np.int32]
    cell: NDArray[np.int32]
    region: NDArray[np.int32]
    service: NDArray[np.int32]
    band: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Terminal:
    """What is the device's own doing, per session.

    `shortfall` in points of quality (terminal performance index), `fault` the share 0..1 of its model's failures that
    other models would not have had (terminal fault index); both surely above chance, else 0. `measured`: the session
    had a model and that model had peers.
    """

    shortfall: FloatArray
    fault: FloatArray
    measured: BoolArray


@dataclass(frozen=True, eq=False)
class Pool:
    """Codes of the pool that each session is compared in, and of its own kind within that pool."""

    code: Codes
    own: Codes

    @classmethod
    def by(cls, code: Codes, kind: Codes) -> "Pool":
        """Pools of sessions of several kinds, which are compared with the other kinds."""
        return cls(code, crossed(code, kind)[1])

    def of(self, rows: BoolArray) -> "Pool":
        """The same of some sessions."""
        return Pool(self.code[rows], self.own[rows])


def compare(setting: Setting, q: FloatArray, failed: BoolArray) -> Terminal:
    """Compare each model with other models: in the same cell and app, else region and app, else app.

    The rows are those of one hour. Differences are averaged over the model, over model and service, and over model
    and band; the clearest of the three counts, so that a fault of one band is not diluted by the others.
    """
    rows = len(q)
    known = (setting.model > 0) & (setting.app > 0) & ~np.isnan(q)
    shortfall, fault, measured = np.zeros(rows), np.zeros(rows), np.zeros(rows, dtype=np.bool_)
    mine = np.flatnonzero(known)
    if not len(mine):
        return Terminal(shortfall, fault, measured)
    part = Setting(**{name: values[mine] for name, values in vars(setting).items()})
    levels = _levels(part)
    pools = _pools(part, dense(part.model)[1])
    failures = failed[mine].astype(np.float64)
    excess = _against_peers(pools, failures)
    fault[mine] = _fault(levels, excess, failures)
    measured[mine] = ~np.isnan(excess)
    ended = failures == 0
    worse = np.full(len(mine), np.nan)
    worse[ended] = -_against_peers([pool.of(ended) for pool in pools], q[mine][ended])
    shortfall[mine] = _clear(levels, worse)
    return Terminal(shortfall, fault, measured)


def shared_part(
    node: NDArray[np.int32], cell: NDArray[np.int32], region: NDArray[np.int32], excess: FloatArray
) -> FloatArray:
    """The part 0..1 of each session's network excess that it shares with its core node and not with its cell.

    Sessions over a node are compared with those over other nodes in the same cell, else region; of the mean excess
    beyond theirs what is surely above chance is the node's. 0 where the node is unknown or has nobody to compare with.
    """
    part = np.zeros(len(excess))
    mine = np.flatnonzero(node > 0)
    if not len(mine) or not excess[mine].any():
        return part
    code = dense(node[mine])[1]
    pools = [Pool.by(dense(place[mine])[1], code) for place in (cell, region)]
    common = _clear([crossed(code)], _against_peers(pools, excess[mine]))
    part[mine] = np.divide(common, excess[mine], out=np.zeros(len(mine)), where=excess[mine] > 0)
    return np.minimum(part, 1.0)


def shared_fault(
    node: NDArray[np.int32], cell: NDArray[np.int32], region: NDArray[np.int32], failed: BoolArray
) -> FloatArray:
    """The part 0..1 of a core node's failures that sessions over other nodes, compared as above, would not have had."""
    part = np.zeros(len(failed))
    mine = np.flatnonzero(node > 0)
    if len(mine) and failed[mine].any():
        failures = failed[mine].astype(np.float64)
        code = dense(node[mine])[1]
        excess = _against_peers([Pool.by(dense(place[mine])[1], code) for place in (cell, region)], failures)
        part[mine] = _fault([crossed(code)], excess, failures)
    return part


def _pools(setting: Setting, model: Codes) -> list[Pool]:
    """The pools that peers are taken from, the closest first."""
    app = dense(setting.app)[1]
    nearby = [crossed(dense(place)[1], app)[1] for place in (setting.cell, setting.region)]
    return [Pool.by(pool, model) for pool in (*nearby, app)]


def _levels(setting: Setting) -> list[tuple[int, Codes]]:
    model = dense(setting.model)[1]
    return [crossed(model), *(crossed(model, dense(other)[1]) for other in (setting.service, setting.band))]


def _against_peers(pools: Sequence[Pool], value: FloatArray) -> FloatArray:
    """Each value less the mean of the others' values in the closest pool with enough of them; NaN without."""
    difference = np.full(len(value), np.nan)
    for pool in pools:
        open_rows = np.isnan(difference)
        if not open_rows.any():
            break
        count, pools_n = int(pool.own.max(initial=0)) + 1, int(pool.code.max(initial=0)) + 1
        others = np.bincount(pool.code, minlength=pools_n)[pool.code] - np.bincount(pool.own, minlength=count)[pool.own]
        total = np.bincount(pool.code, value, pools_n)[pool.code] - np.bincount(pool.own, value, count)[pool.own]
        enough = open_rows & (others >= LEAST_PEERS)
        difference[enough] = value[enough] - total[enough] / others[enough]
    return difference


def _clear(levels: Sequence[tuple[int, Codes]], difference: FloatArray) -> FloatArray:
    """Per row the greatest lower bound of the mean difference over its levels, at least 0."""
    clear = np.zeros(len(difference))
    for count, code in levels:
        clear = np.maximum(clear, _lower_bound(count, code, difference)[code])
    return clear


def _fault(levels: Sequence[tuple[int, Codes]], excess: FloatArray, failures: FloatArray) -> FloatArray:
    fault = np.zeros(len(failures))
    compared = ~np.isnan(excess)
    for count, code in levels:
        sessions = np.bincount(code[compared], minlength=count)
        ratio = np.bincount(code[compared], failures[compared], count) / np.maximum(sessions, 1)
        bound = _lower_bound(count, code, excess)
        share = np.divide(bound, ratio, out=np.zeros(count), where=ratio > 0)
        fault = np.maximum(fault, np.minimum(share, 1.0)[code])
    return fault


def _lower_bound(count: int, code: Codes, difference: FloatArray) -> FloatArray:
    known = ~np.isnan(difference)
    rows, values = code[known], difference[known]
    n = np.bincount(rows, minlength=count)
    some = np.maximum(n, 1)
    mean = np.bincount(rows, values, count) / some
    spread = np.maximum(np.bincount(rows, values * values, count) / some - mean**2, 0.0)
    bound = mean - STANDARD_ERRORS * np.sqrt(spread / np.maximum(n - 1, 1))
    return np.where(n >= LEAST_SESSIONS, np.maximum(bound, 0.0), 0.0)
