"""What every test may ask for: a real database of its own, made from a migrated template."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from cemaphore import privatedb
from cemaphore.settings import Settings, load_settings
from store import schema
from store.connection import Connection, connect
from store.intake import Intake
from store.keys import Keys
from store.labels import Labels
from store.vault import Vault

if TYPE_CHECKING:
    from tests.city import City

pytest_plugins = ["tests.browsing", "tests.screen_app"]

TEMPLATE = "cem_template"
# A test's server need not outlive a power cut, and its background workers would hold the template open.
FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "timescaledb.max_background_workers": "0",
}
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A running private database server for this test run."""
    settings = load_settings(home=tmp_path_factory.mktemp("server"), database_url=None, time_zone="UTC", demo=True)
    try:
        privatedb.start(settings, extra=FAST)
        yield settings
    finally:
        privatedb.remove(settings)


@pytest.fixture(scope="session")
def template(server: Settings) -> str:
    """Name of a database with extension and schema, to be copied."""
    url = privatedb.create_database(server, TEMPLATE)
    with connect(url) as connection:
        schema.upgrade(connection)
    return TEMPLATE


@pytest.fixture
def empty_database(server: Settings) -> Iterator[str]:
    """URL of a fresh database that has the extension and no schema."""
    name = f"cem_empty_{next(_numbers)}"
    yield privatedb.create_database(server, name)
    privatedb.drop_database(server, name)


@pytest.fixture
def database(server: Settings, template: str) -> Iterator[str]:
    """URL of a fresh database with the schema and no rows."""
    name = f"cem_test_{next(_numbers)}"
    yield privatedb.create_database(server, name, template=template)
    privatedb.drop_database(server, name)


@pytest.fixture
def opened(database: str) -> Iterator[Callable[[], Connection]]:
    """A function that opens autocommit connections to the test's database; closed afterwards."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(connect(database, autocommit=True))


@pytest.fixture
def connection(opened: Callable[[], Connection]) -> Connection:
    """One autocommit connection to the test's database."""
    return opened()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """A vault's keys, made for this test run."""
    return Keys.create(tmp_path_factory.mktemp("keys") / "vault")


@pytest.fixture
def vault(opened: Callable[[], Connection], keys: Keys) -> Vault:
    """The vault of the test's database, on a connection of its own."""
    return Vault(opened(), keys)


@pytest.fixture
def labels(opened: Callable[[], Connection]) -> Labels:
    """The label dictionary of the test's database, on a connection of its own."""
    return Labels(opened())


@pytest.fixture
def intake(opened: Callable[[], Connection], vault: Vault, labels: Labels, keys: Keys) -> Intake:
    """An intake into the test's database, at noon of 2 March 2026 UTC."""
    return Intake(opened(), vault, labels, keys, datetime(2026, 3, 2, 12, tzinfo=UTC))


@pytest.fixture(scope="session")
def city(server: Settings, tmp_path_factory: pytest.TempPathFactory) -> "City":
    """The small demo city, written, collected, scored and searched once."""
    from tests.city import build

    zone = "Asia/Shanghai"
    dsn = privatedb.create_database(server, "cem_city")
    with connect(dsn) as connection:
        schema.upgrade(connection, time_zone=zone)
    home = tmp_path_factory.mktemp("city")
    settings = load_settings(home=home, database_url=dsn, time_zone=zone, country_code="CN", demo=True)
    return build(dsn, settings)
