"""Sums answers of surveys up, beside the indices of those who gave them: only the weeks in which either changed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from store import scores, surveys
from store.connection import Connection


def survey(connection: Connection, zone: ZoneInfo) -> int:
    """Sum up every week with marked answers or days and return how many weeks; one transaction for all."""
    with connection.transaction():
        scores.hold(connection, surveys.MARK, datetime(1970, 1, 1, tzinfo=UTC), wait=True)
        marks = surveys.marked(connection)
        if not marks:
            return 0
        weeks = surveys.weeks_of(connection, marks, str(zone))
        for week in weeks:
            surveys.sum_up(connection, week, str(zone))
        scores.unmark(connection, marks)
    return len(weeks)
