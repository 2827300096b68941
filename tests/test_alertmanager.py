"""Against the distribution's Alertmanager: alerts arrive, group, resolve, and survive whatever dies."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from cemaphore.pipeline.delivering import deliver
from cemaphore.settings import Settings, load_settings
from store.connection import Connection
from tests.alertmanager import Running, alertmanager, notified, now
from tests.receiving import Hook, facts, hook, queue, until

ROOT = Path(__file__).parent.parent


@pytest.fixture
def served() -> Iterator[Hook]:
    with hook() as made:
        yield made


@pytest.fixture
def running(tmp_path: Path, served: Hook) -> Iterator[Running]:
    with alertmanager(tmp_path / "am", served) as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path, database: str, running: Running) -> Settings:
    made = load_settings(
        home=tmp_path, database_url=database, outbound_allow="127.0.0.1", alertmanager_repost_s=1,
        alertmanager_first_s=2, public_url="https://cem.example",
    )  # fmt: skip
    table = f'[[receiver]]\nname = "am"\nkind = "alertmanager"\naddress = "{running.url}/"\n'
    made.receivers_file.write_text(table, encoding="utf-8")
    return made


def alive(**given: Any) -> Any:
    """Facts of an alert that fires now."""
    return facts(**{"started_at": now() - timedelta(hours=1), "at": now(), **given})


def over(alert_id: str = "a1") -> Any:
    return alive(alert_id=alert_id, state="resolved", change=2, resolved_at=now())


def test_the_shipped_configuration_is_valid() -> None:
    amtool = shutil.which("amtool")
    assert amtool
    done = subprocess.run([amtool, "check-config", ROOT / "deploy/alertmanager.yml"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_alert_arrives_stays_one_and_ends(
    connection: Connection, database: str, settings: Settings, running: Running, served: Hook
) -> None:
    queue(connection, alive())
    for _ in range(3):
        assert deliver(database, settings).posted == 1
        time.sleep(1.05)
    (alert,) = running.alerts()
    assert alert["labels"] == {
        "alertname": "region_drop", "alert_id": "a1", "attribute": "region", "kind": "drop", "measure": "overall",
        "owner": "NOC", "region": "west", "severity": "critical", "source": "cemaphore", "subject": "west",
    }  # fmt: skip
    assert alert["annotations"]["summary"] == "CRITICAL: experience down 11 points, region west, about 1,200 users"
    assert alert["generatorURL"] == "https://cem.example/alerts?alert=a1"
    until(lambda: notified(served, "firing") == ["a1"])
    queue(connection, over())
    deliver(database, settings)
    until(lambda: notified(served, "resolved") == ["a1"])
    assert notified(served, "firing") == ["a1"]


def test_a_missed_post_does_not_end_an_alert(
    connection: Connection, database: str, settings: Settings, running: Running
) -> None:
    queue(connection, alive())
    deliver(database, settings)
    (alert,) = running.alerts()
    ends = httpx.get(f"{running.url}/api/v2/alerts").json()[0]["endsAt"]
    assert alert["endsAt"] == ends
    assert running.alerts()[0]["endsAt"] > (now() + timedelta(minutes=10)).isoformat()


def test_a_storm_of_a_thousand_is_one_notification(
    connection: Connection, database: str, settings: Settings, running: Running, served: Hook
) -> None:
    queue(connection, *(alive(alert_id=f"n{n}", subject=f"cell=W-{n}", severity="warning") for n in range(1000)))
    assert deliver(database, settings).posted == 1000
    until(lambda: len(running.alerts()) == 1000)
    until(lambda: served.got and len(served.got[-1]["alerts"]) + served.got[-1]["truncatedAlerts"] == 1000)
    assert len(served.got) <= 2, "a slow machine may flush the group while it still fills"


def test_an_alertmanager_that_is_killed_hears_of_all_again(
    connection: Connection, database: str, settings: Settings, running: Running, served: Hook
) -> None:
    """It keeps no alert over a SIGKILL; all that fire are there again within the interval of posting."""
    queue(connection, *(alive(alert_id=f"n{n}") for n in range(5)))
    deliver(database, settings)
    assert len(running.alerts()) == 5
    running.kill()
    running.start()
    assert running.alerts() == []
    time.sleep(settings.alertmanager_repost_s)
    deliver(database, settings)
    assert {alert["labels"]["alert_id"] for alert in running.alerts()} == {f"n{n}" for n in range(5)}


def test_nothing_is_lost_while_alertmanager_is_away(
    connection: Connection, database: str, settings: Settings, running: Running, served: Hook
) -> None:
    """Ten minutes' absence, shortened: one alert fires on, one ends meanwhile, one comes and goes meanwhile."""
    queue(connection, alive(alert_id="stays"), alive(alert_id="ends"))
    deliver(database, settings)
    until(lambda: set(notified(served, "firing")) == {"stays", "ends"})
    running.kill()
    queue(connection, over("ends"), alive(alert_id="short"))
    assert deliver(database, settings).failed == 1
    queue(connection, over("short"))
    served.got.clear()
    running.start()

    def told(status: str, *wanted: str) -> bool:
        deliver(database, settings)
        return set(notified(served, status)) >= set(wanted)

    until(lambda: told("firing", "stays", "short"))
    until(lambda: told("resolved", "short"))
    left = {alert["labels"]["alert_id"] for alert in running.alerts()}
    assert left == {"stays"}


