"""What one customer went through before a complaint: index trend, worst sessions with their reasons, clusters."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from cemaphore import catalogues
from cemaphore.pipeline.demarcating import session_demarcation
from cemaphore.pipeline.frame import SESSION_LABELS, FrameContext, SessionFrame, sessions_of
from cemaphore.settings import Settings
from qoe.catalogue import SEGMENTS
from records.kinds import SERVICES
from store import complaint_views
from store.connection import Connection
from store.frames import label_values, read_customer_sessions

BEFORE_H = 48
DAYS = 7
_WORST = 10
_SHOWN = ("app", "cell", "server", "access")


def experience_before(
    connection: Connection, settings: Settings, customer_key: int, moment: datetime
) -> dict[str, Any]:
    """Return the days, the worst sessions and the clusters before a moment.

    `change` is the newest day's overall index less the mean of the days before it, None without both.
    """
    days = complaint_views.days_before(connection, customer_key, moment, DAYS)
    overall = days["overall"].astype(float).to_numpy()
    earlier = overall[:-1][~np.isnan(overall[:-1])] if len(overall) else overall
    known = len(earlier) > 0 and not np.isnan(overall[-1])
    return {
        "change": float(overall[-1] - earlier.mean()) if known else None,
        "days": days.to_dict("records"),
        "sessions": _worst_sessions(connection, settings, customer_key, moment),
        "clusters": complaint_views.clusters_before(connection, customer_key, moment).to_dict("records"),
    }


def _worst_sessions(
    connection: Connection, settings: Settings, customer_key: int, moment: datetime
) -> list[dict[str, Any]]:
    start = moment - timedelta(hours=BEFORE_H)
    raw = read_customer_sessions(connection, customer_key, start, moment)
    if not len(raw["start_time"]):
        return []
    causes = raw["failure_cause"].copy()
    names = label_values(connection, (*SESSION_LABELS, *_SHOWN))
    context = FrameContext.load(connection, catalogues.quality(settings))
    found = sessions_of(raw, names, start, moment, context)
    reasons = _reasons(found, context)
    bad = np.flatnonzero(found.bad & found.quality.known)
    worst = bad[np.lexsort((-found.start_us[bad], found.q[bad]))][:_WORST]
    return [
        {
            "start_time": datetime.fromtimestamp(found.start_us[row] / 1e6, UTC),
            "service": SERVICES[found.service[row]],
            **{name: names[name].get(int(found.attributes[name][row])) for name in _SHOWN},
            "q": round(float(found.q[row]), 1),
            "reason": names["failure_cause"].get(int(causes[row])) or reasons[row],
        }
        for row in worst.tolist()
    ]


def _reasons(found: SessionFrame, context: FrameContext) -> list[str | None]:
    """The segment that most of each session's lost points are blamed on, None where nothing measured explains any.

    One customer's sessions have no peers beside them: a device is blamed for its failures only.
    """
    points = np.nan_to_num(session_demarcation(found, context).points)
    most, lost = points.argmax(axis=0), points.max(axis=0) > 0
    return [SEGMENTS[row] if any_lost else None for row, any_lost in zip(most.tolist(), lost.tolist(), strict=True)]
