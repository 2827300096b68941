"""Intakes that are kept open from one job to the next, so that what they know of names is not read anew each time."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime

import psycopg

from cemaphore.collecting import opened_intake
from cemaphore.settings import Settings
from store.intake import Intake


class Intakes:
    """As many as jobs need at once; one in whose use anything failed is closed."""

    def __init__(self, dsn: str, settings: Settings) -> None:
        self._dsn = dsn
        self._settings = settings
        self._idle: list[tuple[Intake, ExitStack]] = []
        self._guard = threading.Lock()

    @contextmanager
    def one(self, now: datetime) -> Iterator[Intake]:
        """Lend an intake whose clock is set to `now`."""
        intake, stack = self._taken()
        try:
            intake.clock_now = now
            yield intake
        except BaseException:
            stack.close()
            raise
        with self._guard:
            self._idle.append((intake, stack))

    def close(self) -> None:
        """Close those that nobody uses."""
        with self._guard:
            idle, self._idle = self._idle, []
        for _, stack in idle:
            stack.close()

    def _taken(self) -> tuple[Intake, ExitStack]:
        while True:
            with self._guard:
                if not self._idle:
                    break
                intake, stack = self._idle.pop()
            try:
                intake.connection.execute("SELECT 1")
            except psycopg.Error:  # the database was away meanwhile
                stack.close()
            else:
                return intake, stack
        stack = ExitStack()
        return stack.enter_context(opened_intake(self._settings, self._dsn, backfill_limit=True)), stack
