"""The screens as one ASGI application: Streamlit with the log-in service's secrets, behind the guard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from starlette.middleware import Middleware
from streamlit.starlette import App

from cemaphore.login import streamlit_secrets
from cemaphore.settings import load_settings
from dashboards.guard import Guard
from dashboards.messages import LANGUAGES, text

_settings = load_settings()


@asynccontextmanager
async def _ready(_: App) -> AsyncIterator[dict[str, Any] | None]:
    """Import and read what pages need before the first is asked for.

    Who comes first would wait seconds for it, and two at once would each find the other's half imported.
    """
    for module in iter_modules([str(Path(__file__).parent)]):
        if module.name not in ("app", "server"):  # these run when they are imported
            import_module(f"dashboards.{module.name}")
    for language in LANGUAGES:
        text(language, "app.name")
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
