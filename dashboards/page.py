"""What every screen needs: the reader's language, the connection, and how missing figures look."""

import time
from collections.abc import Callable, Sized
from datetime import datetime
from typing import Any, NoReturn, TypeVar, TypeVarTuple, cast
from urllib.parse import urlencode

import pandas as pd
import psycopg
import streamlit as st
from psycopg_pool import PoolTimeout

from cemaphore.explaining import Explanation, explain
from dashboards import local_days
from dashboards.access import allowed, database_role, viewer
from dashboards.database import WAIT_S, acting, reading
from dashboards.database import settings as settings
from dashboards.messages import text, text_or
from dashboards.preferences import carried
from dashboards.preferences import language as language
from dashboards.preferences import zone as zone
from records.errors import CemaphoreError
from store.acting import call
from store.connection import Connection

Given = TypeVarTuple("Given")
Result = TypeVar("Result")

EXPLAINER = "cem_explain"
_SEE_PERSONS = ("cem_care", "cem_admin")
_UNASKED = "opened on the screens"  # the reason of a look for which nobody gave one
LOOK_S = 15 * 60  # who comes back to a customer after so long looks again, for the audit (own)


def t(key: str, /, **values: object) -> str:
    """Return a message in the reader's language."""
    return text(language(), key, **values)


def word(prefix: str, value: str) -> str:
    """Return the message for a word that data brings, such as a domain; the word itself when it has none."""
    return text_or(language(), f"{prefix}.{value}", value)


def known(key: str) -> str:
    """Return the message of a key that data brings; the key itself when no catalogue holds it."""
    return text_or(language(), key, key)


@st.cache_data(ttl=30, show_spinner=False)
def _cached(_query: Callable[..., Any], name: str, role: str, seen_by: str | None, given: Any) -> Any:
    """What is remembered is for one role and, of single customers, one person: never for another's eyes."""
    with reading(role).connection(timeout=WAIT_S) as connection:
        return _query(connection, *given)


def read(query: Callable[[Connection, *Given], Result], *arguments: *Given) -> Result:
    """Run a reading of `store` in the viewer's role; stops the page with a plain message when it cannot be done."""
    return cast(Result, _answered(query, None, arguments))


def look(
    query: Callable[[Connection, int, *Given], Result], customer_key: int, *arguments: *Given, what: str = "page"
) -> Result:
    """Run a reading of one customer: like `read`, and the audit says who looked at `what` of them, and why."""
    looked(customer_key, what)
    return cast(Result, _answered(query, viewer().name, (customer_key, *arguments)))


def read_persons(query: Callable[[Connection, *Given], Result], *arguments: *Given) -> Result:
    """Run a reading that is of persons where the viewer's role sees them: like `read`, and remembered for them alone.

    Who shows what it returns writes into the audit whom (`looked`) or how many (`looked_at_list`) they looked at.
    """
    return cast(Result, _answered(query, viewer().name if sees_persons() else None, arguments))


def sees_persons() -> bool:
    """Whether the viewer works with single customers on this screen."""
    return database_role() in _SEE_PERSONS


def looked(customer_key: int, what: str) -> None:
    """Write into the audit that the viewer looks at a customer, once for each stay at them."""
    _stay((customer_key, what), "look_at_customer", (customer_key, what, reason_for(customer_key)))


def looked_at_list(what: str, rows: Sized) -> None:
    """Write into the audit that the viewer looks at a list whose rows are persons', once for each stay at it.

    Nothing for an empty list, or for a role that sees no person in it.
    """
    if len(rows) and sees_persons():
        _stay((None, what), "look_at_list", (what, len(rows), _UNASKED))


def _stay(at: tuple[int | None, str], function: str, given: tuple[object, ...]) -> None:
    stays: dict[tuple[int | None, str], float] = st.session_state.setdefault("_looks", {})
    now = time.monotonic()
    if stays.get(at, -LOOK_S) <= now - LOOK_S:
        _done(function, given)
        stays[at] = now


def reason_for(customer_key: int, given: str | None = None) -> str:
    """Return why the viewer looks at a customer; `given` is what they said just now, and holds from here on."""
    said: dict[int, str] = st.session_state.setdefault("_reasons", {})
    if given is not None:
        said[customer_key] = given
    return said.get(customer_key, _UNASKED)


