"""The page of commands, by walking the command line."""

import inspect
from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import typer

from cemaphore import cli
from cemaphore.exits import Exit
from cemaphore.reference.markdown import cell, code, page, table

_WORDS = {bool: "flag", int: "whole number", float: "number", str: "text", Path: "path", datetime: "time with offset"}
_EXITS = {
    Exit.OK: "done",
    Exit.FAILURE: "failed",
    Exit.USAGE: "the command line is wrong",
    Exit.PARTIAL: "done in part: something is in quarantine",
    Exit.CONFIGURATION: "a setting, key or installation is wrong",
    Exit.TEMPORARY: "something outside failed; try again later",
}


def command_page() -> str:
    """Every command with its usage, arguments, options and exit codes."""
    exits = table(["exit code", "meaning"], [[str(end.value), text] for end, text in _EXITS.items()])
    about = f"{exits}\nWith `--json` a command prints one JSON document on standard output.\n"
    return page("Commands", about, *(_command(path, command) for path, command in commands()))


def commands() -> Iterator[tuple[str, Any]]:
    """Name and command of each leaf of the command line, in order of name."""
    yield from _leaves("cem", typer.main.get_command(cli.application()))


def _leaves(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
        return
    for name in sorted(below):
        if not below[name].hidden:
            yield from _leaves(f"{path} {name}", below[name])


def _command(path: str, command: Any) -> str:
    words = [path, "[OPTIONS]", *(_usage(found) for found in command.params if found.param_type_name == "argument")]
    hints = get_type_hints(inspect.unwrap(command.callback), include_extras=True)
    rows = [_parameter(found, hints[found.name]) for found in command.params if found.name in hints]
    head = ["argument or option", "type", "default", "meaning"]
    return f"## {code(path)}\n\n{command.help}\n\n```\n{' '.join(words)}\n```\n\n{table(head, rows) if rows else ''}"


def _usage(argument: Any) -> str:
    name = str(argument.name).upper() + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _parameter(found: Any, hint: Any) -> list[str]:
    is_argument = found.param_type_name == "argument"
    named = found.name.upper() if is_argument else ", ".join([*found.opts, *found.secondary_opts])
    low, high = getattr(found, "min", None), getattr(found, "max", None)
    limits = [f"at least {low}"] * (low is not None) + [f"at most {high}"] * (high is not None)
    return [code(named), ", ".join([_type(hint), *limits]), _default(found), cell(found.help or "")]


def _type(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        return _type(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return ", ".join(_type(part) for part in get_args(hint) if part is not NoneType)
    if get_origin(hint) in (list, tuple):
        return f"{_type(get_args(hint)[0])}, repeated"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return " ".join(code(member.value) for member in hint)
    return _WORDS[hint]


def _default(found: Any) -> str:
    if found.required:
        return "required"
    value = found.default.value if isinstance(found.default, Enum) else found.default
    return "" if value is None or value is False else code(value)
