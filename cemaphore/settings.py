"""What an operator may set: by argument, by environment variable `CEMAPHORE_*`, or in `cemaphore.toml`."""

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from phonenumbers import SUPPORTED_REGIONS
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from cemaphore.delivery_settings import DeliverySettings
from cemaphore.engines import Engine
from cemaphore.login_settings import LoginSettings
from cemaphore.report_settings import ReportSettings
from cemaphore.running_settings import RunningSettings
from records.errors import ConfigError
from store.retention import DEFAULT_DAYS, LEAST_DAYS

ENV_PREFIX = "CEMAPHORE_"
FILE_NAME = "cemaphore.toml"
DEFAULT_HOME = Path(".cemaphore")

Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(LoginSettings, DeliverySettings, ReportSettings, RunningSettings, BaseSettings):
    """Everything that can be set; frozen, and every path absolute."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True, validate_default=True)

    home: Path = Field(
        DEFAULT_HOME,
        description="Directory of all state: database, keys, logs, demo files. Several can live side by side. "
        "It also locates `cemaphore.toml`, so it cannot be set in that file.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="An existing PostgreSQL database (`postgresql://...`). Empty: a private server under `home`.",
    )
    database_patience_s: float = Field(
        300, ge=0, description="How long `cem collect` waits for a database that goes away before it ends (s)."
    )
    database_silence_s: float = Field(
        300, gt=0, description="A database that owes an answer and sends nothing for this long is taken for gone (s)."
    )
    allow_plain_postgresql: bool = Field(
        False,
        description="Accept PostgreSQL 15 or later without TimescaleDB. `cem doctor` says what is lost.",
    )
    demo: bool = Field(
        False, description="Demo mode: the data are made up, so keys and database may lie together without a warning."
    )
    time_zone: str = Field(
        "UTC", description="The operator's time zone (IANA name): it bounds days. Fixed once the schema is made."
    )
    country_code: str = Field(
        "CN",
        description="ISO 3166 region whose rules turn national telephone numbers into E.164, unless a source says.",
    )
    default_subscriber_kind: Literal["imsi", "msisdn", "account"] | None = Field(
        None,
        description="What a `subscriber_id` is where neither the record nor its source says. Empty: told by its form.",
    )
    close_after_minutes: int = Field(
        30, ge=1, description="A window closes this long after its end, even if a source is still behind (minutes)."
    )
    future_tolerance_minutes: int = Field(
        15, ge=0, description="Rows further than this in the future go to quarantine (minutes)."
    )
    backfill_limit_days: int | None = Field(
        None, ge=1, description="How far back `cem run` accepts rows (days). Empty: unlimited."
    )
    session_chunk_hours: int = Field(
        1,
        ge=1,
        le=24 * 31,
        description="Length of one chunk of the sessions table (hours). Fixed once the schema is made.",
    )
    k_anonymity: int = Field(10, ge=1, description="Groups of fewer users than this show no figures (users).")
    keys_dir: Path = Field(
        Path("keys"),
        description="Directory of the identifier vault's keys. A relative path lies under `home`; "
        "outside demo mode put it on another disk than the database.",
    )
    watch_folder: Path = Field(
        Path("inbox"), description="Folder that `cem run` collects files from. A relative path lies under `home`."
    )
    host: str = Field("127.0.0.1", description="Address that the dashboard and the metrics listen on.")
    dashboard_port: Port = Field(8501, description="Port of the dashboard; a busy one moves to the next free.")
    ops_port: Port = Field(9464, description="Port of `/metrics` and `/healthz` of `cem run`.")
    expectation_half_life_days: float = Field(
        14,
        gt=0,
        description="A day counts half in what is expected after so long: long enough to know every hour of the week "
        "from several weeks, short enough to forget a network that has changed (days).",
    )
    holidays_file: Path = Field(
        Path("holidays.txt"),
        description="Days that count as weekend, one date and its name a line; need not exist. "
        "A relative path lies under `home`.",
    )
    score_processes: int | None = Field(
        None, ge=1, description="Processes that score hours side by side. Empty: one a core, at most 4."
    )
    engine: Engine = Field(
        Engine.LOCAL,
        description="What `cem score` rates hours with: this machine or Apache Spark; `cem run` rates here.",
    )
    spark_master: str = Field(
        "local[*]",
        description="Master of Apache Spark, as `spark://host:7077`. Under `spark-submit` its session is taken.",
    )
    spark_folder: Path = Field(
        Path("spark"),
        description="Working folder of the Spark engine; all workers of Spark see it under this path. "
        "A relative path lies under `home`.",
    )
    false_clusters_per_day: float = Field(
        0.2, gt=0, description="How many clusters a day may be flagged by chance alone (clusters per day)."
    )
    false_alerts_per_week: float = Field(
        0.5,
        gt=0,
        description="How many alerts a week on drops of series may be false by chance, over all series together "
        "(alerts per week).",
    )
    cluster_depth: int = Field(
        2, ge=1, le=4, description="How many conditions a cluster may have: more cost time and find thinner groups."
    )
    retention_days: Mapping[str, int] = Field(
        {},
        description="How long rows are kept, by kind, for example `{ sessions = 14 }` (days); what is not named keeps "
        "its default, which `cem retention report` shows.",
    )
    advice_file: Path = Field(
        Path("advice.toml"),
        description="File with what to do next by domain of a cluster, over the shipped texts. A relative path lies "
        "under `home`.",
    )
    taxonomy_file: Path = Field(
        Path("complaints.toml"),
        description="File of what complaints may be about, in place of the shipped classes. A relative path lies under "
        "`home`.",
    )
    map_outlines_file: Path = Field(
        Path("outlines.geojson"),
        description="GeoJSON polygons (degrees, property `name`) drawn under the map, in place of the outline of each "
        "region's sites. A relative path lies under `home`.",
    )
    map_tiles_url: str | None = Field(
        None,
        description="The operator's own tile server under the map: `https://host/{z}/{x}/{y}.png` or a style "
        "`https://host/style.json`. Empty: nothing is asked of any server.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe line that is logged."
    )
    max_expansion_ratio: int = Field(
        200, ge=1, description="A compressed file may grow to at most this many times its size (ratio)."
    )
    max_expansion_floor_mib: int = Field(
        16, ge=1, description="The expansion ratio is not applied below this expanded size (MiB)."
    )
    max_record_mib: int = Field(1, ge=1, description="Longest single record that is read (MiB).")
    max_source_gib: float | None = Field(
        None, gt=0, description="Largest file, once expanded, that is read (GiB). Empty: unlimited."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over the file."""
        home = init_settings().get("home") or os.environ.get(f"{ENV_PREFIX}HOME") or DEFAULT_HOME
        file = TomlConfigSettingsSource(settings_cls, Path(home).expanduser() / FILE_NAME)
        if "oidc_client_secret" in file.toml_data:
            raise ConfigError(
                f"{FILE_NAME}: a secret does not belong here; put it into a file (oidc_client_secret_file)."
            )
        if "home" in file.toml_data:
            raise ConfigError(f"{FILE_NAME}: home cannot be set in the file that it locates; set {ENV_PREFIX}HOME.")
        return init_settings, env_settings, file

    @field_validator("home")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()

    @field_validator("database_url", mode="before")
    @classmethod
    def _empty_is_none(cls, url: Any) -> Any:
        return None if url == "" else url

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("is no IANA time zone; one is, for example, Asia/Shanghai") from error
        return name

    @field_validator("country_code")
    @classmethod
    def _known_region(cls, code: str) -> str:
        if code.upper() not in SUPPORTED_REGIONS:
            raise ValueError("is no ISO 3166 region; one is, for example, CN")
        return code.upper()

    @field_validator("retention_days")
    @classmethod
    def _whole_retention(cls, days: Mapping[str, int]) -> Mapping[str, int]:
        for name, given in days.items():
            if name not in DEFAULT_DAYS:
                raise ValueError(f"knows no {name!r}; there are {', '.join(DEFAULT_DAYS)}")
            if given < LEAST_DAYS[name]:
                raise ValueError(f"{name} must be kept {LEAST_DAYS[name]} days at least: later scores read them")
        return MappingProxyType({**DEFAULT_DAYS, **days})

    @model_validator(mode="after")
    def _under_home(self) -> "Settings":
        for name in self._relative_to_home:
            path: Path = getattr(self, name)
            self.__dict__[name] = self.home / path.expanduser()
        return self

    def plain(self) -> dict[str, Any]:
        """The settings as what another process can be given, for `Settings.model_construct`."""
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in vars(self).items()}

    _relative_to_home: ClassVar[tuple[str, ...]] = (
        "keys_dir",
        "watch_folder",
        "holidays_file",
        "advice_file",
        "taxonomy_file",
        "map_outlines_file",
        "receivers_file",
        "spark_folder",
        "oidc_client_secret_file",
    )