def test_a_kill_between_firing_and_delivery_loses_nothing(
    connection: Connection, database: str, settings: Settings, running: Running, served: Hook
) -> None:
    """What is to be told lies in the database with the alert: a new program posts it, and posts are one alert."""
    queue(connection, alive())
    deliver(database, settings)
    connection.execute("DELETE FROM cem.alert_post")
    connection.execute("UPDATE cem.receiver SET succeeded_at = NULL")
    deliver(database, settings)
    assert len(running.alerts()) == 1
    until(lambda: served.got)
    assert notified(served, "firing") == ["a1"]


def test_what_people_took_or_silenced_is_silent_there_and_comes_back(
    connection: Connection, database: str, settings: Settings, running: Running, served: Hook
) -> None:
    queue(connection, alive(), alive(alert_id="b"))
    deliver(database, settings)
    later = now() + timedelta(hours=1)
    taken = alive(
        state="acknowledged", change=2, acknowledged_by="Li Lei", acknowledged_at=now(), acknowledged_until=later
    )
    queue(
        connection, taken, alive(alert_id="b", state="silenced", change=2, silenced_by="Han Mei", silenced_until=later)
    )
    deliver(database, settings)
    until(lambda: [alert["status"]["state"] for alert in running.alerts()] == ["suppressed"] * 2)
    silences = httpx.get(f"{running.url}/api/v2/silences").json()
    assert {one["createdBy"] for one in silences} == {"Cemaphore: Li Lei", "Cemaphore: Han Mei"}
    time.sleep(1.05)
    deliver(database, settings)
    assert len(httpx.get(f"{running.url}/api/v2/silences").json()) == 2, "a silence that stands is left alone"
    running.kill()
    shutil.rmtree(running.folder / "data")
    running.start()
    time.sleep(1.05)
    deliver(database, settings)
    until(lambda: [alert["status"]["state"] for alert in running.alerts()] == ["suppressed"] * 2)
    queue(connection, alive(change=3), alive(alert_id="b", change=3))
    deliver(database, settings)
    until(lambda: [alert["status"]["state"] for alert in running.alerts()] == ["active"] * 2)


def test_another_severity_ends_the_old_one(
    connection: Connection, database: str, settings: Settings, running: Running
) -> None:
    queue(connection, alive(severity="warning"))
    deliver(database, settings)
    queue(connection, alive(severity="critical", change=2, labels={"region": "west", "new": "label"}))
    deliver(database, settings)
    until(lambda: [alert["labels"]["severity"] for alert in running.alerts()] == ["critical"])
