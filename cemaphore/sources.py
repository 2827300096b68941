"""The sources that are asked or listened to: `sources.toml` in the home directory, a table `[[source]]` for each."""

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from cemaphore.settings import Settings
from collectors.kafka import Topics
from collectors.prometheus.targets import MIB, MOST_POINTS, Access, ScrapeTarget, ServerTarget
from collectors.tmf621.polling import TicketServer
from collectors.watching import WatchedFolder
from records.errors import ConfigError
from records.kinds import KINDS

FILE_NAME = "sources.toml"

Label = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Positive = Annotated[int, Field(ge=1)]


class _Source(BaseModel):
    """What every source has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="What the source's rows are known by.")


class _HttpSource(_Source):
    """A source that is asked over HTTP."""

    url: str = Field(description="Where it is asked; http or https, without a user or password in it.")
    headers: dict[str, SecretStr] = Field({}, description="Headers that are sent with each request.")
    header_files: dict[str, Path] = Field(
        {}, description="Headers whose values are in files (read at each request); relative to the home directory."
    )
    ca_file: Path | None = Field(None, description="Certificates that are trusted instead of the system's.")
    networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        (), description="Networks that its address must lie in. Empty: any but link-local and multicast ones."
    )
    timeout_s: float = Field(10, gt=0, le=600, description="A whole answer, with all attempts, takes at most this (s).")
    attempts: int = Field(3, ge=1, le=10, description="How often it is asked when no answer comes.")
    max_mib: Positive = Field(64, description="Largest answer that is taken, once expanded (MiB).")

    @field_validator("url")
    @classmethod
    def _plain(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("is no address such as http://amf-1:9090/metrics")
        if parts.username is not None or parts.password is not None:
            raise ValueError("holds a user or password; put an Authorization header into header_files")
        if parts.fragment:
            raise ValueError("ends in a #fragment; no server sees that")
        return url

    def access(self, home: Path) -> Access:
        """Return how the source is asked; relative paths lie under `home`."""
        return Access(
            url=self.url,
            headers={name: value.get_secret_value() for name, value in self.headers.items()},
            header_files={name: home / path.expanduser() for name, path in self.header_files.items()},
            ca_file=None if self.ca_file is None else home / self.ca_file.expanduser(),
            networks=self.networks,
            timeout_s=self.timeout_s,
            attempts=self.attempts,
            max_bytes=self.max_mib * MIB,
        )


class _MetricsSource(_HttpSource):
    """A source of series with labels."""

    object_labels: tuple[Label, ...] = Field(
        ("instance",), min_length=1, description="Labels whose values, joined by a comma, are the object's name."
    )


class PrometheusScrape(_MetricsSource):
    """An exporter whose `/metrics` is read."""

    type: Literal["prometheus-scrape"]
    interval_s: Positive = Field(15, description="It is scraped at every multiple of this since 1970 (s).")
    labels: dict[Label, str] = Field({}, description="Labels that are added to every sample.")
    max_gap_s: Positive = Field(3600, description="A series that was away longer begins anew (s).")
    max_samples: Positive = Field(150_000, description="More samples on one page are refused.")

    def target(self, home: Path) -> ScrapeTarget:
        """Return the target as the collector knows it."""
        return ScrapeTarget(
            name=self.name,
            access=self.access(home),
            interval_s=self.interval_s,
            object_labels=self.object_labels,
            labels=self.labels,
            max_gap_s=self.max_gap_s,
            max_samples=self.max_samples,
        )


class PrometheusApi(_MetricsSource):
    """A Prometheus server whose history is read; its `url` is without `/api/v1`."""

    type: Literal["prometheus-api"]
    match: tuple[str, ...] = Field((), description='Series selectors, such as `{job="open5gs-amf"}`.')
    queries: dict[str, str] = Field({}, description="PromQL by the counter's name that its values are stored under.")
    up: str = Field("up", description="Selector of the series that tell which targets were down. Empty: none.")
    step_s: Positive = Field(60, description="One value per series and so many seconds.")
    chunk_points: int = Field(720, ge=1, lt=MOST_POINTS, description="Steps that are asked for at once.")
    interval_s: Positive = Field(60, description="How often it is asked for what is new (s).")
    delay_s: int = Field(30, ge=0, description="How far behind now it is read, as it is itself behind (s).")
    history_s: Positive = Field(3600, description="How far back the first reading goes (s).")
    max_gap_s: Positive = Field(300, description="Samples further apart tell nothing of the time between (s).")

    @field_validator("url")
    @classmethod
    def _without_path(cls, url: str) -> str:
        if "/api/v1" in url or urlsplit(url).query:
            raise ValueError("names a part of the API; give the server's address, such as http://prometheus:9090")
        return url.rstrip("/")

    def target(self, home: Path) -> ServerTarget:
        """Return the target as the collector knows it."""
        kept = ("match", "queries", "up", "step_s", "chunk_points", "interval_s", "delay_s", "history_s", "max_gap_s")
        given = {name: getattr(self, name) for name in kept}
        return ServerTarget(name=self.name, access=self.access(home), object_labels=self.object_labels, **given)


class Tmf621(_HttpSource):
    """A TMF621 server whose trouble tickets are polled; its `url` is the list's, ending in `/troubleTicket`."""

    type: Literal["tmf621"]
    limit: int = Field(100, ge=2, le=10_000, description="Tickets that are asked for at once.")
    interval_s: Positive = Field(300, description="How often it is asked for what is new (s).")
    overlap_s: int = Field(120, ge=0, description="How far before the newest known change it is asked again (s).")
    history_days: Positive = Field(30, description="How far back the first poll goes (days).")
    since: str = Field("lastUpdate.gte", description="Filter by the time of change. Empty: the whole list is read.")
    sort: str = Field("lastUpdate", description="What the list is sorted by. Empty: the server's own order.")
    query: dict[str, str] = Field({}, description="Further parameters of every request, such as a ticketType.")

    def target(self, home: Path) -> TicketServer:
        """Return the server as the collector knows it."""
        kept = ("limit", "interval_s", "overlap_s", "history_days", "since", "sort", "query")
        given = {name: getattr(self, name) for name in kept}
        return TicketServer(name=self.name, access=self.access(home), **given)


