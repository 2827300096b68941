"""What stands beside every screen: language and time zone."""

import streamlit as st

from dashboards import preferences
from dashboards.database import settings
from dashboards.messages import LANGUAGES
from dashboards.page import t


def choices() -> None:
    """Draw the choices that hold for all screens; a new choice draws the page again."""
    _choice(t("app.language"), list(LANGUAGES), preferences.language(), preferences.LANGUAGE)
    _choice(t("app.time_zone"), _zones(), preferences.zone().key, preferences.ZONE)


def _choice(label: str, options: list[str], chosen: str, name: str) -> None:
    key = f"_{name}"
    st.session_state[key] = chosen
    st.selectbox(
        label,
        options,
        format_func=lambda option: LANGUAGES.get(option, option),
        key=key,
        on_change=lambda: preferences.choose(name, st.session_state[key]),
    )


def _zones() -> list[str]:
    """All time zones; the operator's, the browser's and UTC before the others."""
    first = dict.fromkeys([settings().time_zone, st.context.timezone or "UTC", "UTC"])
    known = [name for name in first if name in preferences.zones()]
    return [*known, *sorted(preferences.zones() - set(known))]
