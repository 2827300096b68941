"""Experience now: against the same hour of other days, who is hurt beyond chance, complaints so far, gaps of data."""

from datetime import UTC, datetime, timedelta

import pytest

from store import experience, gaps
from store.connection import Connection
from store.labels import Labels

NOW = datetime(2026, 3, 20, 14, tzinfo=UTC)
DAY = timedelta(days=1)
_ZEROS = {f"{name}_{end}": 0 for name in experience.INDICES for end in ("n", "sum", "sq")}


def _group(
    connection: Connection, start: datetime, overall: float, *, attribute: str = "all", value: int = 0, bad: int = 10
) -> None:
    row = _ZEROS | {
        "grain": "hour", "attribute": attribute, "start": start, "value": value, "n_users": 80, "bad_users": 5,
        "n": 100, "bad": bad, "expected_bad": 10.0, "overall_n": 80, "overall": overall,
        "overall_lo": overall - 1, "overall_hi": overall + 1,
        "version_id": 1,
    }  # fmt: skip
    names, places = ", ".join(row), ", ".join(["%s"] * len(row))
    connection.execute(f"INSERT INTO cem.group_index ({names}) VALUES ({places})", list(row.values()))  # noqa: S608 - ours


@pytest.fixture
def scored(connection: Connection) -> Connection:
    """A database with a version to name."""
    connection.execute("INSERT INTO cem.version (model_version, catalogue_version) VALUES ('m', 'c')")
    return connection


def test_now_stands_against_the_same_hour_of_the_days_before(scored: Connection) -> None:
    """Other hours and days beyond four weeks do not count."""
    for days, overall in ((0, 60.0), (1, 80.0), (2, 82.0), (7, 84.0), (29, 10.0)):
        _group(scored, NOW - days * DAY, overall)
    _group(scored, NOW - timedelta(hours=1), 20.0)
    found = experience.now(scored)
    assert found is not None
    assert (found.start, found.sessions, found.bad_ratio, found.expected_ratio) == (NOW, 100, 0.1, pytest.approx(0.1))
    overall = found.measures[0]
    assert (overall.now, overall.lo, overall.hi, overall.usual, overall.days) == (60, 59, 61, 82, 3)
    assert found.measures[1].now is None  # no network index: not enough data, which is no zero


def test_two_days_are_nothing_usual_yet(scored: Connection) -> None:
    for days in (0, 1, 2):
        _group(scored, NOW - days * DAY, 80.0)
    found = experience.now(scored)
    assert found is not None
    assert found.measures[0].usual is None
    assert found.measures[0].days == 2


def test_nothing_scored_is_nothing_now(scored: Connection) -> None:
    assert experience.now(scored) is None
    assert experience.hurt(scored, 5).empty


def test_who_is_hurt_is_hurt_beyond_chance(scored: Connection, labels: Labels) -> None:
    """Ten bad of a hundred were expected: 13 are chance, 30 are not; of an app nobody is asked here."""
    gold, silver = map(int, labels.ids("vip_level", ["gold", "silver"]))
    _group(scored, NOW, 80.0)
    _group(scored, NOW, 70.0, attribute="vip_level", value=gold, bad=30)
    _group(scored, NOW, 79.0, attribute="vip_level", value=silver, bad=13)
    _group(scored, NOW, 60.0, attribute="app", value=int(labels.ids("app", ["video"])[0]), bad=90)
    _group(scored, NOW - DAY, 60.0, attribute="vip_level", value=silver, bad=90)
    found = experience.hurt(scored, 5)
    assert found["value"].tolist() == ["gold"]
    assert found["excess"].iloc[0] == pytest.approx(20)


def test_complaints_today_stand_against_the_same_span_of_other_days(connection: Connection, labels: Labels) -> None:
    """A complaint that was changed counts once; what came later on other days does not count."""
    labels.sources(["crm"])
    midnight = NOW.replace(hour=0)
    made = [(midnight + timedelta(hours=9), 2)]
    made += [(midnight - days * DAY + timedelta(hours=hour), 1) for days in (1, 2, 3) for hour in (3, 8, 20)]
    for number, (at, versions) in enumerate(made):
        for version in range(versions):
            connection.execute(
                "INSERT INTO cem.complaint (source_id, complaint_id, created_at, version_at, batch_id, arrived_at, "
                "subscriber_key) VALUES (1, %s, %s, %s, 1, %s, 1)",
                [f"k{number}", at, at + timedelta(minutes=version), at],
            )
    assert experience.complaints_today(connection, midnight, NOW) == (1, 2.0)
    assert experience.complaints_today(connection, midnight + 9 * DAY, NOW + 9 * DAY)[0] == 0


@pytest.mark.parametrize("minutes", [15, 30, 45])
def test_complaints_after_a_midnight_between_utc_hours_are_of_that_day(
    connection: Connection, labels: Labels, minutes: int
) -> None:
    """In Mumbai or Kathmandu, what was said just after midnight is today's, what was said just before is not."""
    labels.sources(["crm"])
    midnight = NOW.replace(hour=18, minute=minutes) - DAY
    for number, after in enumerate((-1, 0, 5)):
        at = midnight + timedelta(minutes=after)
        connection.execute(
            "INSERT INTO cem.complaint (source_id, complaint_id, created_at, version_at, batch_id, arrived_at, "
            "subscriber_key) VALUES (1, %s, %s, %s, 1, %s, 1)",
            [f"k{number}", at, at, at],
        )
    assert experience.complaints_today(connection, midnight, NOW)[0] == 2


def test_neighbouring_silent_windows_are_one_gap(connection: Connection, labels: Labels) -> None:
    labels.sources(["probe"])
    for quarter, state in enumerate(("good", "silent", "silent", "good", "outage", "outage", "silent")):
        connection.execute(
            "INSERT INTO cem.source_window (source_id, kind, start, received, expected, late, duplicate, quarantined, "
            "missing, profile, findings, state, made_at) "
            "VALUES (1, 'sessions', %s, %s, 100, 5, 0, '{}', '{}', '{}', '[]', %s, now())",
            [NOW + quarter * timedelta(minutes=15), 100 if state == "good" else 0, state],
        )
    found = gaps.gaps(connection, NOW, 10)
    quarters = [(row.state, (row.start - NOW) // timedelta(minutes=15), (row.end - NOW) // timedelta(minutes=15))
                for row in found.itertuples()]  # fmt: skip
    assert quarters == [("silent", 6, 7), ("outage", 4, 6), ("silent", 1, 3)]
    whole = gaps.deliveries(connection, NOW).iloc[0]
    assert (whole["windows"], int(whole["received"]), int(whole["expected"]), int(whole["late"])) == (7, 200, 700, 35)
