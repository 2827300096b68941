"""The screens' entrance: pages, language, and what mode this is."""

from pathlib import Path

import streamlit as st

from dashboards.messages import LANGUAGES
from dashboards.page import language, t

HERE = Path(__file__).parent


def main() -> None:
    """Draw the page that the URL names."""
    st.set_page_config(page_title="Cemaphore", page_icon=str(HERE / "icon.png"), layout="wide")
    views = HERE / "views"
    chosen = st.navigation(
        {
            t("nav.operations"): [
                st.Page(views / "overview.py", title=t("nav.overview"), default=True),
                st.Page(views / "clusters.py", title=t("nav.clusters"), url_path="clusters"),
                st.Page(views / "aggregation.py", title=t("nav.aggregation"), url_path="aggregation"),
                st.Page(views / "data.py", title=t("nav.data"), url_path="data"),
            ],
            t("nav.care"): [
                st.Page(views / "complaints.py", title=t("nav.complaints"), url_path="complaints"),
                st.Page(views / "customer.py", title=t("nav.customer"), url_path="customer"),
            ],
        }
    )
    with st.sidebar:
        _language()
        st.error(t("app.local_mode"), icon=":material/lock_open:")
    chosen.run()


def _language() -> None:
    codes = list(LANGUAGES)
    picked = st.selectbox(
        t("app.language"), codes, index=codes.index(language()), format_func=LANGUAGES.__getitem__, key="language"
    )
    if picked != language():
        st.query_params["lang"] = picked
        st.rerun()


main()
