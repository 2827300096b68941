"""Grafana dashboards as JSON, made of the short descriptions in `deploy/grafana/panels`, once in each language.

A description (TOML) names messages of the screens' catalogues, an SQL query over schema `api` or a PromQL expression.
"""

import json
import tomllib
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cemaphore.wording import messages
from records.errors import ConfigError

LANGUAGES = ("en", "zh")
POSTGRES = {"type": "grafana-postgresql-datasource", "uid": "${postgres}"}
PROMETHEUS = {"type": "prometheus", "uid": "${prometheus}"}
SCHEMA_VERSION = 39  # what Grafana 10.3 and later read; they bring older ones up to date themselves
_COLUMNS, _HEIGHT = 24, 8  # of Grafana's grid
_NOTHING: dict[str, Any] = {}

Words = Mapping[str, str]
Described = Mapping[str, Any]


def dashboard(described: Described, language: str) -> dict[str, Any]:
    """Return one dashboard in a language, as Grafana's provisioning reads it."""
    words = messages(language)
    sources = _sources(described)
    return {
        "uid": f"{described['uid']}-{language}",
        "title": words[described["title"]],
        "tags": ["cemaphore", language],
        "timezone": "browser",
        "editable": True,
        "graphTooltip": 1,
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "refresh": described.get("refresh", "5m"),
        "time": {"from": described.get("from", "now-24h"), "to": "now"},
        "templating": {"list": [*sources, *(_variable(one, words) for one in described.get("variables", []))]},
        "links": [_other_dashboards(words, language)],
        "panels": list(_panels(described["panels"], words)),
        "annotations": {"list": []},
    }


