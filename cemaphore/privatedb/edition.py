"""Which edition of TimescaleDB a database has, and what the lesser ones lack."""

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg import Connection


class Edition(StrEnum):
    """Plain PostgreSQL, TimescaleDB's Apache-2 edition, or its community edition."""

    PLAIN = "plain"
    APACHE = "apache"
    COMMUNITY = "community"


LACKS = {
    Edition.PLAIN: (
        "No hypertables: raw tables are not cut into chunks, so old rows are deleted one by one instead of dropped, "
        "and a time range is found by index alone; no columnstore compression."
    ),
    Edition.APACHE: "No columnstore compression: raw rows take their full size. All else is there.",
    Edition.COMMUNITY: "",
}


def edition_of(connection: "Connection[tuple[object, ...]]") -> Edition:
    """The edition in the connected database.

    It reads the licence setting only: calling a community function to see whether it is there can crash the server.
    """
    installed = connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
    if installed is None:
        return Edition.PLAIN
    row = connection.execute("SELECT current_setting('timescaledb.license', true)").fetchone()
    return Edition.COMMUNITY if row is not None and row[0] == "timescale" else Edition.APACHE
