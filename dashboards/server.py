"""The screens as one ASGI application: Streamlit with the log-in service's secrets, behind the guard."""

from starlette.middleware import Middleware
from streamlit.starlette import App

from cemaphore.login import streamlit_secrets
from cemaphore.settings import load_settings
from dashboards.guard import Guard

_settings = load_settings()
app = App(
    "app.py",
    secrets=streamlit_secrets(_settings),
    middleware=[Middleware(Guard, encrypted=(_settings.public_url or "").startswith("https://"))],
)
