"""Collectors wired to the store: the intake with its three connections, and options out of the settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from cemaphore import privatedb
from cemaphore.settings import Settings
from collectors.options import MIB, Options
from store.connection import connect
from store.intake import Intake, Limits
from store.labels import Labels
from store.vault import Vault, open_keys

_GIB = 1 << 30


def options_of(settings: Settings, *, kind: str | None = None, source: str | None = None) -> Options:
    """Return how files are read under these settings."""
    largest = settings.max_source_gib
    return Options(
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
def opened_intake(settings: Settings, dsn: str | None = None, *, backfill_limit: bool = False) -> Iterator[Intake]:
    """Open the intake, starting the private database where `dsn` is not given.

    `backfill_limit` applies the setting that bounds how far back rows may be (`cem run`, not `cem collect` by hand).
    """
    url = privatedb.ensure(settings) if dsn is None else dsn
    days = settings.backfill_limit_days if backfill_limit else None
    limits = Limits(
        forward=timedelta(minutes=settings.future_tolerance_minutes),
        backward=None if days is None else timedelta(days=days),
    )
    with (
        connect(url, autocommit=True) as rows,
        connect(url, autocommit=True) as identifiers,
        connect(url, autocommit=True) as names,
    ):
        keys = open_keys(identifiers, settings.keys_dir)
        yield Intake(rows, Vault(identifiers, keys), Labels(names), keys, datetime.now(UTC), limits=limits)
