"""What a cluster's sessions lose to whom, before its start and during it: mean demarcation and joint effects."""

from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cemaphore.pipeline.demarcating import session_demarcation
from cemaphore.pipeline.frame import FrameContext, SessionFrame, session_frame
from cemaphore.pipeline.units import PART_SESSIONS, moment_of
from qoe.blame import DOMAINS, Parts, parts_for
from qoe.catalogue import SEGMENTS
from qoe.clusters import Cluster, Selector
from qoe.clusters.domain import demarcated, jointly
from qoe.clusters.evidence import MIN_SAMPLES, Evidence
from qoe.effects import joint_effects
from qoe.normal import CAUSES, normal_of
from store.connection import Connection
from store.frames import count_sessions

Array = NDArray[Any]
WINDOWS = 4  # compared on either side: an hour has enough of every app and model (own)


def contrast(connection: Connection, context: FrameContext, cluster: Cluster, window: int) -> list[Evidence]:
    """Compare the cluster's sessions of the last hour with those of the hour before its start.

    Where an hour has more sessions than are held at once, a share of the customers stands for all. Nothing where too
    few sessions are on either side.
    """
    first = max(cluster.start, window - WINDOWS + 1)
    sides = [
        _Side(connection, context, cluster.selector, moment_of(begin), moment_of(end))
        for begin, end in ((cluster.start - WINDOWS, cluster.start), (first, window + 1))
    ]
    before, during = sides
    if min(before.count, during.count) < MIN_SAMPLES:
        return []
    segments = demarcated(SEGMENTS, before.points(), during.points())
    then, now = before.parts(), during.parts()
    pairs = [(then.part[0], then.se[0]), (now.part[0], now.se[0])]
    return [*segments, *jointly(DOMAINS, *pairs)]


class _Side:
    """The sessions of one span and which of them the cluster's conditions choose, in one order."""

    def __init__(
        self, connection: Connection, context: FrameContext, selector: Selector, start: datetime, end: datetime
    ) -> None:
        parts = -(-count_sessions(connection, start, end) // PART_SESSIONS) or 1
        self._context = context
        self._frame: SessionFrame = session_frame(
            connection, start, end, context=context, part=(0, parts) if parts > 1 else None
        )
        frame = self._frame
        chosen = ~np.isnan(frame.q)
        for name, codes in selector.conditions:
            chosen &= np.isin(frame.attributes[name], codes)
        order = np.lexsort((frame.customer_key, frame.start_us))  # sums of floats must not depend on the reading
        self._order = order[~np.isnan(frame.q[order])]
        self._chosen: Array = order[chosen[order]]
        self.count = len(self._chosen)

    def points(self) -> Array:
        """Points lost by segment (4, sessions) of the cluster's sessions."""
        return session_demarcation(self._frame, self._context).points[:, self._chosen]

    def parts(self) -> Parts:
        """Points that each domain adds to the cluster's sessions, all sessions of the span estimated together."""
        frame = self._frame
        levels = {name: frame.attributes[name][self._order] for name in (*CAUSES, "service")}
        levels["hour"] = np.ones(len(self._order), np.int32)
        failed = (frame.columns["success"] == 0) | (frame.columns["dropped"] == 1)
        outcomes = np.column_stack([frame.q[self._order], 100.0 * failed[self._order]])
        effects = joint_effects(normal_of(levels, outcomes))
        mine = {}
        for name in CAUSES:
            codes, count = np.unique(frame.attributes[name][self._chosen], return_counts=True)
            mine[name] = dict(zip(codes.tolist(), count.astype(float).tolist(), strict=True))
            mine[name].pop(0, None)
        return parts_for(mine, effects)
