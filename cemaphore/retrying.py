"""Quarantined records tried again: what `cem quarantine retry` does."""

from dataclasses import dataclass

from cemaphore import privatedb
from cemaphore.collecting import opened_intake, options_of
from cemaphore.settings import Settings
from collectors.retrying import retry
from collectors.tmf621.retrying import retry_changes
from records.kinds import COMPLAINTS, KINDS
from store import quarantine
from store.connection import connect
from store.labels import Labels
from store.quarantine import Choice
from store.vault import open_keys

_AT_ONCE = 1000


@dataclass(kw_only=True)
class Outcome:
    """What became of the records of one source and kind."""

    source: str
    kind: str
    tried: int = 0
    stored: int = 0
    duplicate: int = 0
    refused: int = 0
    unreadable: int = 0


def retry_chosen(settings: Settings, choice: Choice) -> list[Outcome]:
    """Try the chosen records again, a thousand in a transaction; returns what came of them by source and kind."""
    url = privatedb.ensure(settings)
    outcomes: dict[tuple[str, str], Outcome] = {}
    with (
        connect(url, autocommit=True) as connection,
        connect(url, autocommit=True) as names,
        opened_intake(settings, url) as intake,
    ):
        keys, labels = open_keys(connection, settings.keys_dir), Labels(names)
        for source, kind, ids in quarantine.groups(connection, choice, _AT_ONCE):
            outcome = outcomes.setdefault((source, kind), Outcome(source=source, kind=kind))
            if kind == COMPLAINTS.name:
                stored, refused = retry_changes(intake, labels, keys, source, ids)
                outcome.tried += stored
                outcome.stored += stored
                outcome.refused += refused
                outcome.unreadable -= refused  # the rest of the records passes them by as no records of their own
            if kind in KINDS:
                done = retry(intake, keys, source, KINDS[kind], ids, options_of(settings))
                for name in ("tried", "stored", "duplicate", "refused", "unreadable"):
                    setattr(outcome, name, getattr(outcome, name) + getattr(done, name))
    return list(outcomes.values())
