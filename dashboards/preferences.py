"""What a reader chooses for all screens, language and time zone: said by the URL, and kept from page to page."""

import threading
from collections.abc import Callable
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import streamlit as st

from dashboards.database import settings
from dashboards.messages import DEFAULT_LANGUAGE, LANGUAGES, language_of

LANGUAGE, ZONE = "lang", "tz"
# A browser session's script runs in a thread of its own, its fragments in the same or a new one.
_run = threading.local()


def language() -> str:
    """Return the reader's language: of the URL (`?lang=zh`), else as chosen before, else of the browser."""
    return _once(
        LANGUAGE,
        lambda: _chosen(LANGUAGE, LANGUAGES.__contains__) or language_of(st.context.locale or DEFAULT_LANGUAGE),
    )


def zone() -> ZoneInfo:
    """Return the reader's time zone: of the URL (`?tz=UTC`), else as chosen before, else the operator's."""
    return ZoneInfo(_once(ZONE, lambda: _chosen(ZONE, zones().__contains__) or settings().time_zone))


@cache
def zones() -> frozenset[str]:
    """Return the names of all time zones."""
    return frozenset(available_timezones())


def carried() -> dict[str, str]:
    """Return the parameters that every link takes along."""
    known = {LANGUAGE: language(), ZONE: zone().key}
    return {name: value for name, value in known.items() if name == LANGUAGE or value != settings().time_zone}


def remember() -> None:
    """Write what was chosen on an earlier page into this page's URL, so that the URL says all.

    Called as a run begins; until the next one the choices stand.
    """
    _run.known = {}
    for name, value in st.session_state.get("_preferences", {}).items():
        if name not in st.query_params:
            st.query_params[name] = value


def choose(name: str, value: str) -> None:
    """Take over a choice; the page is to be drawn again."""
    st.query_params[name] = value
    _kept()[name] = value
    _run.known = {}


def _once(name: str, find: Callable[[], str]) -> str:
    """Return what was found in this run of the page, whose every word and time of day asks for it."""
    known: dict[str, str] | None = getattr(_run, "known", None)
    if known is None:
        return find()
    if name not in known:
        known[name] = find()
    return known[name]


def _chosen(name: str, known: Callable[[str], bool]) -> str | None:
    asked = st.query_params.get(name)
    if asked is not None and known(asked):
        _kept()[name] = asked
    return _kept().get(name)


def _kept() -> dict[str, str]:
    kept: dict[str, str] = st.session_state.setdefault("_preferences", {})
    return kept
