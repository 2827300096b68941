"""`cem users`: who may see the screens, and what of them."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from store.connection import Connection

JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]
USER = Annotated[str, typer.Argument(help="What the log-in service calls them (setting oidc_user_claim).")]
REASON = Annotated[str, typer.Option(help="Why; goes into the audit trail.")]


def register(app: typer.Typer) -> None:
    """Add `cem users ...` to `app`."""
    users = typer.Typer(help="People who may see the screens, and their roles there.")
    users.command("list")(_list)
    users.command("grant")(_grant)
    users.command("revoke")(_revoke)
    app.add_typer(users, name="users", no_args_is_help=True)


def _list(as_json: JSON = False) -> None:
    """List everybody who was given roles or has logged in."""
    from cemaphore.exits import exits
    from cemaphore.printing import records, show
    from store import users

    with exits(), _connected() as connection:
        show(records(users.listed(connection)), as_json)


def _grant(
    user: USER,
    roles: Annotated[list[str], typer.Argument(help="operations, care, analyst or admin; one or more.")],
    reason: REASON = "given at the command line",
    as_json: JSON = False,
) -> None:
    """Give somebody roles, beside those that they were given before."""
    import getpass

    from cemaphore.exits import exits
    from cemaphore.printing import show
    from store import users

    with exits(), _connected() as connection:
        show(users.grant(connection, user, roles, actor=getpass.getuser(), reason=reason), as_json)


def _revoke(user: USER, reason: REASON = "taken at the command line", as_json: JSON = False) -> None:
    """Take all roles from somebody, also those that the log-in service says; who is logged in loses them at once."""
    import getpass

    from cemaphore.exits import exits
    from cemaphore.printing import show
    from store import users

    with exits(), _connected() as connection:
        show(users.revoke(connection, user, actor=getpass.getuser(), reason=reason), as_json)


def _connected() -> "Connection":
    from cemaphore import privatedb
    from cemaphore.settings import load_settings
    from store.connection import connect

    return connect(privatedb.database_url(load_settings()), autocommit=True)
