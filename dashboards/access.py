"""Who looks at the screens, which of them they may see, and as which database role their readings run."""

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from dashboards import login
from dashboards.database import settings

Role = Literal["operations", "analyst", "care", "admin"]
ROLES: tuple[Role, ...] = ("operations", "care", "analyst", "admin")


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """A person before the screens: what the audit calls them, `roles` by which they see, and how they came in."""

    name: str
    roles: tuple[Role, ...]
    mode: Literal["local", "oidc"]


@dataclass(frozen=True, kw_only=True)
class Screen:
    """One file of `dashboards/views`, whose title is the message `nav.NAME`, and the roles that may open it.

    Somebody with several of the roles reads it as the first of them.
    """

    name: str
    roles: tuple[Role, ...]


def _operations(name: str, *more: Role) -> Screen:
    return Screen(name=name, roles=("admin", "operations", *more, "analyst"))


def _care(name: str, *more: Role) -> Screen:
    return Screen(name=name, roles=("admin", "care", *more))


# A new screen is one file in views/ and one line here; the first that somebody may open is the one they begin with.
ENTRANCES: Mapping[str, tuple[Screen, ...]] = {
    "operations": (
        _operations("overview"),
        _operations("clusters", "care"),
        _operations("cells"),
        _operations("rankings"),
        _operations("alerts"),
        _operations("aggregation"),
        _operations("data"),
    ),
    "care": (
        _care("trends", "analyst"),
        _care("complaints", "operations", "analyst"),
        _care("silent", "analyst"),
        _care("surveys", "analyst"),
        _care("customer"),
    ),
    "administration": (Screen(name="audit", roles=("admin",)),),
}
SCREENS: Mapping[str, Screen] = {screen.name: screen for screens in ENTRANCES.values() for screen in screens}


def viewer() -> Viewer:
    """Return who looks at this page; without a log-in whoever runs the program, with the role set for that.

    Begins the whole page anew, which then says why, for somebody whose stay or roles have ended meanwhile.
    """
    if not login.required():
        return Viewer(name=getpass.getuser(), roles=(settings().local_role,), mode="local")
    found = login.admission(moved=False)
    if found is None or found.ended is not None or not found.roles:
        st.rerun()
    return Viewer(name=found.user_id, roles=tuple(role for role in ROLES if role in found.roles), mode="oidc")


def allowed(view: str) -> bool:
    """Whether the viewer may open the screen of that name."""
    return _role(view) is not None


def first_allowed() -> str | None:
    """Return the name of the first screen that the viewer may open, or None without any."""
    return next((name for name in SCREENS if allowed(name)), None)


def enter(view: str) -> None:
    """Remember which screen is drawn: what it reads and does is done in the role that opens it."""
    st.session_state["_view"] = view


def database_role() -> str:
    """Return the database role of the screen that is drawn; raises `PermissionError` for one not to be opened."""
    view = st.session_state["_view"]
    role = _role(view)
    if role is None:
        raise PermissionError(view)
    return f"cem_{role}"


def _role(view: str) -> Role | None:
    held = viewer().roles
    return next((role for role in SCREENS[view].roles if role in held), None)
