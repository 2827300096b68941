"""The screens as one ASGI application: Streamlit with the log-in service's secrets, behind the guard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from starlette.middleware import Middleware
from streamlit.starlette import App

from cemaphore.login import streamlit_secrets
from cemaphore.settings import load_settings
from dashboards.guard import Guard

_settings = load_settings()


@asynccontextmanager
async def _ready(_: App) -> AsyncIterator[dict[str, Any] | None]:
    """Import what pages need before the first is asked for: two at once would each find the other's half imported."""
    for name in ("gate", "sidebar"):
        import_module(f"dashboards.{name}")
    yield None


app = App(
    "app.py",
    secrets=streamlit_secrets(_settings),
    lifespan=_ready,
    middleware=[
        Middleware(
            Guard,
            encrypted=(_settings.public_url or "").startswith("https://"),
            tiles=_settings.map_tiles_url,
        )
    ],
)
