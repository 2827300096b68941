"""A real Prometheus: its own metrics scraped, and the history that it kept of an exporter that resets and goes down."""

import math
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from collectors.prometheus import Access, ScrapeTarget, ServerTarget, backfill, scrape
from records.errors import ConfigError, DataError
from store import scrapes
from store.connection import Connection
from store.intake import Intake
from tests.exporter import Exporter, exporting

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: amf
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


@dataclass(frozen=True)
class Story:
    """What happened to the exporter, and what Prometheus saw of it."""

    url: str
    exporter: str
    began: datetime
    down: datetime
    back: datetime
    ended: datetime
    samples: list[tuple[float, float]]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def prometheus(folder: Path, exporter_port: int) -> Iterator[str]:
    program = shutil.which("prometheus")
    assert program, "make setup-tests installs Prometheus"
    (folder / "prometheus.yml").write_text(CONFIG.format(port=exporter_port), encoding="utf-8")
    port = free_port()
    command = [program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
               f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: ready(url))
        yield url
    finally:
        process.terminate()
        process.wait(20)


def ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready").status_code == 200
    except httpx.TransportError:
        return False


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@dataclass
class Network:
    """An exporter's counter, which grows by 3 whenever it is read."""

    count: int = 0
    reads: int = 0
    ues: str = "7"

    def page(self, path: str) -> tuple[int, bytes]:
        self.count += 3
        self.reads += 1
        text = f'# TYPE reg_req counter\nreg_req{{plmn="46000"}} {self.count}\n# TYPE ran_ue gauge\nran_ue {self.ues}\n'
        return 200, text.encode()

    def serve(self, exporter: Exporter, reads: int) -> None:
        exporter.answer = self.page
        wanted = self.reads + reads
        until(lambda: self.reads >= wanted)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Counting, a restart that begins at 0, a gauge without a value, three seconds of silence, and counting again."""
    network = Network(count=1000)
    port = free_port()
    with prometheus(tmp_path_factory.mktemp("prometheus"), port) as url:
        began = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)
        with exporting(port) as exporter:
            network.serve(exporter, 4)
            network.count = 0
            network.serve(exporter, 3)
            network.ues = "NaN"
            network.serve(exporter, 3)
            network.ues = "5"
        down = datetime.now(UTC)
        up = {"query": 'up{job="amf"}'}
        until(lambda: httpx.get(f"{url}/api/v1/query", params=up).json()["data"]["result"][0]["value"][1] == "0")
        time.sleep(2)
        back = datetime.now(UTC)
        with exporting(port) as exporter:
            network.serve(exporter, 4)
            time.sleep(0.3)
            ended = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
            time.sleep(1)
            raw = httpx.get(f"{url}/api/v1/query", params={"query": "reg_req[5m]", "time": ended.timestamp()}).json()
            samples = [(float(at), float(value)) for at, value in raw["data"]["result"][0]["values"]]
            yield Story(url, f"127.0.0.1:{port}", began, down, back, ended, samples)


def server(story: Story, **given: object) -> ServerTarget:
    access = Access(url=story.url, timeout_s=10)
    settings = {"match": ('{job="amf"}',), "step_s": 1, "chunk_points": 6, **given}
    return ServerTarget(name="prometheus", access=access, **settings)  # type: ignore[arg-type]  # of a dict


def stored(connection: Connection, counter: str) -> list[tuple[datetime, int, float | None]]:
    query = (
        "SELECT time, period_s, t.value FROM cem.counter t JOIN cem.label c ON c.label_id = counter "
        "JOIN cem.label o ON o.label_id = object_id WHERE c.value = %s ORDER BY time"
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query, [counter])]


def test_history_is_what_the_exporter_counted(story: Story, intake: Intake, connection: Connection) -> None:
    intake.clock_now = datetime.now(UTC)
    chunks = list(backfill(server(story), intake, story.began, story.ended))
    grown = stored(connection, "reg_req.plmn=46000")
    pairs = [(b if b < a else b - a) for (_, a), (_, b) in zip(story.samples, story.samples[1:], strict=False)]
    assert sum(value or 0 for _, _, value in grown) == sum(pairs)
    assert sum(chunk.resets for chunk in chunks) == 1
    assert max(period for _, period, _ in grown) >= 3, "the increase over the silence has the silence as its period"
    assert all(value is None or value > 0 for _, _, value in grown), "no step is a made-up zero"
    ues = stored(connection, "ran_ue")
    assert {value for _, _, value in ues} == {7.0, None, 5.0}
    inside = [at for at, _, _ in ues if story.down + timedelta(seconds=2) < at < story.back]
    assert inside == []
    assert {row[0] for row in connection.execute("SELECT value FROM cem.label WHERE kind = 'object'")} == {
        story.exporter
    }


def test_the_silence_is_an_outage_of_its_target(story: Story, intake: Intake, connection: Connection) -> None:
    intake.clock_now = datetime.now(UTC)
    list(backfill(server(story, up='up{job="amf"}'), intake, story.began, story.ended))
    found = [one for one in scrapes.outages(connection, "prometheus") if one.started_at >= story.down]
    assert len(found) == 1
    assert found[0].target == story.exporter
    assert found[0].ended_at is not None
    assert timedelta(seconds=1) <= found[0].ended_at - found[0].started_at <= timedelta(seconds=8)


def test_reading_again_changes_nothing(story: Story, intake: Intake, connection: Connection) -> None:
    intake.clock_now = datetime.now(UTC)
    list(backfill(server(story), intake, story.began, story.ended))
    before = stored(connection, "reg_req.plmn=46000")
    again = list(backfill(server(story), intake, story.began, story.ended))
    assert all(chunk.already_loaded for chunk in again)
    assert stored(connection, "reg_req.plmn=46000") == before


def test_a_query_of_ones_own_is_stored_under_its_name(story: Story, intake: Intake, connection: Connection) -> None:
    intake.clock_now = datetime.now(UTC)
    asked = server(story, match=(), queries={"Ues": "sum by (instance) (ran_ue)"}, chunk_points=60)
    (*_, chunk) = backfill(asked, intake, story.began, story.ended)
    assert chunk.series == 1
    assert 7.0 in [value for _, _, value in stored(connection, "Ues")]


def test_a_real_server_refuses_by_name(story: Story, intake: Intake) -> None:
    with pytest.raises(ConfigError, match="unclosed left parenthesis"):
        list(backfill(server(story, match=(), queries={"x": "sum("}), intake, story.began, story.ended))
    wrong = {"x": 'label_replace(ran_ue, "a b", "", "", "")'}
    with pytest.raises(DataError, match="422 execution"):
        list(backfill(server(story, match=(), queries=wrong), intake, story.began, story.ended))


def test_its_own_metrics_are_scraped_whole(story: Story, intake: Intake, connection: Connection) -> None:
    """Hundreds of series of every type, with quantiles that are NaN; nothing is refused and no NaN is a zero."""
    exporter = ScrapeTarget(name="itself", access=Access(url=f"{story.url}/metrics"), interval_s=1)
    first = scrape(exporter, intake, datetime.now(UTC))
    time.sleep(1.2)
    second = scrape(exporter, intake, datetime.now(UTC))
    assert first.up
    assert second.up
    assert second.samples > 300
    assert (first.tally.rows_quarantined, second.tally.rows_quarantined) == (0, 0)
    assert second.without_value == sum(
        math.isnan(float(line.rsplit(" ", 1)[1]))
        for line in httpx.get(f"{story.url}/metrics").text.splitlines()
        if not line.startswith("#")
    )
    empty = connection.execute("SELECT count(*) FROM cem.counter WHERE value IS NULL AND time = %s", [second.at])
    assert empty.fetchone() == (second.without_value,)
