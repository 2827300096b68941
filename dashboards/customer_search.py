"""Finding a customer by their raw number, and naming one again: for who may, with a reason, and never in the URL."""

import streamlit as st

from dashboards.database import settings
from dashboards.page import act, looked_at_list, read_persons, reason_for, t
from records.errors import CemaphoreError
from store import finding, screens

REASON_LENGTH = 200
_OFFERED = 50
_LIKE_A_NUMBER = range(7, 16)  # digits of telephone numbers (E.164) and IMSI; of 63-bit keys one in 10,000


def chosen() -> int | None:
    """Return the customer whom the URL names (`?customer=KEY`), or draw the ways to choose one."""
    asked = st.query_params.get("customer")
    if asked is None:
        _open(_ways())
        return None
    if st.button(t("search.another"), icon=":material/arrow_back:"):
        for name in ("customer", "day"):
            st.query_params.pop(name, None)
        st.rerun()
    key = key_of(asked)
    if key is None:
        st.warning(t("customer.unknown", key=asked))
        st.stop()
    return key


def key_of(typed: str) -> int | None:
    """Return the pseudonym that a text is; None for what is none."""
    return int(typed) if typed.isascii() and typed.isdigit() and int(typed) < 2**63 else None


def like_a_number(typed: str) -> bool:
    """Whether a text looks like a telephone number or IMSI, which must not get into an address."""
    return len(typed) in _LIKE_A_NUMBER


def _ways() -> int | None:
    left, right = st.columns(2)
    with left:
        found = show()
    with right:
        typed = st.text_input(t("customer.key"), help=t("customer.key_help"), key="_pseudonym").strip()
        hurt = read_persons(screens.hurt_customers, st.query_params.get("cluster"), _OFFERED)
        looked_at_list("customers hurt by clusters", hurt)
        picked: int | None = st.selectbox(t("customer.pick"), hurt, index=None, placeholder=t("app.none"))
    if like_a_number(typed):
        st.warning(t("search.not_here"))
        return None
    if typed and key_of(typed) is None:
        st.warning(t("customer.unknown", key=typed))
        return None
    return found or (key_of(typed) if typed else picked)


def _open(key: int | None) -> None:
    if key is not None:
        st.query_params["customer"] = str(key)
        st.rerun()


def show() -> int | None:
    """Draw the form that finds a customer by number; returns their key once it was sent and somebody has it."""
    with st.form("_find_customer", clear_on_submit=True):
        typed = st.text_input(t("search.number"), help=t("search.number_help"), autocomplete="off", max_chars=64)
        reason = st.text_input(t("search.reason"), placeholder=t("search.reason_example"), max_chars=REASON_LENGTH)
        sent = st.form_submit_button(t("search.find"), icon=":material/search:")
    if not sent or not _whole(typed, reason):
        return None
    now = settings()
    try:
        key = finding.find(act, now.keys_dir, typed, reason, kind=now.default_subscriber_kind, country=now.country_code)
    except CemaphoreError:
        st.warning(t("search.not_possible"))
        return None
    if key is None:
        st.info(t("search.nobody"))
        return None
    reason_for(key, reason)
    return key


def reveal(key: int) -> None:
    """Draw the form that names a customer again; what it shows is gone with the next thing that is done."""
    with (
        st.popover(t("search.reveal"), icon=":material/visibility:"),
        st.form("_reveal_customer", clear_on_submit=True),
    ):
        st.caption(t("search.reveal_help"))
        reason = st.text_input(t("search.reason"), placeholder=t("search.reason_example"), max_chars=REASON_LENGTH)
        if not st.form_submit_button(t("search.reveal")) or not _whole("-", reason):
            return
        try:
            found = finding.reveal(act, settings().keys_dir, key, reason)
        except CemaphoreError:
            st.warning(t("search.not_possible"))
            return
        if not found:
            st.info(t("search.erased"))
        for identifier in found:
            kind, _, number = identifier.partition(":")
            st.text(f"{kind} {number}")


def _whole(typed: str, reason: str) -> bool:
    if typed.strip() and reason.strip():
        return True
    st.warning(t("search.needs_both") if not typed.strip() else t("search.needs_reason"))
    return False
