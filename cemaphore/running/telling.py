"""The jobs that tell people: windows judged by the alert rules, and what is to be said delivered."""

from collections.abc import Mapping, Sequence

from cemaphore.pipeline.alerting import alert
from cemaphore.pipeline.delivering import deliver
from cemaphore.running.schedule import Source
from cemaphore.running.work import Call, Counts, Work, counts_of
from cemaphore.settings import Settings


class Telling:
    """Keeps nothing: what was told is in the database."""

    sources: Sequence[Source] = ()

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.work: Mapping[str, Work] = {"alert": self._alert, "deliver": self._deliver}

    def close(self) -> None:
        """Nothing is kept open."""

    def _alert(self, call: Call) -> Counts:
        return counts_of(alert(call.dsn, self._settings, now=call.now))

    def _deliver(self, call: Call) -> Counts:
        return counts_of(deliver(call.dsn, self._settings, now=call.now))
