"""Collectors killed at random moments of mixed ingestion leave the rows of an undisturbed run."""

import signal
import time
from pathlib import Path
from random import Random

from cemaphore.settings import Settings
from store.connection import Connection, connect
from tests import mixture
from tests.collecting import environment, finished, fresh, in_transaction, loaded, started, until
from tests.effort import KILLS

SEED = 20260301


def test_kills_at_random_points_of_mixed_ingestion_lose_and_repeat_nothing(
    server: Settings, template: str, database: str, connection: Connection, tmp_path: Path
) -> None:
    """A delivery of ten files before each kill, so that every kill meets work; the last run takes what is left."""
    draw = Random(SEED)
    folder, keys_dir = tmp_path / "in", tmp_path / "keys"
    name = str(connection.info.dbname)
    process_environment = environment(database, tmp_path / "home", keys_dir)
    met = 0
    for wave in range(KILLS):
        mixture.write(folder / f"{wave:03}", wave)
        latest = sorted(folder.iterdir())[-3:]  # what older deliveries still miss is left to the last run
        process = started(process_environment, *map(str, latest))
        assert until(lambda: in_transaction(connection, name))
        time.sleep(draw.uniform(0, 0.8))
        met += in_transaction(connection, name)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert mixture.strays(connection) == 0
    code, errors = finished(started(process_environment, str(folder)))
    assert code == 3, errors  # each delivery has a record that goes to quarantine
    with fresh(server, "cem_undisturbed_kills", template=template) as url, connect(url):
        expected = loaded(url, keys_dir, [folder])
    assert mixture.held(connection) == expected
    assert met >= KILLS // 2  # kills inside a transaction
