"""The audit trail: who looked at whom, who changed what, when and why; and whether anybody altered it."""

import json

import pandas as pd
import streamlit as st

from dashboards import customer_search, filters
from dashboards.page import moment, read, t, word
from store import audit_trail

_LISTED = 500
_ALL = ""  # no actor and no action is called so
_CUSTOMER = "subject"


def main() -> None:
    """Draw the screen."""
    st.title(t("audit.title"))
    st.caption(t("audit.help"))
    actors, actions = read(audit_trail.actors_and_actions)
    left, middle, right = st.columns(3)
    with left:
        actor = filters.listed(t("audit.actor"), (_ALL, *actors), key="actor", named=_who)
    with middle:
        action = filters.listed(t("audit.action"), (_ALL, *actions), key="action", named=_named)
    with right:
        customer = _customer()
    _table(read(audit_trail.entries, actor or None, action or None, customer, _LISTED))
    _chain()


def _customer() -> int | None:
    """The pseudonym of the URL; what is typed gets there only if it is one, as a raw number must not."""
    asked = st.query_params.get(_CUSTOMER, "")
    key = customer_search.key_of(asked)
    st.session_state[_CUSTOMER] = "" if key is None else asked
    st.text_input(t("audit.customer"), max_chars=19, key=_CUSTOMER, on_change=_keep)
    if st.session_state.pop("_no_customer", False) or (asked and key is None):
        st.warning(t("audit.no_customer"))
    return key


def _keep() -> None:
    typed = st.session_state[_CUSTOMER].strip()
    known = customer_search.key_of(typed) is not None and not customer_search.like_a_number(typed)
    filters.put(_CUSTOMER, typed if known else None)
    st.session_state["_no_customer"] = bool(typed) and not known


def _who(actor: str) -> str:
    return actor or t("audit.all")


def _named(action: str) -> str:
    return word("act", action.replace(" ", "_")) if action else t("audit.all")


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
