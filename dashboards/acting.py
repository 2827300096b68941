"""Acts of people on the screens: who may, and what happens when a button is pressed."""

import psycopg
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards.page import act, t

MAY_ACT = ("cem_operations", "cem_admin")
MOST_TEXT = 2_000  # characters of a note (own)
_DONE = "_acts_done"


def form(name: str, label: str, icon: str) -> DeltaGenerator:
    """Return the panel behind a button; after something was done it is another one, which is closed."""
    return st.popover(label, icon=icon, key=f"_{name}-{st.session_state.get(_DONE, 0)}")


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
    st.session_state[_DONE] = st.session_state.get(_DONE, 0) + 1
    st.rerun()
