"""Collectors wired to the store: the intake with its connections, and options out of the settings."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

from cemaphore import privatedb
from cemaphore.settings import Settings
from collectors.mapping import load as load_mappings
from collectors.options import MIB, Options
from store.connection import connect
from store.intake import Intake, Limits
from store.keys import Keys
from store.labels import Labels
from store.patience import Lines, Patience, PatientIntake
from store.vault import Vault, open_keys

MAPPINGS = "mappings"  # folder of column mapping files under the home directory
_GIB = 1 << 30


def options_of(settings: Settings, *, kind: str | None = None, source: str | None = None) -> Options:
    """Return how files are read under these settings."""
    largest = settings.max_source_gib
    return Options(
        mappings=load_mappings(settings.home / MAPPINGS),
        kind=kind,
        source=source,
        region=settings.country_code,
        subscriber_kind=settings.default_subscriber_kind,
        max_expansion_ratio=settings.max_expansion_ratio,
        expansion_floor_bytes=settings.max_expansion_floor_mib * MIB,
        max_record_bytes=settings.max_record_mib * MIB,
        max_source_bytes=None if largest is None else int(largest * _GIB),
    )


@contextmanager
def opened_intake(
    settings: Settings,
    dsn: str | None = None,
    *,
    backfill_limit: bool = False,
    patient: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Intake]:
    """Open the intake, starting the private database where `dsn` is not given.

    `backfill_limit` applies the setting that bounds how far back rows may be (`cem run`, not `cem collect` by hand).
    `patient`: a database that goes away later is waited for as the settings say, which `tell` hears of; else the load
    fails at once. One that somebody stops is not started again.
    """
    url = privatedb.ensure(settings) if dsn is None else dsn
    days = settings.backfill_limit_days if backfill_limit else None
    limits = Limits(
        forward=timedelta(minutes=settings.future_tolerance_minutes),
        backward=None if days is None else timedelta(days=days),
    )
    with connect(url, autocommit=True) as connection:
        keys = open_keys(connection, settings.keys_dir)
    intake = PatientIntake(
        partial(_lines, lambda: privatedb.database_url(settings) if dsn is None else dsn, keys, settings),
        keys,
        datetime.now(UTC),
        limits=limits,
        patience=Patience(longest_s=settings.database_patience_s if patient else 0.0),
        tell=tell,
    )
    with closing(intake):
        yield intake


def _lines(url: Callable[[], str], keys: Keys, settings: Settings, stack: ExitStack) -> Lines:
    rows, identifiers, names = (
        stack.enter_context(connect(url(), autocommit=True, silence_s=settings.database_silence_s)) for _ in range(3)
    )
    return Lines(rows=rows, vault=Vault(identifiers, keys), names=names, labels=Labels(names))
