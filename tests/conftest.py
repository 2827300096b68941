"""What every test may ask for: a real database of its own, made from a migrated template."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from cemaphore import privatedb
from cemaphore.settings import Settings, load_settings
from store import schema
from store.connection import Connection, connect

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
