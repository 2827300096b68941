"""Alerts held against known incidents: which were told, how soon, and which alerts were of none."""

from datetime import timedelta

import pytest

from alerts.incidents import Episode, Incident, compared, hurting, read_incidents
from alerts.signals import About
from records.errors import ConfigError
from tests.alert_series import NOON, QUARTER


def _episode(about: About, first: int, last: int | None, **more: object) -> Episode:
    given: dict[str, object] = {
        "alert_id": "a",
        "rule": "r",
        "kind": "drop",
        "subject": "s",
        "severity": "warning",
        "over": "sessions",
        "told": 1,
        **more,
    }
    resolved = None if last is None else NOON + last * QUARTER
    began = NOON + (first - 1) * QUARTER
    return Episode(about=about, started_at=began, fired_at=NOON + first * QUARTER, resolved_at=resolved, **given)  # type: ignore[arg-type]  # of a dict


def _incident(name: str, **selector: list[str]) -> Incident:
    return Incident(
        id=name, selector=selector, started_at=NOON, ended_at=NOON + 8 * QUARTER, severity=0.5, over="sessions"
    )


NORTH: About = {"region": frozenset({"north"})}
SOUTH: About = {"region": frozenset({"south"})}
CORE: About = {"core_node": frozenset({"upf"})}


def _held(episodes: list[Episode], about: About = NORTH):  # type: ignore[no-untyped-def]
    return compared(episodes, [_incident("f", region=["north"])], {"f": about}, 1.0)


def test_an_incident_is_told_in_time_and_over_in_time() -> None:
    found = _held([_episode(NORTH, 2, 11)])
    assert (found.precision, found.recall, found.delay_minutes) == (1.0, 1.0, 30.0)
    assert found.matched[0].over_in_time


def test_late_or_lasting_alerts_are_told_as_that() -> None:
    found = _held([_episode(NORTH, 5, 13)])
    assert (found.precision, found.recall) == (1.0, 0.0)
    assert not found.matched[0].over_in_time


def test_an_alert_elsewhere_or_before_is_false() -> None:
    found = _held([_episode(SOUTH, 2, 4), _episode(NORTH, -10, -4)])
    assert (found.precision, found.recall, len(found.false)) == (0.0, 0.0, 2)


def test_an_alert_that_names_nothing_of_the_incident_does_not_tell_it() -> None:
    found = _held([_episode(CORE, 2, 4)])
    assert (found.recall, found.false) == (0.0, ())
    whole = _held([_episode({}, 2, 4)])
    assert whole.recall == 1.0


def test_touchpoints_are_no_sessions() -> None:
    found = _held([_episode(CORE, 2, 4, over="touchpoints")])
    assert len(found.false) == 1


def test_a_part_tells_with_its_alert() -> None:
    inside = _episode(NORTH, 3, 9, told=0)
    found = _held([_episode(CORE, 2, 9, parts=(inside,))])
    assert found.matched[0].delay == timedelta(minutes=45)


def test_incidents_are_read_from_both_forms() -> None:
    (row,) = read_incidents(
        "id,started_at,ended_at,region\nx,2026-03-10T12:00:00+08:00,2026-03-10T13:00:00+08:00,north|south\n", "a.csv"
    )
    assert row.selector == {"region": ["north", "south"]}
    (other,) = read_incidents(
        '[{"id": "x", "started_at": "2026-03-10T12:00:00+08:00", "ended_at": "2026-03-10T13:00:00+08:00", '
        '"selector": {"region": ["north"]}, "severity": 0.0, "must_flag": false}]',
        "a.json",
    )
    assert other.started_at == row.started_at
    assert hurting([row, other]) == (row,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,begin\nx,y\n", "no column started_at, ended_at"),
        ('[{"id": "x"}]', "entry 1"),
        ('[{"id": "x", "started_at": "2026-03-10T12:00:00", "ended_at": "2026-03-10"}]', "offset"),
        ("[1,", "no JSON"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_incidents(text, "f")
