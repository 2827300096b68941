"""Group indices by hand for tests of alerting: a calm history, windows as one likes, and alerting as each closes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.rulefile import read_rules
from alerts.rules import RuleBook
from cemaphore.pipeline.alerting import AlertRun, alert
from cemaphore.settings import Settings
from store.connection import Connection

QUARTER = timedelta(minutes=15)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HISTORY_DAYS = 6
BOOK = read_rules(
    """
[[rule]]
name = "drop"
over = ["all", "region", "cell"]
severity = "warning"
escalate = 30.0
margin = 5.0
recovery = 2.5
users = 50

[[rule]]
name = "cluster"
kind = "cluster"
over = ["sessions"]

[[rule]]
name = "storm"
kind = "storm"
over = ["region"]
severity = "critical"
m = 5

[[rule]]
name = "gone"
kind = "no_data"
over = ["source", "all"]
"""
)
_MEASURES = ("network", "device", "app", "service", "overall")
_SPREAD = 15.0  # standard deviation between users

Groups = Mapping[tuple[str, int], float | None]  # attribute and label number to the overall index
ALL = ("all", 0)


def write(connection: Connection, start: datetime, groups: Groups, users: int = 500) -> None:
    """Store one window of groups: of each `users` users with that index (None: no index)."""
    names = ["grain", "attribute", "start", "value", "n_users", "bad_users", "n", "bad", "expected_bad", "version_id"]
    rows = []
    for (attribute, value), index in groups.items():
        known = index if index is not None else 0.0
        count = 0 if index is None else users
        bad = round(users * (100 - known) / 200)
        row: list[Any] = ["15m", attribute, start, value, users, 0, users, bad, users * 0.1, 1]
        for name in _MEASURES:
            mine = count if name == "overall" else 0
            row += [mine, mine * known, mine * (known**2 + _SPREAD**2)]
        rows.append([*row, index])
    sums = [f"{name}_{part}" for name in _MEASURES for part in ("n", "sum", "sq")]
    columns = [*names, *sums, "overall"]
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO cem.group_index ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))}) "  # noqa: S608 - ours only
            "ON CONFLICT (grain, attribute, start, value) DO UPDATE SET overall = excluded.overall, "
            "overall_sum = excluded.overall_sum, overall_sq = excluded.overall_sq, overall_n = excluded.overall_n",
            rows,
        )


def calm(connection: Connection, groups: Groups, until: datetime = NOON, users: int = 500) -> None:
    """Store six days before a moment in which all is as usual, in the hours of its half day only."""
    for day in range(HISTORY_DAYS, 0, -1):
        for quarter in range(-4, 16):
            write(connection, until - timedelta(days=day) + quarter * QUARTER, groups, users)
    for quarter in range(-4, 0):
        write(connection, until + quarter * QUARTER, groups, users)


def close(
    connection: Connection,
    dsn: str,
    settings: Settings,
    start: datetime,
    *,
    book: RuleBook = BOOK,
    late: timedelta = timedelta(seconds=1),
) -> AlertRun:
    """Let the window that starts at `start` be searched and closed, and judge it as `cem run` does."""
    connection.execute(
        "INSERT INTO cem.detection (over_kind, start, tests, found, detected_at) "
        "VALUES ('sessions', %s, 0, 0, now()) ON CONFLICT DO NOTHING",
        [start],
    )
    now = start + QUARTER + timedelta(minutes=settings.close_after_minutes) + late
    return alert(dsn, settings, now=now, rules=book)


def begin(connection: Connection, dsn: str, settings: Settings, book: RuleBook = BOOK) -> None:
    """Judge the calm windows before noon: what is usual is frozen, and the tracks are filled."""
    for quarter in range(-4, 0):
        close(connection, dsn, settings, NOON + quarter * QUARTER, book=book)
