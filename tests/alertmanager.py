"""The distribution's Alertmanager on a free port, with a web hook as its only receiver."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from tests.receiving import Hook, free_port, until

CONFIG = """
global: {{resolve_timeout: 1h}}
route:
  receiver: hook
  group_by: [alertname]
  group_wait: 500ms
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: hook
    webhook_configs: [{{url: "{url}", send_resolved: true, max_alerts: 100}}]
"""


@dataclass
class Running:
    """One Alertmanager; it can be killed and started again on its port."""

    folder: Path
    config: str
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it is ready."""
        program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
        assert program, "make setup-tests installs Alertmanager"
        (self.folder / "alertmanager.yml").write_text(self.config, encoding="utf-8")
        command = [
            *(program, f"--config.file={self.folder}/alertmanager.yml", f"--storage.path={self.folder}/data"),
            *(f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address=", "--log.level=error"),
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._is_ready)

    def kill(self) -> None:
        """SIGKILL: nothing is written down any more."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None

    def alerts(self, **query: str) -> list[dict[str, Any]]:
        """What it knows."""
        answer = httpx.get(f"{self.url}/api/v2/alerts", params=query)
        return list(answer.json())

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready").status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def alertmanager(folder: Path, hook: Hook, config: str = CONFIG) -> Iterator[Running]:
    """Run one until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    running = Running(folder=folder, config=config.format(url=hook.url))
    running.start()
    try:
        yield running
    finally:
        running.kill()


def notified(hook: Hook, status: str) -> list[str]:
    """Ids of the alerts that a notification told of with this status, each as often as it was told."""
    return [alert["labels"]["alert_id"] for body in hook.got for alert in body["alerts"] if alert["status"] == status]


def now() -> datetime:
    """The clock that Alertmanager reads too."""
    return datetime.now(UTC)