def read(folder: Path) -> dict[str, Described]:
    """Return the descriptions of a folder by file name without its ending."""
    return {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.toml"))}


def files(folder: Path) -> dict[Path, str]:
    """Return every dashboard file below `folder`/dashboards, made of `folder`/panels."""
    return {
        folder / "dashboards" / language / f"{name}.json": json.dumps(
            dashboard(described, language), ensure_ascii=False, indent=1
        )
        + "\n"
        for language in LANGUAGES
        for name, described in read(folder / "panels").items()
    }


def _sources(described: Described) -> Iterator[dict[str, Any]]:
    """The data sources as variables: whatever they are called where the dashboards are loaded."""
    used = {"sql" if "sql" in panel else "expr" for panel in described["panels"]}
    for name, kind, word in (("postgres", POSTGRES["type"], "sql"), ("prometheus", PROMETHEUS["type"], "expr")):
        if word in used:
            yield {"type": "datasource", "name": name, "label": name, "query": kind, "hide": 0, "refresh": 1,
                   "current": _NOTHING, "options": [], "regex": "", "multi": False, "includeAll": False}  # fmt: skip


def _variable(described: Described, words: Words) -> dict[str, Any]:
    """A choice above the panels: of given values, or of what a query brings."""
    shape = {"name": described["name"], "label": words[described["label"]], "hide": 0, "multi": False,
             "includeAll": False, "skipUrlSync": False}  # fmt: skip
    if "values" in described:
        options = [{"text": words.get(f"{described['words']}.{value}", value), "value": value, "selected": number == 0}
                   for number, value in enumerate(described["values"])]  # fmt: skip
        query = ",".join(f"{one['text']} : {one['value']}" for one in options)
        current = {"text": options[0]["text"], "value": options[0]["value"]}
        return {**shape, "type": "custom", "query": query, "options": options, "current": current}
    return {**shape, "type": "query", "datasource": POSTGRES, "query": described["sql"].strip(),
            "refresh": 2, "sort": 0, "regex": "", "options": [],
            "current": _NOTHING}  # fmt: skip


def _other_dashboards(words: Words, language: str) -> dict[str, Any]:
    return {"type": "dashboards", "title": words["grafana.others"], "tags": ["cemaphore", language], "asDropdown": True,
            "includeVars": False, "keepTime": True, "targetBlank": False, "icon": "external link", "url": "",
            "tooltip": ""}  # fmt: skip


def _panels(described: list[Described], words: Words) -> Iterator[dict[str, Any]]:
    """The panels, laid out in rows from left to right."""
    x = y = row_height = 0
    for number, one in enumerate(described, 1):
        width, height = one.get("width", _COLUMNS // 2), one.get("height", _HEIGHT)
        if x + width > _COLUMNS:
            x, y, row_height = 0, y + row_height, 0
        yield _panel(one, words, number, {"x": x, "y": y, "w": width, "h": height})
        x, row_height = x + width, max(row_height, height)


def _panel(one: Described, words: Words, number: int, place: dict[str, int]) -> dict[str, Any]:
    source = POSTGRES if "sql" in one else PROMETHEUS
    panel = {
        "id": number,
        "type": one["type"],
        "title": words[one["title"]],
        "datasource": source,
        "gridPos": place,
        "targets": list(_targets(one, words)),
        "fieldConfig": {"defaults": _defaults(one), "overrides": list(_overrides(one, words))},
        "options": _options(one),
    }
    return {**panel, "description": words[one["help"]]} if "help" in one else panel


def _targets(one: Described, words: Words) -> Iterator[dict[str, Any]]:
    if "sql" in one:
        form = "table" if one["type"] in ("table", "bargauge") or one.get("form") == "table" else "time_series"
        yield {"refId": "A", "datasource": POSTGRES, "rawQuery": True, "editorMode": "code", "format": form,
               "rawSql": one["sql"].strip()}  # fmt: skip
        return
    if len(one["expr"]) > len(one.get("legend", one["expr"])):
        raise ConfigError(f"panel {one['title']}: {len(one['expr'])} expressions and fewer legends")
    for number, expr in enumerate(one["expr"]):
        legend = one.get("legend", [""] * len(one["expr"]))[number]
        instant = one["type"] in ("stat", "bargauge", "table")
        yield {"refId": chr(ord("A") + number), "datasource": PROMETHEUS, "editorMode": "code", "expr": expr,
               "legendFormat": words.get(legend, legend), "range": not instant, "instant": instant}  # fmt: skip


def _defaults(one: Described) -> dict[str, Any]:
    """Unit and bounds; without a value a panel says nothing instead of zero."""
    defaults = {name: one[name] for name in ("unit", "min", "max", "decimals") if name in one}
    if one["type"] == "timeseries":
        defaults["custom"] = {"lineWidth": 2, "fillOpacity": 0, "showPoints": "auto", "spanNulls": False}
    return defaults | {"noValue": "–", "mappings": [], "color": {"mode": one.get("color", "palette-classic")}}


def _overrides(one: Described, words: Words) -> Iterator[dict[str, Any]]:
    """Columns under their names in the reader's language, with their units and the words that their values mean."""
    for field, key in one.get("fields", _NOTHING).items():
        yield _override(field, {"id": "displayName", "value": words[key]})
    if "series" in one:  # each series is called by a word that data bring
        for key in sorted(words):
            prefix, _, field = key.partition(".")
            if prefix == one["series"]:
                yield _override(field, {"id": "displayName", "value": words[key]})
    for field, unit in one.get("units", _NOTHING).items():
        yield _override(field, {"id": "unit", "value": unit})
    for field, prefix in one.get("words", _NOTHING).items():
        known = sorted(key for key in words if key.startswith(f"{prefix}."))
        options = {key.removeprefix(f"{prefix}."): {"text": words[key], "index": index}
                   for index, key in enumerate(known)}  # fmt: skip
        yield _override(field, {"id": "mappings", "value": [{"type": "value", "options": options}]})


def _override(field: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"matcher": {"id": "byName", "options": field}, "properties": [value]}


def _options(one: Described) -> dict[str, Any]:
    reduced = {"calcs": ["lastNotNull"], "fields": "", "values": one["type"] == "bargauge"}
    if one["type"] == "timeseries":
        return {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
                "tooltip": {"mode": "multi", "sort": "none"}}  # fmt: skip
    if one["type"] == "bargauge":
        return {"displayMode": "gradient", "orientation": "horizontal", "reduceOptions": reduced, "showUnfilled": True}
    if one["type"] == "stat":
        return {"colorMode": "value", "graphMode": "area", "justifyMode": "auto", "orientation": "auto",
                "textMode": "auto", "reduceOptions": reduced}  # fmt: skip
    return {}


def main() -> None:
    """Write the dashboards of a checkout."""
    parser = ArgumentParser(prog="python -m cemaphore.grafana", description="Write the Grafana dashboards.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("deploy/grafana"), help="the folder to write into")
    for path, text in files(parser.parse_args().folder).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