def load_settings(**given: Any) -> Settings:
    """The settings in force; `given` overrides environment and file.

    Raises `ConfigError` that names each wrong setting, without the value where it may be secret.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(found) for found in error.errors(include_url=False))) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{FILE_NAME} is not valid TOML: {error}.") from None


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Names in `environment` that look like settings and are none, each with the likeliest meant name."""
    known = [f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields]
    unknown = sorted(name for name in environment if name.startswith(ENV_PREFIX) and name.upper() not in known)
    return [
        name + "".join(f" (did you mean {near}?)" for near in get_close_matches(name, known, 1)) for name in unknown
    ]


def _explain(found: Mapping[str, Any]) -> str:
    name = str(found["loc"][0]) if found["loc"] else "settings"
    if found["type"] == "extra_forbidden":
        near = get_close_matches(name, list(Settings.model_fields), 1)
        return f"{name} is no setting" + (f"; did you mean {near[0]}?" if near else ".")
    hidden = not found["loc"] or name in {"database_url", "webhook_urls", "oidc_client_secret"}
    shown = "" if hidden else f" (is {found['input']!r})"
    message = str(found["msg"]).removeprefix("Value error, ")
    return f"{name} ({ENV_PREFIX}{name.upper()}): {message}{shown}." if found["loc"] else f"{message}."
