"""`cem alerts check|test|backtest`: whether a rule file is right, and what its rules would have said."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cemaphore.moments import From, To

if TYPE_CHECKING:
    from alerts.incidents import Backtest, Episode
    from alerts.rules import RuleBook
    from cemaphore.settings import Settings

JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Rules = Annotated[
    Path | None, typer.Option("--rules", metavar="FILE", help="Another rule file than the one that is in use.")
]
_LINE = ("fired_at", "resolved_at", "severity", "subject", "value", "expected", "users", "horizon", "parts", "told")


def register(app: typer.Typer) -> None:
    """Add the commands to `cem alerts`."""
    alerts = next(group.typer_instance for group in app.registered_groups if group.name == "alerts")
    assert alerts is not None
    alerts.command("check")(_check)
    alerts.command("test")(_test)
    alerts.command("backtest")(_backtest)


def _check(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="Without it: the rules that are in use.")] = None,
    as_json: JSON = False,
) -> None:
    """Check a rule file: every mistake with its line and what would be right; exit code 4 where there is one."""
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from cemaphore.settings import load_settings

    with exits():
        book = _book(load_settings(), file)
    rows = [
        {
            "name": rule.name,
            "kind": rule.kind,
            "measure": rule.measure if rule.kind == "drop" else None,
            "over": ", ".join(rule.over),
            "severity": rule.severity,
            "margin": rule.margin,
            "recovery": rule.recovery,
            "owner": rule.owner,
        }
        for rule in book.rules
    ]
    show({"rules": rows, "maintenance": [work.name for work in book.maintenance]}, as_json)


def _test(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The rule's name.")],
    start: From = None,
    end: To = None,
    rules: Rules = None,
    as_json: JSON = False,
) -> None:
    """Play history through the rules, and print when this one would have fired; nothing is stored or told."""
    from cemaphore.exits import exits
    from cemaphore.printing import show
    from cemaphore.settings import load_settings
    from records.errors import ConfigError

    with exits():
        settings = load_settings()
        book = _book(settings, rules)
        if book.named(rule) is None:
            raise ConfigError(f"there is no rule {rule}; there are {', '.join(each.name for each in book.rules)}")
        episodes = [each for each in _replayed(settings, book, start, end) if each.rule == rule]
    show([_shape(each) for each in episodes], as_json, columns={"": _LINE})


def _backtest(
    truth: Annotated[
        Path, typer.Option("--truth", metavar="FILE", help="Known incidents: the demo's truth.json, or a CSV.")
    ],
    start: From = None,
    end: To = None,
    rules: Rules = None,
    as_json: JSON = False,
) -> None:
    """Hold what the rules would have told against known incidents: precision, recall and delay."""
    from alerts.incidents import compared, hurting, read_incidents
    from cemaphore.exits import exits
    from cemaphore.pipeline.alert_clusters import geography
    from cemaphore.pipeline.alert_replay import span_of
    from cemaphore.printing import show
    from cemaphore.settings import load_settings
    from records.errors import ConfigError

    with exits():
        settings = load_settings()
        if not truth.is_file():
            raise ConfigError(f"there is no file {truth}")
        incidents = hurting(read_incidents(truth.read_text(encoding="utf-8"), str(truth)))
        episodes = _replayed(settings, _book(settings, rules), start, end)
        with _connected(settings) as connection:
            places = geography(connection)
            weeks, incidents = span_of(connection, incidents, start, end)
        abouts = {each.id: places.of_selector(each.selector) for each in incidents}
        found = compared(episodes, incidents, abouts, weeks)
    show(_report(found), as_json)


def _report(found: "Backtest") -> dict[str, Any]:
    return {
        "precision": found.precision,
        "recall": found.recall,
        "delay_minutes": found.delay_minutes,
        "told": found.told,
        "false": len(found.false),
        "false_per_week": len(found.false) / found.weeks if found.weeks else None,
        "weeks": found.weeks,
        "incidents": [
            {
                "id": each.incident.id,
                "severity": each.incident.severity,
                "must_flag": each.incident.must_flag,
                "alert": None if each.episode is None else f"{each.episode.rule} {each.episode.subject}",
                "delay_minutes": None if each.delay is None else each.delay.total_seconds() / 60,
                "in_time": each.in_time,
                "over_in_time": each.over_in_time,
            }
            for each in found.matched
        ],
        "false_alerts": [_shape(each) for each in found.false],
    }


def _shape(episode: "Episode") -> dict[str, Any]:
    plain = {name: value for name, value in vars(episode).items() if name not in ("about", "over", "parts")}
    return {**plain, "parts": len(episode.parts)}


def _book(settings: "Settings", file: Path | None) -> "RuleBook":
    from cemaphore.pipeline.alerting import checked, rules_of
    from records.errors import ConfigError

    if file is None:
        return rules_of(settings)
    if not file.is_file():
        raise ConfigError(f"there is no file {file}")
    return checked(file.read_text(encoding="utf-8"), str(file), settings)


def _replayed(settings: "Settings", book: "RuleBook", start: datetime | None, end: datetime | None) -> "list[Episode]":
    from cemaphore.pipeline.alert_replay import replay

    with _connected(settings) as connection:
        return replay(connection, settings, book, start, end)


def _connected(settings: "Settings") -> Any:
    from cemaphore import privatedb
    from store.connection import connect

    return connect(privatedb.ensure(settings), autocommit=True)
