"""The page of settings, from the fields of `Settings`."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from cemaphore.reference.markdown import cell, code, number, page, table
from cemaphore.settings import DEFAULT_HOME, ENV_PREFIX, FILE_NAME, Settings

_WORDS = {bool: "true or false", int: "whole number", float: "number", str: "text", Path: "path", SecretStr: "secret"}
_NOT_IN_FILE = ("home",)


def settings_page() -> str:
    """The page: what holds for all settings, then one row each, in the order of the class, inherited ones last."""
    rules = (
        f"A setting is given as an argument, as an environment variable, or in `{FILE_NAME}` in the home directory "
        f"(default `{DEFAULT_HOME}`); the first of these that has it wins. A name that is no setting is an error in "
        "the file and a warning of `cem doctor` in the environment. A default that is empty means: not set.\n"
    )
    head = ["variable", f"in `{FILE_NAME}`", "type", "default", "meaning"]
    fields = sorted(Settings.model_fields.items(), key=lambda item: item[0] not in Settings.__annotations__)
    return page("Settings", rules, table(head, [_row(name, field) for name, field in fields]))


def _row(name: str, field: FieldInfo) -> list[str]:
    return [
        code(f"{ENV_PREFIX}{name.upper()}"),
        "" if name in _NOT_IN_FILE else code(name),
        cell(_type(field.annotation)) + _limits(field),
        _default(field.default),
        cell(field.description or ""),
    ]


def _type(annotation: Any) -> str:
    if get_origin(annotation) in (Union, UnionType):
        return ", ".join(_type(part) for part in get_args(annotation) if part is not NoneType)
    if get_origin(annotation) is Literal:
        return " ".join(f"`{choice}`" for choice in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return " ".join(f"`{choice}`" for choice in annotation)
    if get_origin(annotation) is tuple:
        return f"list: {_type(get_args(annotation)[0])}"
    if get_origin(annotation) is Mapping:
        return f"table: {_type(get_args(annotation)[1])} by name"
    return _WORDS[annotation]


def _limits(field: FieldInfo) -> str:
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    found = [
        f"{text} {number(getattr(limit, key))}"
        for limit in field.metadata
        for key, text in words.items()
        if hasattr(limit, key)
    ]
    return f", {', '.join(found)}" if found else ""


def _default(value: object) -> str:
    if value is None or value in ((), {}):
        return "empty"
    return code(str(value).lower() if isinstance(value, bool) else value)
