"""The settings of logging in to the screens: the log-in service, what it says means, and how long a stay lasts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

RoleName = Literal["operations", "analyst", "care", "admin"]


class LoginSettings(BaseModel):
    """Who may see the screens; without `oidc_metadata_url` there is no log-in."""

    local_role: RoleName = Field("admin", description="Whom the screens take everybody for while there is no log-in.")
    allow_open_screens: bool = Field(
        False,
        description="Serve the screens on another address than this machine's own although there is no log-in: "
        "whoever reaches that address sees everything.",
    )
    public_url: str | None = Field(
        None, description="Address under which people reach the screens, such as `https://cem.example`."
    )
    oidc_metadata_url: str | None = Field(
        None,
        description="The log-in service's OpenID Connect metadata (`https://.../.well-known/openid-configuration`). "
        "Empty: no log-in.",
    )
    oidc_client_id: str | None = Field(None, description="What the log-in service knows the screens by.")
    oidc_client_secret: SecretStr | None = Field(
        None, description="The screens' secret at the log-in service. Refused in `cemaphore.toml`."
    )
    oidc_client_secret_file: Path = Field(
        Path("oidc-client-secret"),
        description="File that holds that secret instead, readable by its owner alone. A relative path lies under "
        "`home`.",
    )
    oidc_scope: str = Field("openid profile email", description="What the log-in service is asked to tell.")
    oidc_user_claim: str = Field(
        "sub", description="Claim that says who somebody is; one that nobody can change about themselves."
    )
    oidc_roles_claim: str = Field(
        "roles", description="Claim that lists somebody's roles or groups; dots lead into it (`realm_access.roles`)."
    )
    oidc_roles: Mapping[str, RoleName] = Field(
        {},
        description="What the log-in service's roles mean here, for example `{ noc = 'operations' }`; they count for "
        "whom `cem users` says nothing of.",
    )
    session_idle_minutes: float = Field(30, gt=0, description="Who does nothing for so long logs in again (minutes).")
    session_hours: float = Field(12, gt=0, description="After so long everybody logs in again (hours).")

    @field_validator("public_url", "oidc_metadata_url")
    @classmethod
    def _plain_or_encrypted(cls, url: str | None) -> str | None:
        """Tokens go there: http is for this machine alone."""
        if not url:
            return None
        parts = urlsplit(url)
        if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost")):
            raise ValueError("must be an https address (http only on 127.0.0.1)")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _whole(self) -> "LoginSettings":
        if self.oidc_metadata_url and not (self.oidc_client_id and self.public_url):
            raise ValueError("oidc_metadata_url needs oidc_client_id and public_url beside it")
        return self
