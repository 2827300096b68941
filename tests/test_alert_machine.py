"""The states of alerts without a database: what is part of what, what is told, and what always holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from alerts.family import parent_of
from alerts.machine import Machine, Turn
from alerts.rulefile import read_rules
from alerts.signals import Geography, Signal
from tests.alert_series import BOOK, NOON, QUARTER

PLACES = Geography(
    site_of_cell={f"c{number}": f"s{number // 3}" for number in range(12)},
    region_of_cell={f"c{number}": "north" if number < 9 else "south" for number in range(12)},
    region_of_site={f"s{number}": "north" if number < 3 else "south" for number in range(4)},
)
_DROP, _CLUSTER = BOOK.rules[0], BOOK.rules[1]


def _signal(
    subject: str, state: str = "firing", *, excess: float | None = 10.0, drop: float = 10.0, at: int = 0
) -> Signal:
    attribute, _, name = subject.partition("=")
    cluster = attribute == "cluster"
    about = PLACES.of_selector({"core_node": ["upf"]}) if cluster else PLACES.about(attribute, name)
    return Signal(
        rule=_CLUSTER if cluster else _DROP,
        subject=subject,
        about=about,
        firing=state == "firing",
        pending=state in ("firing", "pending"),
        recovered=state == "back",
        since=NOON + at * QUARTER,
        unit="points",
        drop=drop,
        excess=excess,
        cluster_id=name if cluster else None,
    )


def _machine() -> Machine:
    return Machine(book=BOOK, zone=ZoneInfo("UTC"))


def _step(machine: Machine, place: int, *signals: Signal) -> list[Turn]:
    end = NOON + (place + 1) * QUARTER
    turns = machine.step(signals, end)
    machine.forget_resolved(end)
    return turns


def _said(turns: list[Turn]) -> list[tuple[str, str]]:
    return sorted((turn.row.subject, turn.row.state) for turn in turns if turn.change.told)


def test_narrower_drops_of_one_window_are_inside_the_widest() -> None:
    machine = _machine()
    assert _said(_step(machine, 0, *map(_signal, ("cell=c1", "region=north", "all", "cell=c10")))) == [
        ("all", "firing")
    ]
    (whole,) = [row for row in machine.rows.values() if row.parent_id is None]
    assert len(machine.children_of(whole)) == 3


def test_a_drop_elsewhere_is_an_alert_of_its_own() -> None:
    machine = _machine()
    _step(machine, 0, _signal("region=north"))
    assert _said(_step(machine, 1, _signal("cell=c1"))) == []
    assert _said(_step(machine, 2, _signal("cell=c10"))) == [("cell=c10", "firing")]


def test_a_wider_drop_that_a_narrower_one_explains_joins_it() -> None:
    machine = _machine()
    _step(machine, 0, _signal("region=north", excess=90.0))
    assert _said(_step(machine, 1, _signal("region=north", excess=90.0), _signal("all", excess=100.0))) == []
    small = _filled("region=north", 20.0)
    turns = _step(small, 1, _signal("region=north", excess=20.0), _signal("all", excess=100.0))
    assert _said(turns) == [("all", "firing")]


def _filled(subject: str, excess: float) -> Machine:
    machine = _machine()
    _step(machine, 0, _signal(subject, excess=excess))
    return machine


def test_a_cluster_that_explains_a_drop_gives_it_its_cause() -> None:
    machine = _filled("all", 100.0)
    assert _said(_step(machine, 1, _signal("all", excess=100.0), _signal("cluster=k", excess=80.0))) == []
    (root,) = [row for row in machine.rows.values() if row.parent_id is None]
    assert (root.subject, root.cluster_id) == ("all", "k")
    small = _filled("all", 100.0)
    turns = _step(small, 1, _signal("all", excess=100.0), _signal("cluster=k", excess=20.0))
    assert _said(turns) == [("cluster=k", "firing")]


def test_two_clusters_are_two_alerts() -> None:
    assert parent_of(_signal("cluster=a"), [_signal("cluster=b")]) is None


def test_a_storm_ends_with_its_last_part_and_later_ones_join_it() -> None:
    machine = _machine()
    cells = [f"cell=c{number}" for number in range(6)]
    assert _said(_step(machine, 0, *(_signal(cell, excess=None) for cell in cells))) == [("region=north", "firing")]
    assert _said(_step(machine, 1, _signal("cell=c8", excess=None))) == []
    assert _said(_step(machine, 2, *(_signal(cell, "back") for cell in cells))) == []
    assert _said(_step(machine, 3, _signal("cell=c8", "back"))) == [("region=north", "resolved")]
    assert machine.rows == {}


def test_parts_that_fire_on_for_an_hour_stand_for_themselves() -> None:
    machine = _machine()
    _step(machine, 0, _signal("region=north"), _signal("cell=c1"))
    turns = _step(machine, 1, _signal("region=north", "back"), _signal("cell=c1"))
    assert _said(turns) == [("region=north", "resolved")]
    told = [_said(_step(machine, place, _signal("cell=c1"))) for place in range(2, 7)]
    assert told == [[], [], [], [("cell=c1", "firing")], []]


def test_parts_that_are_back_soon_after_their_alert_are_not_told() -> None:
    machine = _machine()
    _step(machine, 0, _signal("region=north"), _signal("cell=c1"))
    _step(machine, 1, _signal("region=north", "back"), _signal("cell=c1"))
    assert _said(_step(machine, 2, _signal("cell=c1", "back"))) == []
    assert machine.rows == {}


def test_a_part_that_gets_graver_is_told_as_its_alert_getting_graver() -> None:
    machine = _machine()
    _step(machine, 0, _signal("region=north"))
    turns = _step(machine, 1, _signal("region=north"), _signal("cell=c1", drop=50.0))
    assert _said(turns) == [("region=north", "firing")]
    assert machine.rows["drop", "region=north"].severity == "critical"


def test_a_rule_that_is_gone_ends_its_alerts() -> None:
    machine = _filled("all", 1.0)
    machine.book = read_rules('[[rule]]\nname = "other"\nover = ["all"]\n')
    assert _said(_step(machine, 1)) == [("all", "resolved")]


def test_what_nobody_heard_of_for_a_day_has_ended() -> None:
    machine = _filled("cell=c1", 1.0)
    assert _step(machine, 90) == []
    assert _said(_step(machine, 100)) == [("cell=c1", "resolved")]


_SUBJECTS = ("all", "region=north", "region=south", "cluster=k", *(f"cell=c{number}" for number in range(12)))
_WINDOWS = st.lists(
    st.dictionaries(st.sampled_from(_SUBJECTS), st.sampled_from(("firing", "pending", "calm", "back")), max_size=10),
    min_size=1,
    max_size=12,
)


@given(_WINDOWS, st.floats(0, 50))
def test_each_alert_is_told_to_fire_once_and_to_be_over_once(windows: list[dict[str, str]], excess: float) -> None:
    machine = _machine()
    firing: dict[str, str] = {}
    keys: set[tuple[str, str, int]] = set()
    for place, window in enumerate(windows):
        turns = _step(machine, place, *(_signal(name, state, excess=excess) for name, state in window.items()))
        for turn in turns:
            row, change = turn.row, turn.change
            key = (row.alert_id, row.state, change.number)
            assert key not in keys
            keys.add(key)
            if not change.told:
                continue
            if row.state == "resolved":
                assert firing.pop(row.alert_id) is not None
            else:
                assert row.parent_id is None
                firing[row.alert_id] = row.severity
        alive = {row.alert_id: row for row in machine.rows.values()}
        for row in alive.values():
            if row.parent_id in alive:
                assert alive[row.parent_id].parent_id is None  # one level
            elif row.parent_id is not None:
                assert row.parent_id in machine.over  # it ended less than an hour ago
            elif row.state == "firing":
                assert row.alert_id in firing  # whatever stands for itself was told
    for place in range(len(windows), len(windows) + 3):
        for turn in _step(machine, place, *(_signal(name, "back") for name in _SUBJECTS)):
            if turn.change.told and turn.row.state == "resolved":
                firing.pop(turn.row.alert_id)
    assert not firing
    assert not machine.rows


def test_an_acknowledgement_ends_with_its_time_and_with_graver_news() -> None:
    machine = _filled("all", 10.0)
    key = ("drop", "all")
    at = datetime(2026, 3, 10, 12, 15, tzinfo=UTC)
    _acknowledge(machine, key, at, at + timedelta(minutes=20))
    assert _said(_step(machine, 1, _signal("all"))) == []
    assert _said(_step(machine, 2, _signal("all"))) == [("all", "firing")]
    _acknowledge(machine, key, at, None)
    assert _said(_step(machine, 3, _signal("all", drop=50.0))) == [("all", "firing")]


def _acknowledge(machine: Machine, key: tuple[str, str], at: datetime, until: datetime | None) -> None:
    machine.rows[key] = replace(
        machine.rows[key],
        state="acknowledged",
        acknowledged_at=at,
        acknowledged_by="ann",
        acknowledged_until=until,
    )
