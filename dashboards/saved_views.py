"""Saved views: the present screen under a name, to be opened again, by oneself or by everyone."""

import pandas as pd
import psycopg
import streamlit as st
from psycopg.types.json import Jsonb

from dashboards.access import allowed, viewer
from dashboards.page import act, read, t
from dashboards.preferences import LANGUAGE, ZONE, carried
from store import saved_views as stored

NAME_LENGTH = 80
_READERS = (LANGUAGE, ZONE)  # parameters that are the reader's, not the view's
_PERSONS = ("customer", "subject")  # parameters by which a view is of one customer


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
        left.page_link(f"views/{screen}.py", label=label, query_params={**_of_view(parameters), **carried()})
        if own:
            right.button(
                t("views.delete", name=name),
                icon=":material/delete:",
                key=f"_delete_view_{number}",
                type="tertiary",
                on_click=act,
                args=("delete_view", number),
            )


def _of_view(parameters: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if name not in _READERS}


def _form(view: str) -> None:
    parameters = _of_view(st.query_params.to_dict())
    personal = any(name in parameters for name in _PERSONS)
    with st.form("_save_view", border=False, clear_on_submit=True):
        name = st.text_input(t("views.name"), max_chars=NAME_LENGTH)
        if personal:
            st.caption(t("views.of_one"))
        shared = not personal and st.checkbox(t("views.share"))
        if not st.form_submit_button(t("views.save"), icon=":material/bookmark_add:"):
            return
        if not name.strip():
            st.warning(t("views.needs_name"))
            return
    try:
        act("save_view", name, view, Jsonb(parameters), shared)
    except psycopg.DataError:
        st.warning(t("views.refused"))
        return
    st.rerun()
