"""`cem explain`: why one customer's sessions were as they were, and whose fault, in words and figures."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cemaphore.moments import At
from cemaphore.persons import Customer, IdentifierFile, key_of, meant

if TYPE_CHECKING:
    from cemaphore.explaining import Explanation
    from qoe.reasons import Reason

_SESSION = ("start", "service", "app", "cell", "site", "quality", "device", "radio", "transport_core", "server_app",
            "unexplained", "why")  # fmt: skip
_REASON = ("text", "points")


class Language(StrEnum):
    """The languages of the sentences."""

    EN = "en"
    ZH = "zh"


def register(app: typer.Typer) -> None:
    """Add `explain` to `app`."""
    app.command("explain")(_explain)


def _explain(
    customer: Customer = None,
    identifier_file: IdentifierFile = None,
    session: Annotated[str | None, typer.Option("--session", help="Only the session of this session_id.")] = None,
    at: At = None,
    lang: Annotated[Language, typer.Option("--lang", help="Language of the sentences.")] = Language.EN,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Explain one customer's sessions of a local day: whose fault each was, and why. Audited."""
    from cemaphore import privatedb
    from cemaphore.exits import exits
    from cemaphore.explaining import explain
    from cemaphore.identification import looked_at
    from cemaphore.printing import show
    from cemaphore.settings import load_settings
    from store.connection import connect

    meant(customer, identifier_file)
    with exits():
        settings = load_settings()
        dsn = privatedb.database_url(settings)
        key = key_of(dsn, settings, customer, identifier_file)
        with connect(dsn, autocommit=True) as connection:
            looked_at(connection, key, action="explain a customer")
            found = explain(connection, settings, key, at=at, session_id=session)
            show(shape(found, lang.value, as_json), as_json, columns={"reasons": _REASON, "sessions": _SESSION})


def shape(found: "Explanation", language: str, as_json: bool) -> dict[str, Any]:
    """The explanation as it is printed: all of it for programs, one line a session for people."""
    from cemaphore.wording import summed

    sessions = []
    for one in found.sessions:
        reasons = [_reason(reason, language) for reason in one.reasons]
        kept = {name: value for name, value in one.listed.items() if name not in ("subscriber_key", "source_id")}
        row = {"start": kept.pop("start_time"), **kept, **one.places, "quality": one.quality}
        if as_json:
            row |= {"demarcation": one.points, "usual": one.usual, "dimensions": one.dimensions, "reasons": reasons,
                    "compared": one.compared}  # fmt: skip
        else:
            row |= {**one.points, "why": "; ".join(reason["text"] for reason in reasons)}
        sessions.append(row)
    return {
        "customer_key": found.customer_key,
        "start": found.start,
        "demarcation": found.mean if as_json else {name: round(value, 1) for name, value in (found.mean or {}).items()},
        "reasons": [{**_reason(reason, language), "text": summed(language, reason)} for reason in found.reasons],
        "sessions": sessions,
    }


def _reason(reason: "Reason", language: str) -> dict[str, Any]:
    from cemaphore.wording import sentence

    return {"code": reason.code, "points": reason.points, "parameters": dict(reason.parameters),
            "text": sentence(language, reason)}  # fmt: skip
