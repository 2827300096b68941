"""What a reader chooses for all screens, language and time zone: said by the URL, and kept from page to page."""

from collections.abc import Callable
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import streamlit as st

from dashboards.database import settings
from dashboards.messages import DEFAULT_LANGUAGE, LANGUAGES, language_of

LANGUAGE, ZONE = "lang", "tz"


def language() -> str:
    """Return the reader's language: of the URL (`?lang=zh`), else as chosen before, else of the browser."""
    return _chosen(LANGUAGE, LANGUAGES.__contains__) or language_of(st.context.locale or DEFAULT_LANGUAGE)


def zone() -> ZoneInfo:
    """Return the reader's time zone: of the URL (`?tz=UTC`), else as chosen before, else the operator's."""
    return ZoneInfo(_chosen(ZONE, zones().__contains__) or settings().time_zone)


@cache
def zones() -> frozenset[str]:
    """Return the names of all time zones."""
    return frozenset(available_timezones())


def carried() -> dict[str, str]:
    """Return the parameters that every link takes along."""
    known = {LANGUAGE: language(), ZONE: zone().key}
    return {name: value for name, value in known.items() if name == LANGUAGE or value != settings().time_zone}


def remember() -> None:
    """Write what was chosen on an earlier page into this page's URL, so that the URL says all."""
    for name, value in st.session_state.get("_preferences", {}).items():
        if name not in st.query_params:
            st.query_params[name] = value


def choose(name: str, value: str) -> None:
    """Take over a choice; the page is to be drawn again."""
    st.query_params[name] = value
    _kept()[name] = value


def _chosen(name: str, known: Callable[[str], bool]) -> str | None:
    asked = st.query_params.get(name)
    if asked is not None and known(asked):
        _kept()[name] = asked
    return _kept().get(name)


def _kept() -> dict[str, str]:
    kept: dict[str, str] = st.session_state.setdefault("_preferences", {})
    return kept
