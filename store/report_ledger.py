"""The ledger of weekly reports: who got the one of which week, and who not yet."""

from datetime import datetime

from store.connection import Connection


def claim(connection: Connection, week_end: datetime, receiver: str) -> bool:
    """Whether this transaction is to send that report: it was not sent, and no other transaction is about to."""
    connection.execute(
        "INSERT INTO cem.report_sent (week_end, receiver) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        [week_end, receiver],
    )
    row = connection.execute(
        "SELECT FROM cem.report_sent WHERE week_end = %s AND receiver = %s AND sent_at IS NULL FOR UPDATE SKIP LOCKED",
        [week_end, receiver],
    ).fetchone()
    return row is not None


def tried(connection: Connection, week_end: datetime, receiver: str, at: datetime, error: str | None) -> None:
    """Note that a report was taken, or why it was not."""
    connection.execute(
        "UPDATE cem.report_sent SET tries = tries + 1, error = %s, sent_at = CASE WHEN %s::text IS NULL THEN %s END "
        "WHERE week_end = %s AND receiver = %s",
        [error, error, at, week_end, receiver],
    )
