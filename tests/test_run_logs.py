"""The log of the running program names nobody, whatever it is given."""

import gzip
import io
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pyarrow.csv as pacsv
import pytest
import zstandard

from cemaphore.demo import WorldSize, write_world
from cemaphore.running import logs
from cemaphore.running.program import run
from cemaphore.settings import Settings, load_settings
from store.connection import Connection
from store.keys import Keys

TINY = WorldSize(users=300, sites=15, models=8)
HOURS = 3


def test_logs_hold_no_identifier_no_address_and_no_secret() -> None:
    stream = io.StringIO()
    log = logs.configure("info", stream)
    log.info(
        "row of 460001234567890 and +86 138 0013 8000 refused",
        subscriber_id="460001234567890",
        subscriber_key=1234567890123456789,
        mail="somebody@example.org",
        address="postgresql://user:password@host/name",
        hook="see https://example.org/hook/T0KEN",
        nested={"msisdn": "8613800138000", "list": ["imsi:460001234567890"]},
        files=["x_460001234567890.csv", "sessions-8613800138000.parquet", "AC000000138.csv"],
        rows=4600,
        seconds=1.2345678901,
        day="sessions-2026-03-02.csv",
        reason="days of 2026-03-02 10:00 UTC wait",
    )
    line = stream.getvalue()
    for secret in ("4600012345", "138", "somebody", "password", "T0KEN", "1234567890123456789"):
        assert secret not in line.replace("1.2345678901", "")
    shape = json.loads(line)
    assert shape["rows"] == 4600
    assert shape["seconds"] == 1.2345678901
    assert shape["day"] == "sessions-2026-03-02.csv", "a date is nobody's number"
    assert shape["reason"] == "days of 2026-03-02 10:00 UTC wait"
    assert datetime.fromisoformat(shape["timestamp"]).tzinfo is not None


def test_a_traceback_is_kept_and_names_nobody() -> None:
    stream = io.StringIO()
    try:
        raise ValueError("row of 460001234567890")
    except ValueError:
        logs.configure("info", stream).error("a fault of the program", exc_info=True)
    shape = json.loads(stream.getvalue())
    assert "test_run_logs.py" in shape["exception"]
    assert "460001" not in shape["exception"]


@pytest.fixture
def settings(tmp_path: Path, database: str) -> Settings:
    made = load_settings(home=tmp_path, database_url=database, demo=True, log_level="debug")
    Keys.create(made.keys_dir)
    return made


def _written(settings: Settings) -> None:
    """A few hours of a small city in the watched folder, and files that are wrong in every way a name can show."""

    class Enough(Exception):  # noqa: N818 - no error: a world is written until there are hours enough
        pass

    def follow(stage: str, done: float) -> None:
        if done * TINY.days * 24 > HOURS - 0.5:
            raise Enough

    with suppress(Enough):
        write_world(settings.watch_folder, TINY, seed=1, progress=follow)
    first = next(iter(_identifiers(settings)))
    bad = {
        f"sessions-{first}.csv": f"session_id,start_time,subscriber_id,service,success\ns,{first},{first},web,maybe\n",
        f"sessions_of_{first}.csv": f"{first};{first}\n",
        f"{first}.json": f'[{{"id": "{first}"',
        f"sessions-{first}.parquet": f"PAR1{first}",
    }
    for name, text in bad.items():
        (settings.watch_folder / name).write_text(text, encoding="utf-8")
    for path in settings.watch_folder.rglob("*"):
        os.utime(path, (time.time() - 60, time.time() - 60))


def _identifiers(settings: Settings) -> Iterator[str]:
    inventory = settings.watch_folder / "inventory"
    with gzip.open(inventory / "subscribers.csv.gz") as file:
        yield from pacsv.read_csv(file)["subscriber_id"].to_pylist()
    sealed = (inventory / "identities.csv.zst").read_bytes()
    text = zstandard.ZstdDecompressor().decompressobj().decompress(sealed).decode()
    yield from re.findall(r"\+?[0-9]{10,}", text)


def test_a_run_over_the_city_logs_no_identifier(
    settings: Settings, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    _written(settings)
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    run(settings, every_s=1, stable_s=5, once=True)
    monkeypatch.undo()
    written = stream.getvalue()
    everybody = {one.lstrip("+") for one in _identifiers(settings)}
    assert len(everybody) >= 3 * TINY.users
    assert connection.execute("SELECT count(*) > 50 FROM cem.session").fetchone() == (True,)
    assert "file not collected" in written
    digits = re.findall(r"[A-Z]*[0-9]+", written)
    assert not everybody.intersection(digits)
    for key in connection.execute("SELECT DISTINCT subscriber_key FROM cem.session"):
        assert str(key[0]) not in written
