"""What Streamlit is told of the log-in service, with secrets that lie in files of this program's user alone."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from cemaphore.settings import Settings
from records.errors import ConfigError

LOOPBACK = ("127.0.0.1", "::1", "localhost")
COOKIE_SECRET_FILE = "cookie-secret"


def refuse_open_screens(settings: Settings) -> None:
    """Raise `ConfigError` where everybody could reach screens that ask nobody who they are."""
    if settings.oidc_metadata_url is None and settings.host not in LOOPBACK and not settings.allow_open_screens:
        raise ConfigError(
            f"host is {settings.host} and there is no log-in: everybody who reaches it would see everything. "
            "Set oidc_metadata_url (docs/access.md), or host to 127.0.0.1, or allow_open_screens=true to serve it so."
        )


def streamlit_secrets(settings: Settings) -> dict[str, Any]:
    """Return the section `auth` of Streamlit's secrets; empty without a log-in service.

    Raises `ConfigError` for a secret that is missing or that others of this machine can read.
    """
    if settings.oidc_metadata_url is None:
        return {}
    return {
        "auth": {
            "redirect_uri": f"{settings.public_url}/oauth2callback",
            "cookie_secret": _cookie_secret(settings.home / COOKIE_SECRET_FILE),
            "client_id": settings.oidc_client_id,
            "client_secret": _client_secret(settings),
            "server_metadata_url": settings.oidc_metadata_url,
            "client_kwargs": {"scope": settings.oidc_scope, "code_challenge_method": "S256"},
        }
    }


def _client_secret(settings: Settings) -> str:
    if settings.oidc_client_secret is not None:
        return settings.oidc_client_secret.get_secret_value()
    return _private(settings.oidc_client_secret_file)


def _cookie_secret(file: Path) -> str:
    """Made once: whoever is logged in stays so when the screens start again."""
    with suppress(FileExistsError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as made:
            made.write(secrets.token_urlsafe(48))
    return _private(file)


def _private(file: Path) -> str:
    try:
        if file.stat().st_mode & 0o077:
            raise ConfigError(f"{file} can be read by others: it holds a secret; chmod 600 it.")
        found = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read ({error.strerror}): it is to hold a secret.") from None
    if not found:
        raise ConfigError(f"{file} is empty: it is to hold a secret.")
    return found
