"""Choices that live in the URL: language-neutral values there, the reader's words on the screen."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import streamlit as st

from dashboards.page import t, word

SPANS = {"week": timedelta(days=7), "month": timedelta(days=28), "all": None}


def buttons(label: str, options: Sequence[str], *, key: str, named: Callable[[str], str], default: str = "") -> str:
    """Show a row of buttons and return the chosen option; `?key=option` is the choice, whatever the language.

    `default` (else the first option) is chosen where the URL names none, and is not written into it.
    """
    chosen = _asked(options, key, default)
    kept = (key, default or options[0])
    st.segmented_control(label, options, format_func=named, key=key, on_change=_keep, args=kept, required=True)
    return chosen


def listed(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    named: Callable[[str], str] = str,
    default: str = "",
    always: bool = False,
) -> str:
    """Show a list to choose from and return the chosen option; the URL as with `buttons`.

    With `always` the URL names the first option as well: options that differ from day to day need it.
    """
    chosen = _asked(options, key, default)
    kept = (key, "" if always else default or options[0])
    st.selectbox(label, options, format_func=named, key=key, on_change=_keep, args=kept)
    return chosen


def attribute(label: str, attributes: Sequence[str], *, key: str) -> str:
    """Show a list of attributes of groups to choose from and return the chosen one."""
    return listed(label, attributes, key=key, named=lambda name: word("attribute", name))


def put(key: str, value: str | None) -> None:
    """Write a value into the URL, or take it out."""
    if value is None:
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = value


def span(key: str = "span") -> timedelta | None:
    """Show how far back to look and return it; None for all time."""
    return SPANS[buttons(t("span.title"), tuple(SPANS), key=key, named=lambda name: t(f"span.{name}"))]


def _asked(options: Sequence[str], key: str, default: str) -> str:
    """The URL is the one truth: what the widget held before, on this page or another, gives way to it."""
    asked = st.query_params.get(key)
    chosen = asked if asked is not None and asked in options else default or options[0]
    st.session_state[key] = chosen
    return chosen


def _keep(key: str, default: str) -> None:
    chosen = st.session_state.get(key)
    put(key, None if chosen == default else chosen)
