"""What is asked for metrics: exporters, and servers that keep what others exported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from urllib.parse import urlsplit

MIB = 1 << 20

# Prometheus refuses a range query of more points per series than this (web/api/v1: "exceeded maximum resolution").
MOST_POINTS = 11_000


@dataclass(frozen=True, kw_only=True)
class Access:
    """How one address is asked, and the limits of what is taken from it.

    `timeout_s` holds for an answer as a whole, all attempts together. `header_files` name files whose content is a
    header's value, read at each request, so that a rotated secret is used at once. `networks` are the only ones that
    are talked to; empty: all but link-local, multicast and unspecified addresses. Redirects are never followed.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    header_files: Mapping[str, Path] = field(default_factory=dict)
    ca_file: Path | None = None
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    timeout_s: float = 10.0
    attempts: int = 3
    max_bytes: int = 64 * MIB

    @property
    def instance(self) -> str:
        """Host and port, as Prometheus writes the label `instance`."""
        parts = urlsplit(self.url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


@dataclass(frozen=True, kw_only=True)
class ScrapeTarget:
    """One exporter that is scraped every `interval_s` seconds.

    `labels` are added to every sample, besides `job` (the name) and `instance` (host and port); those named in
    `object_labels` make the object. A series that was away for more than `max_gap_s` begins anew.
    """

    name: str
    access: Access
    interval_s: int = 15
    object_labels: tuple[str, ...] = ("instance",)
    labels: Mapping[str, str] = field(default_factory=dict)
    max_gap_s: int = 3600
    max_samples: int = 150_000
    max_line_bytes: int = 65_536

    @property
    def constant_labels(self) -> dict[str, str]:
        """The labels that all samples of this target bear."""
        return {"job": self.name, "instance": self.access.instance, **self.labels}


@dataclass(frozen=True, kw_only=True)
class ServerTarget:
    """One Prometheus server that is read through its HTTP API, a value per `step_s` seconds.

    `match` are series selectors, told into counters and gauges by the server's metadata; `queries` are expressions by
    the name that their result is stored under, as gauges. `up` selects the series that tell which targets were down.
    """

    name: str
    access: Access
    match: tuple[str, ...] = ()
    queries: Mapping[str, str] = field(default_factory=dict)
    up: str = "up"
    step_s: int = 60
    chunk_points: int = 720
    interval_s: int = 60
    delay_s: int = 30
    history_s: int = 3600
    object_labels: tuple[str, ...] = ("instance",)
    max_gap_s: int = 300
