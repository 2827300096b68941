"""The screens' entrance: pages, language, and what mode this is."""

import gc
import logging
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import Page

from dashboards import saved_views, sidebar
from dashboards.access import ENTRANCES, SCREENS, Screen, allowed, enter, first_allowed
from dashboards.gate import closed, who
from dashboards.page import refuse, t
from dashboards.preferences import remember

HERE = Path(__file__).parent
DEFAULT = "overview"


def main() -> None:
    """Draw the page that the URL names, or say that it is not for this viewer."""
    st.set_page_config(page_title="Cemaphore", page_icon=str(HERE / "icon.png"), layout="wide")
    _frozen()
    remember()
    if closed():
        st.navigation([_page(screen, hidden=True) for screen in SCREENS.values()], position="hidden")
        with st.sidebar:
            sidebar.choices()
        return
    chosen = st.navigation(
        {
            t(f"nav.{name}"): [_page(screen, hidden=not allowed(screen.name)) for screen in screens]
            for name, screens in ENTRANCES.items()
        },
        expanded=True,
    )
    view = chosen.url_path or DEFAULT
    enter(view)
    with st.sidebar:
        sidebar.choices()
        saved = st.container()
        who()
    if chosen.url_path == "" and not allowed(view):
        _elsewhere()
    if not allowed(view):
        st.title(chosen.title)
        refuse()
    try:
        with st.spinner(t("app.loading")):  # shown after half a second
            chosen.run()
        with saved:  # last: a page whose database is away says so itself, and ends
            saved_views.show(view)
    except Exception:  # the viewer is told in their language, the log has the rest
        logging.getLogger(__name__).exception("screen %s failed", view)
        st.error(t("app.broken"), icon=":material/error:")


def _page(screen: Screen, *, hidden: bool) -> Page:
    """Screens of others are there and hidden: opened by URL, they say that they are refused."""
    return st.Page(
        HERE / "views" / f"{screen.name}.py",
        title=t(f"nav.{screen.name}"),
        url_path=None if screen.name == DEFAULT else screen.name,
        default=screen.name == DEFAULT,
        visibility="hidden" if hidden else "visible",
    )


def _elsewhere() -> None:
    """Who may not see what the address alone opens begins with the first screen that they may."""
    first = first_allowed()
    if first is not None:
        st.switch_page(HERE / "views" / f"{first}.py", query_params=st.query_params.to_dict())


@st.cache_resource
def _frozen() -> bool:
    """What was imported stays: the garbage collector need not look through it again at every run."""
    gc.collect()
    gc.freeze()
    return True


main()