class Folder(_Source):
    """A folder that is watched for files."""

    type: Literal["folder"]
    path: Path = Field(description="The folder; relative to the home directory.")
    kind: str | None = Field(None, description="What its files hold. Empty: told by place, name or mapping.")
    mapping: str | None = Field(None, description="Mapping file of `mappings/` for all its files.")
    stable_s: float = Field(5, ge=0, description="A file is taken once nothing wrote to it for this long (s).")
    marker: str | None = Field(None, pattern=r"^\.\w+$", description="Ending of the file that says one is whole.")
    grows: bool = Field(False, description="CSV and NDJSON are read while they are written.")
    move_to: Path | None = Field(None, description="Where collected files go; outside the folder. Empty: they stay.")

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str | None) -> str | None:
        if kind is not None and kind not in KINDS:
            raise ValueError(f"is no kind of record; one of {', '.join(KINDS)} is")
        return kind

    @model_validator(mode="after")
    def _apart(self) -> "Folder":
        if self.move_to is not None and self.move_to.is_relative_to(self.path):
            raise ValueError("move_to lies inside the folder, so its files would be collected again")
        return self

    def watched(self, home: Path) -> WatchedFolder:
        """Return the folder as the collector knows it; its rows come from the source's name."""
        kept = ("kind", "mapping", "stable_s", "marker", "grows")
        target = None if self.move_to is None else home / self.move_to.expanduser()
        given = {name: getattr(self, name) for name in kept}
        return WatchedFolder(path=home / self.path.expanduser(), source=self.name, move_to=target, **given)


