"""Acts of people on the screens: who may, and what happens when a button is pressed."""

import psycopg
import streamlit as st

from dashboards.page import act, t

MAY_ACT = ("cem_operations", "cem_admin")
MOST_TEXT = 2_000  # characters of a note (own)


def done(function: str, *arguments: object, said: str | None = None) -> None:
    """Do it and draw the page again; `said`, where given, must not be empty, and a refusal is shown with its reason."""
    if said is not None and not said.strip():
        st.warning(t("act.empty"))
        return
    try:
        act(function, *arguments)
    except psycopg.Error as error:
        st.error(t("act.failed", reason=str(error).splitlines()[0]))
        return
    st.rerun()