def act(function: str, *arguments: object) -> Any:
    """Call that function of schema `act` as the viewer and return its answer; readings are fresh afterwards.

    Stops the page where the viewer's role may not; what the function itself refuses comes as `psycopg.Error`.
    """
    answer = _done(function, arguments)
    _cached.clear()
    return answer


def _answered(query: Callable[..., Any], seen_by: str | None, given: tuple[object, ...]) -> Any:
    try:
        return _cached(query, f"{query.__module__}.{query.__qualname__}", database_role(), seen_by, given)
    except (psycopg.errors.InsufficientPrivilege, PermissionError):
        refuse()
    except (psycopg.OperationalError, PoolTimeout, CemaphoreError):
        away()


def _done(function: str, given: tuple[object, ...]) -> Any:
    try:
        with acting(database_role()).connection(timeout=WAIT_S) as connection:
            return call(connection, viewer().name, function, given)
    except (psycopg.errors.InsufficientPrivilege, PermissionError):
        refuse()
    except (psycopg.OperationalError, PoolTimeout, CemaphoreError):
        away()


def refuse() -> NoReturn:
    """Say that this is not for the viewer's role, and stop the page."""
    st.error(
        t("access.refused", roles=", ".join(word("role", role) for role in viewer().roles)), icon=":material/lock:"
    )
    st.stop()


def away() -> NoReturn:
    """Say that the database does not answer, and stop the page."""
    st.error(t("app.database_away"))
    st.stop()


@st.cache_data(ttl=300, show_spinner=False)
def _explained(key: int, at: datetime, seen_by: str) -> Explanation:
    """In a role that may read the raw sessions, which no viewer's may; `seen_by` has been written into the audit."""
    with reading(EXPLAINER).connection(timeout=WAIT_S) as connection:
        return explain(connection, settings(), key, at=at)


def explained(key: int, at: datetime) -> Explanation:
    """Return why a customer's local day that holds `at` was as it was; stops the page without the database."""
    looked(key, "explanation")
    try:
        return _explained(key, at, viewer().name)
    except (psycopg.OperationalError, PoolTimeout, CemaphoreError):
        away()


def moment(value: datetime | None) -> str:
    """Return a moment as the reader's clock shows it."""
    return t("app.none") if value is None or pd.isna(value) else value.astimezone(zone()).strftime("%Y-%m-%d %H:%M")


def on_the_clock(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with `start` as the reader's clock shows it, for charts, which know one time zone only."""
    return frame.assign(start=local_days.clock(frame["start"], zone()))


def score(value: float | None) -> str:
    """Return a score with one digit, or that there is not enough data for one."""
    return t("app.not_enough") if value is None or pd.isna(value) else f"{value:.1f}"


def share(value: float | None) -> str:
    """Return a ratio as per cent, or that there is not enough data for one."""
    return t("app.not_enough") if value is None or pd.isna(value) else f"{value:.1%}"


def times(value: float) -> str:
    """Return how many times as much something is, to two digits: a risk of few complaints tells no more."""
    return f"{float(f'{value:.2g}'):,.10g}"


def count(value: float | None) -> str:
    """Return a number of users, or that they are too few to be shown."""
    return t("app.too_few", k=settings().k_anonymity) if value is None or pd.isna(value) else f"{int(value):,}"


def total(value: float | None) -> str:
    """Return a number of sessions, contacts or complaints, or that too few users made them for it to be shown."""
    return t("app.of_few", k=settings().k_anonymity) if value is None or pd.isna(value) else f"{int(value):,}"


def age(value: datetime, now: datetime) -> str:
    """Return how long ago a moment was, in the largest fitting unit."""
    minutes = int((now - value).total_seconds() // 60)
    if minutes < 120:
        return t("unit.minutes", n=minutes)
    return t("unit.hours", n=minutes // 60) if minutes < 60 * 48 else t("unit.days", n=minutes // 1440)


def link(view: str, label: str, **parameters: str) -> None:
    """Show a link to another screen, with language and time zone; nothing where the viewer may not open it."""
    if allowed(view):
        st.page_link(f"views/{view}.py", label=label, query_params={**parameters, **carried()})


def address(view: str, **parameters: str) -> str:
    """Return the address of another screen for a cell of a table, which holds no link of Streamlit's own."""
    return f"{view}?{urlencode({**parameters, **carried()})}"
