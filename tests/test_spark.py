"""The Spark engine on a cluster of this machine: the rows of the local engine, also after an interruption.

Skipped is only what starts Spark, and only where there is no Java for it to run on.
"""

import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.ingest_rows import START_US, write_hour
from bench.scoring import INVENTORY
from cemaphore.collecting import options_of
from cemaphore.engines import Engine
from cemaphore.engines.local import rated_parts
from cemaphore.engines.parts import working_folder
from cemaphore.engines.session import spark_session
from cemaphore.engines.worker import Worker
from cemaphore.pipeline.scoring import score
from cemaphore.settings import Settings, load_settings
from collectors.collection import collect
from records.errors import ConfigError
from records.windows import HOUR
from store.connection import Connection
from store.intake import Intake
from tests.records import add_touchpoints
from tests.web_hours import add_web, scored_rows

START = datetime.fromtimestamp(START_US / 1e6, UTC)
HOURS, ROWS, PEOPLE = 3, 2_000, 700
MASTER = "local-cluster[2,1,1024]"  # two workers, each with one core and 1 GiB
with_java = pytest.mark.skipif(shutil.which("java") is None, reason="Apache Spark runs on Java, and there is none here")


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A session on two workers, which the engine takes as it is there."""
    with spark_session(MASTER, tmp_path_factory.mktemp("spark")) as session:
        yield session


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home", time_zone="UTC")


@pytest.fixture
def hours(connection: Connection, intake: Intake, settings: Settings, tmp_path: Path) -> None:
    """Hours of sessions of all services, and some touchpoints of the same people."""
    files = tmp_path / "sessions"
    files.mkdir()
    for hour in range(HOURS):
        write_hour(files / f"{hour}.parquet", hour, ROWS, PEOPLE)
    results = list(collect([files], intake=intake, options=options_of(settings)))
    assert not any(result.error for result in results)
    connection.execute(INVENTORY)
    people = [key for (key,) in connection.execute("SELECT DISTINCT subscriber_key FROM cem.session LIMIT 200")]
    rows = range(len(people))
    add_touchpoints(
        connection,
        {
            "subscriber_key": people,
            "time": [START + timedelta(minutes=row % 120) for row in rows],
            "channel": ["app"] * len(people),
            "activity": ["pay"] * len(people),
            "success": [row % 7 != 0 for row in rows],
            "wait_s": [float(row % 90) for row in rows],
        },
    )


def differences(found: Sequence[tuple[Any, ...]], wanted: Sequence[tuple[Any, ...]]) -> list[tuple[Any, Any]]:
    """Values that are not the same, numbers within 1e-9."""
    pairs = [pair for one, other in zip(found, wanted, strict=True) for pair in zip(one, other, strict=True)]
    return [(one, other) for one, other in pairs if not _same(one, other)]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9) or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


@with_java
@pytest.mark.usefixtures("spark", "hours")
def test_spark_leaves_in_parts_the_rows_of_the_local_engine(
    database: str, connection: Connection, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(database, settings, processes=1)
    local = scored_rows(connection)
    monkeypatch.setattr("cemaphore.engines.local.PART_SESSIONS", ROWS // 3)
    run = score(database, settings, start=START, engine=Engine.SPARK)
    assert (run.engine, run.processes, run.hours, run.sessions) == ("spark", 2, HOURS, HOURS * ROWS)
    spark = scored_rows(connection)
    assert min(len(spark[table]) for table in ("user_hour", "group_index", "kqi_value")) > 1000
    for table, rows in local.items():
        assert len(spark[table]) == len(rows), table
        assert not differences(spark[table], rows)[:5], table
    assert connection.execute("SELECT count(*) FROM cem.dirty WHERE kind = 'sessions'").fetchone() == (0,)
    assert not list(settings.spark_folder.iterdir())


@with_java
@pytest.mark.usefixtures("spark", "hours")
def test_a_run_that_is_interrupted_is_taken_up_where_it_was(
    database: str, connection: Connection, settings: Settings
) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(database, settings, engine=Engine.SPARK, progress=interrupt)
    assert connection.execute("SELECT count(DISTINCT start) FROM cem.user_hour").fetchone() == (1,)
    assert not list(settings.spark_folder.iterdir())
    assert score(database, settings, engine=Engine.SPARK).hours == HOURS - 1
    followed = scored_rows(connection)
    score(database, settings, start=START, processes=1)
    assert not any(differences(followed[table], rows) for table, rows in scored_rows(connection).items())


def test_what_was_rated_before_another_scored_the_hour_is_not_stored(
    opened: Callable[[], Connection], database: str, settings: Settings
) -> None:
    connection = opened()
    add_web(connection, START)
    worker = Worker(connection, settings)
    marks = worker.marks(START)
    _, margins = worker.baseline(START.date())
    old = list(rated_parts(connection, START, worker.scoring, margins))
    add_web(connection, START, 2, batch=2)
    score(database, settings)
    newer = scored_rows(connection)
    add_web(connection, START + HOUR / 2, 2, batch=3)
    assert worker.store(START, old, marks) == "held"
    assert scored_rows(connection) == newer


def test_rows_that_come_while_an_hour_is_rated_leave_it_marked(connection: Connection, settings: Settings) -> None:
    add_web(connection, START)
    worker = Worker(connection, settings)
    marks = worker.marks(START)
    _, margins = worker.baseline(START.date())
    parts = list(rated_parts(connection, START, worker.scoring, margins))
    add_web(connection, START, 2, batch=2)
    worker.store(START, parts, marks)
    left = worker.marks(START)
    assert left
    assert not set(left) & set(marks)


def test_the_folder_of_a_killed_run_is_removed_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "killed").mkdir()
    (tmp_path / "killed" / "sessions.parquet").touch()
    with working_folder(tmp_path) as living:
        assert living.stat().st_mode & 0o777 == 0o700
        with working_folder(tmp_path) as other:
            assert set(tmp_path.iterdir()) == {living, other}
    assert not list(tmp_path.iterdir())


def test_without_pyspark_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(ConfigError, match=r"cemaphore\[spark\]"), spark_session(MASTER, tmp_path):
        pass


@with_java
def test_without_java_it_says_what_to_install(database: str, connection: Connection, tmp_path: Path) -> None:
    add_web(connection, START)
    done = subprocess.run(
        [sys.executable, "-c", "from cemaphore.cli import main; main()", "score", "--engine", "spark"],
        env={"CEMAPHORE_DATABASE_URL": database, "CEMAPHORE_HOME": str(tmp_path), "PATH": str(tmp_path)},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert "openjdk-17-jre-headless" in done.stderr
