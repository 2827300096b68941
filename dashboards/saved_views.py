"""Saved views: the present screen under a name, to be opened again, by oneself or by everyone."""

import pandas as pd
import psycopg
import streamlit as st
from psycopg.types.json import Jsonb

from dashboards.access import allowed, viewer
from dashboards.page import act, read, t
from store import saved_views as stored

NAME_LENGTH = 80


def show(view: str) -> None:
    """Draw the list of saved views and the form that saves the present one."""
    with st.popover(t("views.saved"), icon=":material/bookmark:", width="stretch"):
        found = read(stored.of, viewer().name)
        mine = found["owner"] == viewer().name
        if found.empty:
            st.caption(t("views.none"))
        _listed(found[mine], own=True)
        if not mine.all():
            st.caption(t("views.of_others"))
        _listed(found[~mine], own=False)
        _form(view)


def _listed(views: pd.DataFrame, *, own: bool) -> None:
    for number, owner, name, screen, parameters in views[
        ["view_id", "owner", "name", "screen", "parameters"]
    ].itertuples(index=False):
        if not allowed(screen):
            continue
        left, right = st.columns([4, 1], vertical_alignment="center")
        label = name if own else t("views.by", name=name, owner=owner)
        left.page_link(f"views/{screen}.py", label=label, query_params=parameters)
        if own:
            right.button(
                t("views.delete", name=name),
                icon=":material/delete:",
                key=f"_delete_view_{number}",
                type="tertiary",
                on_click=act,
                args=("delete_view", number),
            )


def _form(view: str) -> None:
    with st.form("_save_view", border=False, clear_on_submit=True):
        name = st.text_input(t("views.name"), max_chars=NAME_LENGTH)
        shared = st.checkbox(t("views.share"))
        if not st.form_submit_button(t("views.save"), icon=":material/bookmark_add:"):
            return
        if not name.strip():
            st.warning(t("views.needs_name"))
            return
    try:
        act("save_view", name, view, Jsonb(st.query_params.to_dict()), shared)
    except psycopg.DataError:
        st.warning(t("views.refused"))
        return
    st.rerun()
