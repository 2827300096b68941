"""What an Alertmanager is kept at where alerts become part of others, and where it takes no silences."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cemaphore.pipeline.delivering import DeliveryRun, deliver
from cemaphore.settings import Settings, load_settings
from store import deliveries
from store.connection import Connection
from tests.receiving import NOON, Hook, facts, hook, queue

NOW = NOON + timedelta(hours=3)
LATER = NOW + timedelta(minutes=2)
Post = Callable[[datetime], tuple[DeliveryRun, dict[str, datetime]]]
OVER = {"state": "resolved", "change": 2, "resolved_at": LATER}


@pytest.fixture
def served() -> Iterator[Hook]:
    with hook() as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path, database: str, served: Hook) -> Settings:
    made = load_settings(home=tmp_path, database_url=database, outbound_allow="127.0.0.1")
    table = f'[[receiver]]\nname = "am"\nkind = "alertmanager"\naddress = "{served.url}"\nseverities = ["critical"]\n'
    made.receivers_file.write_text(table, encoding="utf-8")
    return made


@pytest.fixture
def post(database: str, settings: Settings, served: Hook) -> Post:
    """Deliver; the end that each posted alert has."""

    def delivered(now: datetime) -> tuple[DeliveryRun, dict[str, datetime]]:
        served.raw.clear()
        run = deliver(database, settings, now=now)
        posted = [each for raw in served.raw if raw[:1] == b"[" for each in json.loads(raw)]
        return run, {each["labels"]["alert_id"]: datetime.fromisoformat(each["endsAt"]) for each in posted}

    return delivered


def test_an_alert_that_becomes_part_of_another_stays_posted_until_it_is_over(
    connection: Connection, post: Post
) -> None:
    queue(connection, facts())
    assert post(NOW)[1]["a1"] > NOW
    queue(connection, facts(alert_id="wide"), facts(alert_id="unseen"))
    connection.execute("UPDATE cem.alert SET parent_id = 'wide' WHERE alert_id <> 'wide'")
    _, ends = post(LATER)
    assert (set(ends), ends["a1"] > LATER) == ({"a1", "wide"}, True)
    queue(connection, facts(**OVER))
    assert post(LATER)[1]["a1"] == LATER
    assert set(post(LATER + timedelta(minutes=16))[1]) == {"wide"}
    post(LATER + timedelta(minutes=31))
    assert set(deliveries.posts(connection, "am")) == {"wide"}


def test_what_was_posted_stays_so_whatever_the_receiver_asks_for_now(
    connection: Connection, settings: Settings, post: Post
) -> None:
    queue(connection, facts())
    post(NOW)
    settings.receivers_file.write_text(
        settings.receivers_file.read_text(encoding="utf-8").replace("critical", "info"), encoding="utf-8"
    )
    assert post(LATER)[1]["a1"] > LATER


def test_refused_silences_keep_no_alert_from_ending(connection: Connection, served: Hook, post: Post) -> None:
    taken = {"state": "acknowledged", "acknowledged_by": "Li Lei", "acknowledged_at": NOW}
    served.refusing = "/silences"
    queue(connection, facts(**taken), facts(alert_id="b", **taken), facts(alert_id="c"))
    run, ends = post(NOW)
    assert (run.failed, set(ends), set(deliveries.posts(connection, "am"))) == (1, {"a1", "b", "c"}, {"a1", "b", "c"})
    assert deliveries.states(connection)["am"].error == "Alertmanager answered 500"
    queue(connection, facts(alert_id="c", **OVER))
    assert post(LATER)[1]["c"] == LATER
    assert deliveries.posts(connection, "am")["c"].resolved_at == LATER
    served.refusing, served.body = None, b'{"silenceID": "s1"}'
    assert post(LATER + timedelta(minutes=1))[0].failed == 0
    assert {one.silence_id for one in deliveries.posts(connection, "am").values()} == {"s1", None}
