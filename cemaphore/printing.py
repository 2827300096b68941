"""Printing results: JSON for programs, tables for people; not-a-number is null, times are ISO 8601."""

import json
import math
from datetime import date, datetime
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

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


def show(shape: Shape, as_json: bool) -> None:
    """Print a list of rows, or a dict of figures and lists, to standard output."""
    shape = plain(shape)
    if as_json:
        print(json.dumps(shape, ensure_ascii=False))
        return
    console = Console()
    if isinstance(shape, list):
        _table(console, shape)
        return
    _figures(console, {name: value for name, value in shape.items() if not _rows(value)})
    for name, value in shape.items():
        if _rows(value):
            console.print(f"\n[bold]{name.replace('_', ' ')}[/bold]")
            _table(console, value)


def _rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _figures(console: Console, figures: dict[str, Any]) -> None:
    grid = Table.grid(padding=(0, 2))
    for name, value in figures.items():
        grid.add_row(name.replace("_", " "), _cell(value))
    console.print(grid)


def _table(console: Console, rows: list[dict[str, Any]]) -> None:
    if not rows:
        console.print("none")
        return
    columns = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    table = Table(*columns)
    for row in rows:
        table.add_row(*(_cell(row[name]) for name in columns))
    console.print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)
