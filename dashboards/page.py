"""What every screen needs: the reader's language, the connection, and how missing figures look."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import Any, TypeVar, TypeVarTuple, cast
from zoneinfo import ZoneInfo

import pandas as pd
import psycopg
import streamlit as st
from psycopg_pool import ConnectionPool, PoolTimeout

from cemaphore import privatedb
from cemaphore.explaining import Explanation, explain
from cemaphore.identification import ON_THE_SCREENS, looked_at
from cemaphore.settings import Settings, load_settings
from dashboards.messages import DEFAULT_LANGUAGE, LANGUAGES, language_of, text, text_or
from records.errors import CemaphoreError
from store.connection import Connection, connect, pool

Given = TypeVarTuple("Given")
Result = TypeVar("Result")

ROLE = "cem_admin"  # local mode: there is no log-in yet, and the page says so


def language() -> str:
    """Return the reader's language: of the URL (`?lang=zh`), else of the browser."""
    chosen = st.query_params.get("lang")
    return chosen if chosen in LANGUAGES else language_of(st.context.locale or DEFAULT_LANGUAGE)


def t(key: str, /, **values: object) -> str:
    """Return a message in the reader's language."""
    return text(language(), key, **values)


def word(prefix: str, value: str) -> str:
    """Return the message for a word that data brings, such as a domain; the word itself when it has none."""
    return text_or(language(), f"{prefix}.{value}", value)


def known(key: str) -> str:
    """Return the message of a key that data brings; the key itself when no catalogue holds it."""
    return text_or(language(), key, key)


@st.cache_resource
def settings() -> Settings:
    """Return the settings in force."""
    return load_settings()


@st.cache_resource(on_release=lambda held: held[0].close())
def _connections() -> tuple[ExitStack, ConnectionPool[Connection]]:
    held = ExitStack()
    return held, held.enter_context(pool(privatedb.database_url(settings()), role=ROLE, statement_timeout_s=30))


@st.cache_data(ttl=30, show_spinner=False)
def _cached(_query: Callable[..., Any], name: str, arguments: tuple[object, ...]) -> Any:
    with _connections()[1].connection(timeout=5) as connection:
        return _query(connection, *arguments)


def read(query: Callable[[Connection, *Given], Result], *arguments: *Given) -> Result:
    """Run a reading of `store.screens`; stops the page with a plain message when the database does not answer."""
    try:
        return cast(Result, _cached(query, query.__name__, arguments))
    except (psycopg.OperationalError, PoolTimeout, CemaphoreError):
        st.error(t("app.database_away"))
        st.stop()


@st.cache_data(ttl=300, show_spinner=False)
def _explained(key: int) -> Explanation:
    """The program explains: it may read raw sessions, which the screens' role may not; each look is audited."""
    with connect(privatedb.database_url(settings()), autocommit=True) as connection:
        looked_at(connection, key, action="explain a customer", reason=ON_THE_SCREENS)
        return explain(connection, settings(), key)


def explained(key: int) -> Explanation:
    """Return why a customer's newest day was as it was; stops the page when the database does not answer."""
    try:
        return _explained(key)
    except (psycopg.OperationalError, CemaphoreError):
        st.error(t("app.database_away"))
        st.stop()


def zone() -> ZoneInfo:
    """Return the operator's time zone."""
    return ZoneInfo(settings().time_zone)


def moment(value: datetime | None) -> str:
    """Return a moment as the operator's clock shows it."""
    return t("app.none") if value is None or pd.isna(value) else value.astimezone(zone()).strftime("%Y-%m-%d %H:%M")


def on_the_clock(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with `start` as the operator's clock shows it, for charts, which know one time zone only."""
    return frame.assign(start=pd.to_datetime(frame["start"], utc=True).dt.tz_convert(zone()).dt.tz_localize(None))


def score(value: float | None) -> str:
    """Return a score with one digit, or that there is not enough data for one."""
    return t("app.not_enough") if value is None or pd.isna(value) else f"{value:.1f}"


def share(value: float | None) -> str:
    """Return a ratio as per cent, or that there is not enough data for one."""
    return t("app.not_enough") if value is None or pd.isna(value) else f"{value:.1%}"


def count(value: float | None) -> str:
    """Return a number of users, or that they are too few to be shown."""
    return t("app.too_few", k=settings().k_anonymity) if value is None or pd.isna(value) else f"{int(value):,}"


def age(value: datetime, now: datetime) -> str:
    """Return how long ago a moment was, in the largest fitting unit."""
    minutes = int((now - value).total_seconds() // 60)
    if minutes < 120:
        return t("unit.minutes", n=minutes)
    return t("unit.hours", n=minutes // 60) if minutes < 60 * 48 else t("unit.days", n=minutes // 1440)


def link(view: str, label: str, **parameters: str) -> None:
    """Show a link to another screen that keeps the reader's language."""
    st.page_link(f"views/{view}.py", label=label, query_params={**parameters, "lang": language()})
