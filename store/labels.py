"""The label dictionary: names out of bounded sets (cells, apps, plans ...) are stored as numbers."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from store.connection import Connection

_OWN_KIND = {
    "home_cell": "cell",
    "cell_id": "cell",
    "site_id": "site",
    "object_id": "object",
    "rat": "access",
    "max_rat": "access",
}
_BY_TABLE = {
    ("identities", "kind"): "identity_kind",
    ("surveys", "kind"): "survey_kind",
    ("access_nodes", "kind"): "access_node_kind",
    ("complaints", "status"): "complaint_status",
    ("subscribers", "status"): "subscriber_status",
}


def label_kind(kind: str, column: str) -> str:
    """Return the name space of a label column of a record kind; columns of one meaning share one."""
    return _BY_TABLE.get((kind, column)) or _OWN_KIND.get(column, column)


class Labels:
    """A cache of the label dictionary; new labels are committed at once, on a connection of their own.

    Takes an autocommit connection, or a function that opens one at first use. Labels are never renumbered, so what
    is cached stays true.
    """

    def __init__(self, connection: Connection | Callable[[], Connection]) -> None:
        self._given = connection
        self._opened: Connection | None = None
        self._ids: dict[str, dict[str, int]] = {}
        self._sources: dict[str, int] = {}

    def ids(self, kind: str, values: Sequence[str]) -> NDArray[np.int32]:
        """Return the number of each value, int32 in their order; unknown values are added."""
        known = self._known(kind)
        missing = sorted({value for value in values if value not in known})
        if missing:
            self._find(kind, missing)
            absent = [value for value in missing if value not in known]
            if absent:
                self._connection.execute(
                    "INSERT INTO cem.label (kind, value) SELECT %s, unnest(%s::text[]) ON CONFLICT DO NOTHING",
                    [kind, absent],
                )
                self._find(kind, absent)
        return np.fromiter((known[value] for value in values), np.int32, len(values))

    def names(self, kind: str) -> dict[int, str]:
        """Return all labels of that kind, number to name, as the database has them now."""
        known = self._known(kind)
        rows = self._connection.execute("SELECT value, label_id FROM cem.label WHERE kind = %s", [kind])
        known.update((value, label_id) for value, label_id in rows)
        return {label_id: value for value, label_id in known.items()}

    def lookup(self, kind: str, value: str) -> int | None:
        """Return the number of one label, or None when there is none; adds nothing."""
        known = self._known(kind)
        if value not in known:
            self._find(kind, [value])
        return known.get(value)

    def sources(self, names: Sequence[str]) -> NDArray[np.int16]:
        """Return the `source_id` of each source name, int16 in their order; unknown sources are added."""
        missing = sorted({name for name in names if name not in self._sources})
        if missing:
            # Looked up first: an INSERT that conflicts would still use up a number, and there are only 32,767.
            self._find_sources(missing)
            absent = [name for name in missing if name not in self._sources]
            if absent:
                self._connection.execute(
                    "INSERT INTO cem.source (name) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", [absent]
                )
                self._find_sources(absent)
        return np.fromiter((self._sources[name] for name in names), np.int16, len(names))

    @property
    def _connection(self) -> Connection:
        if self._opened is None:
            self._opened = self._given() if callable(self._given) else self._given
        return self._opened

    def _known(self, kind: str) -> dict[str, int]:
        return self._ids.setdefault(kind, {})

    def _find(self, kind: str, values: list[str]) -> None:
        rows = self._connection.execute(
            "SELECT value, label_id FROM cem.label WHERE kind = %s AND value = ANY(%s)", [kind, values]
        )
        self._ids[kind].update((value, label_id) for value, label_id in rows)

    def _find_sources(self, names: list[str]) -> None:
        rows = self._connection.execute("SELECT name, source_id FROM cem.source WHERE name = ANY(%s)", [names])
        self._sources.update((name, source_id) for name, source_id in rows)
