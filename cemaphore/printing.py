"""Printing results: JSON for programs, tables for people; not-a-number is null, times are ISO 8601."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

_WIDTH = 160  # of what is not a terminal
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*(\+00:00)$")

Shape = dict[str, Any] | list[dict[str, Any]]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a frame as one dict per row, with plain Python values."""
    return [plain(row) for row in frame.to_dict("records")]


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (datetime, date)):
        return None if pd.isna(value) else value.isoformat()
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show(shape: Shape, as_json: bool, *, columns: Mapping[str, Sequence[str]] | None = None) -> None:
    """Print a list of rows, or a dict of figures and lists, to standard output.

    JSON holds everything; people see of the table called `name` only `columns[name]`, where that is given (a list of
    rows has the name "").
    """
    shape = plain(shape)
    if as_json:
        print(json.dumps(shape, ensure_ascii=False))
        return
    console = Console(width=None if Console().is_terminal else _WIDTH, highlight=False, markup=False)
    chosen = columns or {}
    if isinstance(shape, list):
        _table(console, shape, chosen.get(""))
        return
    tables = {name for name, value in shape.items() if isinstance(value, list) and not _is_plain(value)}
    _figures(console, {name: value for name, value in shape.items() if name not in tables})
    for name, value in shape.items():
        if name in tables:
            console.print(f"\n{name.replace('_', ' ')}")
            _table(console, value, chosen.get(name))


def _is_plain(values: list[Any]) -> bool:
    """Whether a list is one figure, such as the two ends of an interval, and not rows."""
    return bool(values) and not any(isinstance(value, dict) for value in values)


def _figures(console: Console, figures: dict[str, Any]) -> None:
    grid = Table.grid(padding=(0, 2))
    for name, value in figures.items():
        grid.add_row(name.replace("_", " "), _cell(value))
    console.print(grid)


def _table(console: Console, rows: list[dict[str, Any]], chosen: Sequence[str] | None) -> None:
    if not rows:
        console.print("none")
        return
    columns = [name for name in chosen or rows[0] if any(row[name] is not None for row in rows)]
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if _is_number(rows, name) else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row[name]) for name in columns))
    console.print(table)


def _is_number(rows: list[dict[str, Any]], name: str) -> bool:
    return all(row[name] is None or isinstance(row[name], (int, float)) for row in rows)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, str) and _MOMENT.match(value):
        return f"{value[:10]} {value[11:16]}Z"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)
