"""What an operator may set of who is told of alerts, and of where messages may go."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from alerts.outbound import AllowList
from records.errors import ConfigError


class DeliverySettings(BaseModel):
    """The part of the settings that delivery reads."""

    webhook_urls: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Addresses that alerts are posted to, separated by commas; beside those of `receivers_file`."
    )
    receivers_file: Path = Field(
        Path("receivers.toml"),
        description="File of the receivers of alerts; need not exist. A relative path lies under `home`.",
    )
    outbound_allow: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Networks (`10.20.0.0/16`) and hosts (`mail.example.org`) that alerts may be sent to beside public "
        "addresses, separated by commas. Link-local addresses only by network.",
    )
    outbound_timeout_s: float = Field(
        10, gt=0, le=60, description="How long a receiver of alerts has to answer a message (s)."
    )
    deliver_every_s: float = Field(
        5, ge=0.1, le=60, description="How often `cem run` looks for messages to deliver (s)."
    )
    alertmanager_repost_s: float = Field(
        30, ge=0.1, le=60, description="Active alerts are posted to an Alertmanager again after so long (s)."
    )
    alertmanager_first_s: float = Field(
        60,
        ge=0,
        description="An alert that ended before an Alertmanager took it is shown there as firing for so long; more "
        "than its `group_wait`, or nobody is told of it (s).",
    )

    @field_validator("webhook_urls", "outbound_allow", mode="before")
    @classmethod
    def _split(cls, entries: Any) -> Any:
        return tuple(one.strip() for one in entries.split(",") if one.strip()) if isinstance(entries, str) else entries

    @field_validator("outbound_allow")
    @classmethod
    def _networks_or_hosts(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        try:
            AllowList.of(entries)
        except ConfigError as error:
            raise ValueError(str(error)) from None
        return entries
