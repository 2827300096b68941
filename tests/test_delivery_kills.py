"""`cem run` with the distribution's Prometheus and Alertmanager around it, killed between firing and delivery."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from store.connection import Connection
from store.keys import Keys
from tests.alertmanager import Running, alertmanager, notified, now
from tests.receiving import Hook, facts, free_port, hook, queue, until

DEPLOY = Path(__file__).parent.parent / "deploy"
WAIT_S = 90  # on a machine that does other things too


@pytest.fixture
def served() -> Iterator[Hook]:
    with hook() as made:
        yield made


@pytest.fixture
def paged() -> Iterator[Hook]:
    with hook() as made:
        yield made


@pytest.fixture
def manager(tmp_path: Path, paged: Hook) -> Iterator[Running]:
    with alertmanager(tmp_path / "am", paged) as made:
        yield made


@contextmanager
def cem_run(home: Path, database: str, ops_port: int) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {
        **os.environ,
        "CEMAPHORE_HOME": str(home),
        "CEMAPHORE_DATABASE_URL": database,
        "CEMAPHORE_DEMO": "true",
        "CEMAPHORE_OPS_PORT": str(ops_port),
        "CEMAPHORE_OUTBOUND_ALLOW": "127.0.0.1",
        "CEMAPHORE_DELIVER_EVERY_S": "0.2",
        "CEMAPHORE_ALERTMANAGER_REPOST_S": "1",
    }
    command = [sys.executable, "-c", "from cemaphore.cli import main; main()", "run", "--every", "1"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        finally:
            process.kill()
            process.wait()


@contextmanager
def prometheus(folder: Path, ops_port: int, manager_port: int) -> Iterator[str]:
    program = shutil.which("prometheus")
    assert program, "make setup-tests installs Prometheus"
    folder.mkdir()
    shipped: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus.yml").read_text(encoding="utf-8"))
    shipped["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s", "scrape_timeout": "1s"}
    shipped["rule_files"] = [str(DEPLOY / name) for name in shipped["rule_files"]]
    targets = [{"targets": [f"127.0.0.1:{manager_port}"]}]
    shipped["alerting"]["alertmanagers"] = [{"static_configs": targets}]
    (job,) = shipped["scrape_configs"]
    shipped["scrape_configs"] = [
        {"job_name": job["job_name"], "static_configs": [{"targets": [f"127.0.0.1:{ops_port}"]}]}
    ]
    (folder / "prometheus.yml").write_text(json.dumps(shipped), encoding="utf-8")
    port = free_port()
    command = [program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
               f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}/api/v1"
    finally:
        process.terminate()
        process.wait(20)


def asked(url: str, path: str, **query: str) -> Any:
    """What Prometheus answers, None while it does not."""
    try:
        return httpx.get(url + path, params=query).json().get("data")
    except (httpx.TransportError, json.JSONDecodeError):
        return None


def test_alerts_survive_a_kill_and_are_acted_on_once(
    tmp_path: Path, database: str, connection: Connection, manager: Running, served: Hook, paged: Hook
) -> None:
    Keys.create(tmp_path / "keys")
    (tmp_path / "receivers.toml").write_text(
        f'[[receiver]]\nname = "am"\nkind = "alertmanager"\naddress = "{manager.url}"\n'
        f'[[receiver]]\nname = "hook"\nkind = "webhook"\naddress = "{served.url}"\n',
        encoding="utf-8",
    )
    ops_port = free_port()
    served.delays = [3.0]
    with prometheus(tmp_path / "prometheus", ops_port, manager.port) as url:
        queue(connection, facts(started_at=now() - timedelta(hours=1), at=now()))
        with cem_run(tmp_path, database, ops_port) as killed:
            until(lambda: served.got, WAIT_S)
            killed.kill()
            killed.wait()
            assert connection.execute("SELECT outcome FROM cem.delivery WHERE channel = 'hook'").fetchone() == (
                "waiting",
            )
        with cem_run(tmp_path, database, ops_port):
            until(lambda: _outcome(connection) == "sent", WAIT_S)
            assert len(served.got) >= 2
            assert served.acted == ["a1:firing:1"]
            until(lambda: notified(paged, "firing") == ["a1"], WAIT_S)
            until(lambda: _value(url, "cem_leader") == "1", WAIT_S)
            groups = asked(url, "/rules")["groups"]
            assert {group["name"] for group in groups} == {"cemaphore", "cemaphore-recording"}
            until(
                lambda: all(
                    rule["health"] == "ok" for group in asked(url, "/rules")["groups"] for rule in group["rules"]
                )
            )
            assert len(asked(url, "/alertmanagers")["activeAlertmanagers"]) == 1
            assert _value(url, "cem_deliveries_waiting") is not None


def _outcome(connection: Connection) -> str:
    row = connection.execute("SELECT outcome FROM cem.delivery WHERE channel = 'hook'").fetchone()
    return str(row[0]) if row else ""


def _value(url: str, query: str) -> str | None:
    found = asked(url, "/query", query=query)
    return found["result"][0]["value"][1] if found and found["result"] else None
