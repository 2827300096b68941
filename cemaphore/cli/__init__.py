"""The command `cem`: every module of this package adds its commands to one application."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import typer


@cache
def application() -> typer.Typer:
    """Return the whole command line; its commands' own imports wait until one is called."""
    app = typer.Typer(
        name="cem",
        help="Tells a telecom operator what its customers experience, why, and who will complain next.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    for module in sorted(iter_modules(__path__), key=lambda found: found.name):
        import_module(f"{__name__}.{module.name}").register(app)
    return app


def main() -> None:
    """Run the command line."""
    application()()
