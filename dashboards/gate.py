"""What stands before the screens: who is here, the way in and out, and in red that there is none."""

import psycopg
import streamlit as st
from psycopg_pool import PoolTimeout

from dashboards import login
from dashboards.access import viewer
from dashboards.page import away, t, word
from records.errors import CemaphoreError

_WATCH_S = 30  # how long a page may stand open after its stay has ended (own)


def closed() -> bool:
    """Whether the viewer has to log in, again, or be given a role first; the page that says so is drawn then."""
    if not login.required():
        return False
    try:
        found = login.admission(moved=True)
    except (psycopg.OperationalError, PoolTimeout, CemaphoreError):
        away()
    if found is not None and found.ended is None and found.roles:
        return False
    st.title(t("app.name"))
    if found is not None and found.ended is None:
        st.warning(t("access.no_role", name=found.name, id=found.user_id))
        st.button(t("access.log_out"), on_click=login.leave)
    else:
        st.info(t("access.please" if found is None else f"access.ended_{found.ended}"))
        st.button(t("access.log_in"), on_click=st.login, type="primary", icon=":material/login:")
    return True


def who() -> None:
    """Say in the sidebar who is logged in, with the way out, or in red that nobody has to."""
    seen = viewer()
    roles = ", ".join(word("role", role) for role in seen.roles)
    if seen.mode == "local":
        st.error(t("app.local_mode", roles=roles), icon=":material/lock_open:")
        return
    st.caption(t("access.you", name=seen.name, roles=roles))
    st.button(t("access.log_out"), on_click=login.leave, icon=":material/logout:")
    _watch()


@st.fragment(run_every=_WATCH_S)
def _watch() -> None:
    """A page that nobody touches is closed when its stay ends: `viewer` begins the whole page anew then."""
    viewer()
