"""What leaves the screens as a file: tables as CSV and Parquet, reports as PDF; with persons in it, audited."""

from collections.abc import Callable
from datetime import datetime

import pandas as pd
import streamlit as st

from cemaphore.exporting import as_csv, as_parquet
from cemaphore.reporting import making
from cemaphore.reporting.words import Words
from dashboards.access import database_role, viewer
from dashboards.database import WAIT_S, acting, reading, settings
from dashboards.page import t
from dashboards.preferences import language, zone
from store.acting import call
from store.connection import Connection

PERSONS = ("customer_key", "subscriber_key", "text")  # a table with one of these columns is about single persons


def offer(frame: pd.DataFrame, name: str, *, key: str | None = None) -> None:
    """Offer a table as it was read, in the viewer's role, for download; nothing where it has no rows.

    `frame` keeps its language-neutral columns: `name` and these are what programs of others go by.
    """
    if frame.empty:
        return
    chosen = key or name
    with st.popover(t("export.title"), icon=":material/download:", key=f"_export_{chosen}"):
        for ending, label, made in (("csv", "CSV", as_csv), ("parquet", "Parquet", as_parquet)):
            st.download_button(
                t("export.as", format=label),
                data=_told(name, frame, made),
                file_name=f"{name}.{ending}",
                key=f"_{ending}_{chosen}",
                on_click="ignore",
                width="stretch",
            )


def cluster_report(cluster_id: str) -> None:
    """Offer the report of one cluster as PDF."""
    _report(
        t("report.print"),
        f"cluster-{cluster_id}-{language()}",
        lambda connection, words: making.cluster_pdf(connection, cluster_id, words),
    )


def week_report(end: datetime | None = None) -> None:
    """Offer the report of the seven days that end at a moment, or with the newest scored day, as PDF."""
    _report(
        t("report.print_week"),
        f"week-{language()}",
        lambda connection, words: making.week_pdf(connection, words, end)[1],
    )


def _told(name: str, frame: pd.DataFrame, made: Callable[[pd.DataFrame], bytes]) -> Callable[[], bytes]:
    """What runs when the button is pressed, outside of any page: the audit is written before there are bytes."""
    told = _audit(name, len(frame)) if any(column in PERSONS for column in frame.columns) else None

    def run() -> bytes:
        if told is not None:
            told()
        return made(frame)

    return run


def _audit(name: str, rows: int) -> Callable[[], None]:
    pool, who = acting(database_role()), viewer().name

    def write() -> None:
        with pool.connection(timeout=WAIT_S) as connection:
            call(connection, who, "export_table", (name, rows))

    return write


def _report(label: str, name: str, made: Callable[[Connection, Words], bytes]) -> None:
    pool, words = reading(database_role()), making.words_of(settings(), language(), zone())
    told = _audit(f"report {name}", 1) if database_role() in ("cem_care", "cem_admin") else None

    def run() -> bytes:
        if told is not None:
            told()
        with pool.connection(timeout=WAIT_S) as connection:
            return made(connection, words)

    st.download_button(
        label,
        data=run,
        file_name=f"{name}.pdf",
        mime="application/pdf",
        icon=":material/print:",
        key=f"_report_{name}",
        on_click="ignore",
    )
