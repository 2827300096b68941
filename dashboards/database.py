"""The screens' connections: one pool for each database role, that of readings unable to write."""

from contextlib import ExitStack

import streamlit as st
from psycopg_pool import ConnectionPool

from cemaphore import privatedb
from cemaphore.settings import Settings, load_settings
from store.connection import Connection, pool

WAIT_S = 5  # for a free connection, before the page says that the database is away (own)


@st.cache_resource
def settings() -> Settings:
    """Return the settings in force."""
    return load_settings()


@st.cache_resource(on_release=lambda held: held[0].close())
def _pool(role: str, read_only: bool) -> tuple[ExitStack, ConnectionPool[Connection]]:
    held = ExitStack()
    opened = pool(
        privatedb.database_url(settings()), role=role, min_size=0, statement_timeout_s=30, read_only=read_only
    )
    return held, held.enter_context(opened)


def reading(role: str) -> ConnectionPool[Connection]:
    """Return the pool whose connections read as `role` and refuse to write."""
    return _pool(role, True)[1]


def acting(role: str) -> ConnectionPool[Connection]:
    """Return the pool whose connections do, as `role`, what functions of schema `act` let it do."""
    return _pool(role, False)[1]
