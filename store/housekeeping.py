"""What keeps a database in order from day to day: statistics, sizes, and when it was last backed up."""

from datetime import datetime

from psycopg import sql

from store.connection import Connection
from store.schema import capability

_LAST_BACKUP = "last_backup"


def analyze(connection: Connection) -> int:
    """Renew the planner's statistics of tables that autovacuum passes by; returns how many tables.

    Autovacuum sees the chunks of a hypertable, and never the table itself, whose statistics plan a query over many.
    """
    if capability(connection) == "plain":
        return 0
    tables = connection.execute(
        "SELECT hypertable_schema, hypertable_name FROM timescaledb_information.hypertables "
        "WHERE hypertable_schema IN ('cem', 'shadow') AND num_chunks > 0 ORDER BY 1, 2"
    ).fetchall()
    for schema, name in tables:
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(schema, name)))
    return len(tables)


def analyze_new(connection: Connection) -> int:
    """Give the planner first statistics of tables that have none; returns how many tables (autocommit connection).

    Without any, the indicators of one cell were read by way of all groups: minutes, until autovacuum came by.
    """
    tables = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'cem'::regnamespace AND relkind = 'r' AND reltuples < 0 "
        "ORDER BY relname"
    ).fetchall()
    for (name,) in tables:
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier("cem", name)))
    return len(tables)


def size_bytes(connection: Connection) -> int:
    """Bytes of the whole database."""
    row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0


def note_backup(connection: Connection, at: datetime) -> None:
    """Note that a backup was written at this moment."""
    connection.execute(
        "INSERT INTO cem.installation (name, value) VALUES (%s, %s) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [_LAST_BACKUP, at.isoformat()],
    )


def last_backup(connection: Connection) -> datetime | None:
    """When `cem db backup` last wrote one; None where it never did."""
    row = connection.execute("SELECT value FROM cem.installation WHERE name = %s", [_LAST_BACKUP]).fetchone()
    return datetime.fromisoformat(row[0]) if row else None
