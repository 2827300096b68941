"""What people do: calls of the functions of schema `act`, each on behalf of somebody and in one transaction."""

from collections.abc import Sequence
from typing import Any

from psycopg import sql

from store.connection import Connection


def call(connection: Connection, actor: str, function: str, arguments: Sequence[object]) -> Any:
    """Call that function of schema `act` for `actor` and return the first column of its first row.

    Raises `psycopg.errors.InsufficientPrivilege` where the connection's role may not.
    """
    places = sql.SQL(", ").join([sql.Placeholder()] * len(arguments))
    query = sql.SQL("SELECT act.{}({})").format(sql.Identifier(function), places)
    with connection.transaction():
        connection.execute("SELECT set_config('cem.actor', %s, true)", [actor])
        row = connection.execute(query, arguments).fetchone()
    return row[0] if row else None
