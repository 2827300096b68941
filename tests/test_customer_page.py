"""The page of one customer on days of which nothing is measured, from a complaint made on one."""

from datetime import UTC, datetime

import pytest

from dashboards.messages import LANGUAGES, text
from store.connection import Connection
from tests.screen_app import Opened, words

KEY = 7
SEEN, COMPLAINED = "2026-03-02", "2026-03-04"
DAYS = [datetime(2026, 3, day, tzinfo=UTC) for day in (2, 3, 4)]
ZEROS = ", ".join(["0"] * 15)
SUMS = ", ".join(f"{name}_{each}" for name in ("network", "device", "app", "service", "overall") for each in
                 ("n", "sum", "sq"))  # fmt: skip


@pytest.fixture
def complained(connection: Connection) -> Connection:
    """Three scored days and a customer who complained on the last of them."""
    connection.execute("INSERT INTO cem.version (model_version, catalogue_version) VALUES ('m', 'c')")
    connection.execute("INSERT INTO cem.source (name) VALUES ('crm')")
    for start in DAYS:
        connection.execute(
            "INSERT INTO cem.group_index (grain, attribute, start, n_users, bad_users, n, bad, version_id, "  # noqa: S608
            f"value, {SUMS}) VALUES ('day', 'all', %s, 50, 0, 500, 2, 1, 0, {ZEROS})",
            [start],
        )
    connection.execute(
        "INSERT INTO cem.complaint (source_id, complaint_id, created_at, version_at, batch_id, arrived_at, "
        "subscriber_key, text) VALUES (1, 'k1', %(at)s, %(at)s, 1, %(at)s, %(key)s, 'it was slow')",
        {"at": DAYS[2].replace(hour=9), "key": KEY},
    )
    connection.commit()
    return connection


def measure(connection: Connection, start: datetime) -> None:
    """Give the customer a measured day of 12 rated sessions, 3 of them bad."""
    parts = ", ".join(f"{name}_{each}" for name in ("network", "device", "app", "service") for each in
                      ("n", "w", "s1", "s2", "m"))  # fmt: skip
    connection.execute(
        f"INSERT INTO cem.user_day (start, customer_key, n, bad, {parts}, overall, lo, hi, coverage, "  # noqa: S608
        f"limiting, version_id) VALUES (%s, %s, 12, 3, {', '.join(['0'] * 20)}, 71, 60, 80, 0.9, 1, 1)",
        [start, KEY],
    )
    connection.commit()


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_was_never_measured_still_has_what_is_on_record(
    screen: Opened, complained: Connection, language: str
) -> None:
    app = screen("customer", "care", customer=str(KEY), lang=language)
    assert not app.exception
    said = words(app)
    assert "it was slow" in said
    assert text(language, "customer.never_measured", days=60) in said
    assert text(language, "tell.unmeasured") in [each.value for each in app.code]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_complaints_day_without_sessions_is_shown_and_not_another(
    screen: Opened, complained: Connection, language: str
) -> None:
    measure(complained, DAYS[0])
    app = screen("customer", "care", customer=str(KEY), day=COMPLAINED, lang=language)
    assert not app.exception
    assert app.selectbox("day").value == COMPLAINED
    assert text(language, "customer.unmeasured", day=COMPLAINED) in words(app)
    assert text(language, "tell.unmeasured") in [each.value for each in app.code]
    assert "it was slow" in words(app)
    app.selectbox("day").select(SEEN).run()
    assert app.query_params["day"] == SEEN, "the newest measured day is named as well: tomorrow it is another"
    assert text(language, "customer.in_short", limiting=text(language, "dimension.device"), bad=3, n=12) in words(app)


def test_a_measured_day_before_those_that_are_listed_is_opened(screen: Opened, complained: Connection) -> None:
    old = datetime(2025, 11, 5, tzinfo=UTC)
    measure(complained, old)
    app = screen("customer", "care", customer=str(KEY), day="2025-11-05", lang="en")
    assert "3 of 12" in words(app)


def test_no_day_and_nothing_scored_is_today(screen: Opened, connection: Connection) -> None:
    for asked in ({}, {"day": "9999-12-31"}, {"day": "soon"}):
        app = screen("customer", "care", customer=str(KEY), lang="en", **asked)
        assert not app.exception
        assert text("en", "customer.never_measured", days=60) in words(app)
