"""The command `cem`: every module of this package adds its commands to one application."""

from importlib import import_module
from pkgutil import iter_modules

import typer

app = typer.Typer(
    name="cem",
    help="Tells a telecom operator what its customers experience, why, and who will complain next.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _add_commands() -> None:
    for module in sorted(iter_modules(__path__), key=lambda found: found.name):
        import_module(f"{__name__}.{module.name}").register(app)


def main() -> None:
    """Run the command line."""
    _add_commands()
    app()
