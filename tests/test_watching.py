"""Watched folders: growing, renamed, rewritten, marked, moved and half-written files, each record exactly once."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from collectors.collection import FileResult
from collectors.watching import WatchedFolder, Watcher
from store.connection import Connection
from store.intake import Intake

HEADER = "session_id,start_time,subscriber_id,service,success,app\n"
PM = (Path(__file__).parent / "data" / "pm_xml" / "bodastage_measdata" / "A2.xml").read_bytes()
Watch = Callable[..., Watcher]


def rows(first: int, count: int) -> str:
    return "".join(f"s{n},2026-03-01T12:00:00Z,460001234567890,web,true,a\n" for n in range(first, first + count))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in" / "sessions"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def growing(folder: Path) -> Watcher:
    return Watcher(folders=[WatchedFolder(path=folder.parent, grows=True)])


def stored(connection: Connection, table: str = "session") -> int:
    row = connection.execute(f"SELECT count(*) FROM cem.{table}").fetchone()  # noqa: S608 - ours only
    assert row is not None
    return int(row[0])


def step(watcher: Watcher, intake: Intake) -> list[FileResult]:
    return list(watcher.step(intake))


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def age(path: Path, seconds: float = 60.0) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_a_growing_file_is_read_on_and_a_half_written_line_waits(
    folder: Path, growing: Watcher, intake: Intake, connection: Connection
) -> None:
    path = folder / "a.csv"
    path.write_text(HEADER)
    assert step(growing, intake) == []
    append(path, rows(0, 3) + "s3,2026-03-01T12")
    assert [result.stored for result in step(growing, intake)] == [3]
    assert step(growing, intake) == []
    append(path, ":00:00Z,460001234567890,web,true,a\n" + rows(4, 2).replace("web", "telex", 1))
    (result,) = step(growing, intake)
    assert (result.stored, result.quarantined) == (2, 1)
    assert "a.csv row 6: service is 'telex'" in result.reasons[0].first
    names = connection.execute("SELECT name, rows_stored FROM cem.batch ORDER BY batch_id").fetchall()
    assert [name[:6] for name, _ in names] == ["a.csv@", "a.csv@"]
    assert [count for _, count in names] == [3, 2]
    assert stored(connection, "file_progress") == 1


def test_ndjson_grows_too(folder: Path, growing: Watcher, intake: Intake, connection: Connection) -> None:
    record = '{"session_id":"%s","start_time":"2026-03-01T12:00:00Z","subscriber_id":"460001234567890","service":"web","success":true}\n'  # noqa: E501 - one line as sent
    path = folder / "a.ndjson"
    path.write_text(record % "x")
    step(growing, intake)
    append(path, record % "y")
    assert [result.stored for result in step(growing, intake)] == [1]
    assert stored(connection) == 2


def test_a_program_that_starts_anew_knows_a_file_by_its_content(
    folder: Path, growing: Watcher, intake: Intake, connection: Connection
) -> None:
    path = folder / "a.csv"
    path.write_text(HEADER + rows(0, 5))
    step(growing, intake)
    path.rename(folder / "a-20260301.csv")
    append(folder / "a-20260301.csv", rows(5, 2))
    (folder / "a.csv").write_text(HEADER + rows(100, 4))
    fresh = Watcher(folders=[WatchedFolder(path=folder.parent, grows=True)])
    results = {result.path.name: result for result in step(fresh, intake)}
    assert (results["a-20260301.csv"].stored, results["a-20260301.csv"].duplicate) == (2, 0)
    assert (results["a.csv"].stored, results["a.csv"].rows_read) == (4, 4)
    assert step(fresh, intake) == []
    assert stored(connection) == 11


def test_a_renamed_file_is_read_on_under_its_new_name(
    folder: Path, growing: Watcher, intake: Intake, connection: Connection
) -> None:
    path = folder / "a.csv"
    path.write_text(HEADER + rows(0, 5))
    step(growing, intake)
    path.rename(folder / "b.csv")
    append(folder / "b.csv", rows(5, 1))
    (result,) = step(growing, intake)
    assert (result.path.name, result.rows_read, result.stored) == ("b.csv", 1, 1)


def test_a_file_that_was_emptied_and_written_anew_is_another_file(
    folder: Path, growing: Watcher, intake: Intake, connection: Connection
) -> None:
    path = folder / "a.csv"
    path.write_text(HEADER + rows(0, 5))
    step(growing, intake)
    path.write_text(HEADER + rows(50, 9))
    (result,) = step(growing, intake)
    assert (result.rows_read, result.stored) == (9, 9)


def test_pieces_of_any_size_with_any_restart_give_the_rows_once(
    folder: Path, intake: Intake, connection: Connection
) -> None:
    random = Random(3)
    text = HEADER + rows(0, 200).replace(",a\n", ',"two\nlines, quoted"\n')
    path, at = folder / "a.csv", 0
    watcher = Watcher(folders=[WatchedFolder(path=folder.parent, grows=True)])
    while at < len(text):
        size = random.randrange(1, 1200)
        append(path, text[at : at + size])
        at += size
        if random.random() < 0.3:
            watcher = Watcher(folders=[WatchedFolder(path=folder.parent, grows=True)])
        assert all(result.quarantined == result.duplicate == 0 for result in step(watcher, intake))
    assert stored(connection) == 200
    assert stored(connection, "quarantine") == 0


def test_only_files_that_are_still_are_taken(folder: Path, intake: Intake, connection: Connection) -> None:
    watcher = Watcher(folders=[WatchedFolder(path=folder.parent, stable_s=5)])
    path = folder / "a.csv"
    path.write_text(HEADER + rows(0, 2))
    assert step(watcher, intake) == []
    age(path)
    assert [result.stored for result in step(watcher, intake)] == [2]
    assert step(watcher, intake) == []
    assert path.exists()


def test_a_marker_says_that_a_file_is_whole_and_both_move(folder: Path, tmp_path: Path, intake: Intake) -> None:
    done = tmp_path / "done"
    watcher = Watcher(folders=[WatchedFolder(path=folder.parent, marker=".done", move_to=done)])
    path = folder / "a.csv"
    path.write_text(HEADER + rows(0, 2))
    age(path)
    assert step(watcher, intake) == []
    (folder / "a.csv.done").touch()
    assert [result.stored for result in step(watcher, intake)] == [2]
    assert sorted(one.name for one in (done / "sessions").iterdir()) == ["a.csv", "a.csv.done"]
    path.write_text(HEADER + rows(2, 2))
    (folder / "a.csv.done").touch()
    step(watcher, intake)
    assert sorted(one.name for one in (done / "sessions").iterdir()) == [
        "a-2.csv", "a-2.csv.done", "a.csv", "a.csv.done",
    ]  # fmt: skip
    assert list(folder.iterdir()) == []


def test_a_marker_ends_a_growing_file_whose_last_line_has_no_end(folder: Path, intake: Intake) -> None:
    watcher = Watcher(folders=[WatchedFolder(path=folder.parent, marker=".done", grows=True)])
    path = folder / "a.csv"
    path.write_text((HEADER + rows(0, 3)).rstrip("\n"))
    assert [result.stored for result in step(watcher, intake)] == [2]
    (folder / "a.csv.done").touch()
    assert [result.stored for result in step(watcher, intake)] == [1]


def test_a_pm_file_is_not_taken_before_its_root_element_is_closed(
    tmp_path: Path, intake: Intake, connection: Connection
) -> None:
    folder = tmp_path / "counters"
    folder.mkdir()
    watcher = Watcher(folders=[WatchedFolder(path=folder)])
    path = folder / "A20000301.1400+0200-1415+0200_x.xml"
    path.write_bytes(PM[:-30])
    age(path)
    (told,) = step(watcher, intake)
    assert (told.error, told.temporary) == ("it has no closing root element yet: not taken before it is whole.", True)
    assert step(watcher, intake) == []
    assert stored(connection, "counter") == 0
    path.write_bytes(PM)
    age(path)
    assert [result.stored for result in step(watcher, intake)] == [12]
    path.with_name("other.xml").write_bytes(PM[:-30])
    age(path.with_name("other.xml"), 7200)
    (named,) = step(watcher, intake)
    assert named.reasons[0].code == "unfinished"


def test_a_file_of_another_vocabulary_is_told_at_once(tmp_path: Path, intake: Intake) -> None:
    path = tmp_path / "counters.xml"
    path.write_text("<OMeS></OMeS>")
    age(path)
    (result,) = step(Watcher(folders=[WatchedFolder(path=tmp_path)]), intake)
    assert result.reasons[0].code == "root"
