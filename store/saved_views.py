"""The views that people saved: a screen and the parameters of its address, by name."""

import pandas as pd

from store.connection import Connection
from store.screens import frame


def of(connection: Connection, viewer: str) -> pd.DataFrame:
    """Return somebody's own views, and after them those that others share: none of one customer."""
    with connection.transaction():
        connection.execute("SELECT set_config('cem.actor', %s, true)", [viewer])
        return frame(connection, "SELECT view_id, owner, name, screen, parameters, shared FROM api.saved_views()")
