"""The demo city that many tests look at: written, collected, scored and searched once for each test run."""

from typing import Any

from bench import cities
from bench.cities import City
from cemaphore.demo import FAST
from cemaphore.settings import Settings

__all__ = ["City", "build", "users_of"]


def build(dsn: str, settings: Settings) -> City:
    """Write the small city under the settings' home and run the main job over it."""
    return cities.build(dsn, settings, FAST, seed=1)


def users_of(connection: Any, query: str, parameters: Any) -> set[int]:
    """Return the keys that a query names in its first column."""
    return {row[0] for row in connection.execute(query, parameters)}
