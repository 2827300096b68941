"""Who the log-in service says is here, and whether our database lets them in: asked anew on every run of a page."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from dashboards.database import WAIT_S, acting, settings
from store.acting import call

ROLE = "cem_screens"
_FRESH_S = 5.0  # what a run asked holds within it and for parts that refresh themselves (own)


@dataclass(frozen=True, kw_only=True)
class Token:
    """What an identity token says: who, the roles that its claims stand for, and from when until when."""

    user_id: str
    name: str
    roles: tuple[str, ...]
    stay: bytes
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Admission:
    """Whether somebody is let in: the roles they hold now, and why their stay has ended (None while it lasts)."""

    user_id: str
    name: str
    roles: tuple[str, ...]
    ended: str | None


def required() -> bool:
    """Whether people have to log in."""
    return settings().oidc_metadata_url is not None


def token() -> Token | None:
    """Return what the viewer's identity token says; None for who has not logged in, or whose token says not enough."""
    if not st.user.is_logged_in:
        return None
    claims: Mapping[str, Any] = st.user.to_dict()
    wanted = settings().oidc_user_claim
    user_id, issued, expires = claims.get(wanted), claims.get("iat"), claims.get("exp")
    if not user_id or not issued or not expires or (wanted == "email" and claims.get("email_verified") is False):
        return None
    name = str(claims.get("name") or claims.get("preferred_username") or claims.get("email") or user_id)
    return Token(
        user_id=str(user_id),
        name=name,
        roles=_roles(claims),
        stay=hashlib.sha256(json.dumps(claims, sort_keys=True, default=str).encode()).digest(),
        issued_at=datetime.fromtimestamp(float(issued), UTC),
        expires_at=datetime.fromtimestamp(float(expires), UTC),
    )


def admission(*, moved: bool) -> Admission | None:
    """Ask the database whether the viewer is let in; None for who has not logged in.

    `moved` says that a person did something: the question is asked anew, and their stay does not lapse.
    """
    held: tuple[float, bytes, Admission] | None = st.session_state.get("_admission")
    found = token()
    if found is None:
        return None
    if not moved and held and held[1] == found.stay and time.monotonic() - held[0] < _FRESH_S:
        return held[2]
    bounds = settings().session_idle_minutes * 60, settings().session_hours * 3600
    given = (found.user_id, found.name, list(found.roles), found.stay, found.issued_at, found.expires_at)
    with acting(ROLE).connection(timeout=WAIT_S) as connection:
        answer = call(connection, found.user_id, "come_in", (*given, *bounds, moved))
    made = Admission(user_id=found.user_id, name=found.name, roles=tuple(answer["roles"] or ()), ended=answer["ended"])
    st.session_state["_admission"] = (time.monotonic(), found.stay, made)
    return made


def leave() -> None:
    """Log out: here for good, and at the log-in service where it offers that."""
    found = token()
    if found is not None:
        with acting(ROLE).connection(timeout=WAIT_S) as connection:
            call(connection, found.user_id, "leave", (found.stay,))
    st.logout()


def _roles(claims: Mapping[str, Any]) -> tuple[str, ...]:
    found: Any = claims
    for step in settings().oidc_roles_claim.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    named = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    meaning = settings().oidc_roles
    return tuple(sorted({meaning[name] for name in named if isinstance(name, str) and name in meaning}))
