"""The audit trail: who looked at whom, who changed what, when and why; and whether anybody altered it."""

import json

import pandas as pd
import streamlit as st

from dashboards.page import moment, read, t, word
from store import audit_trail

_LISTED = 500


def main() -> None:
    """Draw the screen."""
    st.title(t("audit.title"))
    st.caption(t("audit.help"))
    actors, actions = read(audit_trail.actors_and_actions)
    left, middle, right = st.columns(3)
    actor = left.selectbox(t("audit.actor"), actors, index=None, placeholder=t("audit.all"), key="actor")
    action = middle.selectbox(
        t("audit.action"), actions, index=None, placeholder=t("audit.all"), key="action", format_func=_named
    )
    typed = right.text_input(t("audit.customer"), max_chars=19, key="subject").strip()
    if typed and not (typed.isascii() and typed.isdigit() and int(typed) < 2**63):
        st.warning(t("customer.unknown", key=typed))
        return
    _table(read(audit_trail.entries, actor, action, int(typed) if typed else None, _LISTED))
    _chain()


def _named(action: str) -> str:
    return word("act", action.replace(" ", "_"))


def _table(frame: pd.DataFrame) -> None:
    if frame.empty:
        st.info(t("audit.none"))
        return
    shown = pd.DataFrame(
        {
            t("column.number"): frame["audit_id"],
            t("column.time"): frame["at"].map(moment),
            t("audit.actor"): frame["actor"],
            t("audit.action"): frame["action"].map(_named),
            t("audit.customer"): frame["customer"].fillna(""),
            t("column.reason"): frame["reason"],
            t("column.detail"): frame["detail"].map(lambda detail: json.dumps(detail, ensure_ascii=False)),
        }
    )
    st.dataframe(shown, hide_index=True)


def _chain() -> None:
    if not st.button(t("audit.check"), icon=":material/link:"):
        return
    broken = read(audit_trail.broken_at)
    if broken is None:
        st.success(t("audit.holds"))
    else:
        st.error(t("audit.broken", number=broken))


main()
