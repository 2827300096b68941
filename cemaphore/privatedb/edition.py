"""Which edition of TimescaleDB a database has, and what the lesser ones lack."""

from enum import StrEnum

from store import schema
from store.connection import Connection


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


def edition_of(connection: Connection) -> Edition:
    """The edition in the connected database."""
    return Edition(schema.capability(connection))