class Kafka(_Source):
    """Topics of a Kafka cluster."""

    type: Literal["kafka"]
    brokers: str = Field(min_length=1, description="Addresses, separated by commas.")
    topics: tuple[str, ...] = Field(min_length=1, description="Topics that are read.")
    kind: str = Field("sessions", description="What the messages hold.")
    mapping: str | None = Field(None, description="Mapping file of `mappings/` for the messages.")
    consumer: str = Field("cemaphore", min_length=1, description="Another name reads everything anew.")
    start: Literal["earliest", "latest"] = Field("earliest", description="Where a partition that is new begins.")
    batch_messages: int = Field(20_000, ge=1, le=200_000, description="Most messages of a batch.")
    wait_s: float = Field(1, gt=0, le=60, description="How long messages are waited for (s).")
    settings: dict[str, str | int | float | bool] = Field({}, description="Settings of librdkafka.")
    setting_files: dict[str, Path] = Field({}, description="Settings whose values are in files: passwords.")

    def read(self, home: Path) -> Topics:
        """Return the topics as the collector knows them; raises `ConfigError` for a file that cannot be read."""
        kept = ("name", "brokers", "topics", "kind", "mapping", "consumer", "start", "batch_messages", "wait_s")
        settings = dict(self.settings)
        for name, path in self.setting_files.items():
            try:
                settings[name] = (home / path.expanduser()).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                raise ConfigError(f"{FILE_NAME}: source {self.name}: {name}: {path} cannot be read as text") from None
        return Topics(settings=settings, **{name: getattr(self, name) for name in kept})


AnySource = PrometheusScrape | PrometheusApi | Tmf621 | Folder | Kafka
Source = Annotated[AnySource, Field(discriminator="type")]
_ADAPTER: TypeAdapter[AnySource] = TypeAdapter(Source)
_TYPES = ("prometheus-scrape", "prometheus-api", "tmf621", "folder", "kafka")
Wanted = TypeVar("Wanted", bound=_Source)


def load_sources(settings: Settings) -> tuple[AnySource, ...]:
    """Return the sources of `sources.toml` (none where there is no file).

    Raises `ConfigError` that names file, source, field and what would be right, without values that may be secret.
    """
    path = settings.home / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as text: {error}") from error
    return parse(text, str(path))


def parse(text: str, file: str = FILE_NAME) -> tuple[AnySource, ...]:
    """Return the sources that a file's text declares; `file` names it in messages."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not valid TOML: {error}") from None
    entries = data.pop("source", [])
    if data or not isinstance(entries, list):
        raise ConfigError(f"{file}: write one table [[source]] for each source{_besides(data)}")
    found = tuple(_one(entry, number, file) for number, entry in enumerate(entries, 1))
    for name, times in Counter(source.name for source in found).items():
        if times > 1:
            raise ConfigError(f"{file}: {times} sources are called {name!r}; a name is given once")
    return found


def chosen(found: Sequence[_Source], kind: type[Wanted], names: Sequence[str] = ()) -> list[Wanted]:
    """Return the sources of one type, all of them or those named; raises `ConfigError` for a name that is none."""
    known = {source.name: source for source in found if isinstance(source, kind)}
    for name in names:
        if name not in known:
            there = ", ".join(known) or "none"
            raise ConfigError(f"{FILE_NAME} has no source {name!r} of this type; there are: {there}")
    return [known[name] for name in names] if names else list(known.values())


def _one(entry: Any, number: int, file: str) -> AnySource:
    try:
        return _ADAPTER.validate_python(entry)
    except ValidationError as error:
        name = entry.get("name") if isinstance(entry, dict) else None
        where = f"{file}: source {name if isinstance(name, str) else number}"
        lines = [f"{where}: {_explain(found)}" for found in error.errors(include_url=False, include_input=False)]
        raise ConfigError("\n".join(lines)) from None


def _explain(found: Mapping[str, Any]) -> str:
    place = [str(part) for part in found["loc"] if part not in _TYPES]
    message = str(found["msg"]).removeprefix("Value error, ")
    if found["type"].startswith("union_tag"):
        place, message = ["type"], f"{message}"
    return f"{'.'.join(place) or 'entry'}: {message}"


def _besides(data: Mapping[str, Any]) -> str:
    return f"; {next(iter(data))!r} is nothing that it knows" if data else ""
