"""Saved views keep what a screen shows, and neither the language nor the clock of who saved them."""

from urllib.parse import parse_qs

from streamlit.testing.v1 import AppTest

from dashboards.messages import text
from store.connection import Connection
from tests.screen_app import Opened, words


def save(app: AppTest, name: str, *, shared: bool = False) -> None:
    """Fill the form in and send it."""
    next(each for each in app.text_input if each.label == text("en", "views.name")).set_value(name)
    if shared:
        next(each for each in app.checkbox if each.label == text("en", "views.share")).check()
    next(each for each in app.button if each.label == text("en", "views.save")).click().run()
    assert not app.exception


def stored(connection: Connection) -> dict[str, dict[str, str]]:
    """Parameters of all views by name."""
    return dict(connection.execute("SELECT name, parameters FROM cem.saved_view").fetchall())


def test_a_view_opens_in_the_language_and_zone_of_who_opens_it(screen: Opened, connection: Connection) -> None:
    save(screen("alerts", scope="all", lang="en", tz="Asia/Tokyo"), "All alerts", shared=True)
    assert stored(connection) == {"All alerts": {"scope": "all"}}
    # One that an earlier release saved.
    connection.execute('UPDATE cem.saved_view SET parameters = parameters || \'{"lang": "en", "tz": "Asia/Tokyo"}\'')
    connection.commit()
    app = screen("alerts", lang="zh", tz="Europe/Berlin")
    (link,) = [each.proto for each in app.get("page_link") if each.proto.label == "All alerts"]
    assert parse_qs(link.query_string) == {"scope": ["all"], "lang": ["zh"], "tz": ["Europe/Berlin"]}


def test_a_view_of_one_customer_is_kept_and_not_shared(screen: Opened, connection: Connection) -> None:
    app = screen("audit", subject="4611686018427387904", lang="en")
    assert text("en", "views.of_one") in words(app)
    assert text("en", "views.share") not in [each.label for each in app.checkbox]
    save(app, "One of them")
    assert stored(connection) == {"One of them": {"subject": "4611686018427387904"}}
    assert connection.execute("SELECT shared FROM cem.saved_view").fetchall() == [(False,)]
