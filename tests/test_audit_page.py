"""The audit's filters stand in the URL, by words of no language; a raw number never does."""

import pytest

from dashboards.messages import LANGUAGES, text
from store.acting import call
from store.connection import Connection
from tests.screen_app import Opened

KEY = 4611686018427387904


@pytest.fixture
def acted(connection: Connection) -> Connection:
    """Two people who looked at one customer each."""
    for who, key in (("anna", KEY), ("bo", KEY + 1)):
        call(connection, who, "look_at_customer", (key, "page", "rang the hotline"))
    connection.commit()
    return connection


@pytest.mark.usefixtures("acted")
def test_what_is_chosen_stands_in_the_url(screen: Opened) -> None:
    app = screen("audit", lang="en")
    app.selectbox("actor").select("bo").run()
    app.selectbox("action").select("look at a customer").run()
    app.text_input("subject").set_value(str(KEY + 1)).run()
    chosen = {"actor": "bo", "action": "look at a customer", "subject": str(KEY + 1)}
    assert {name: app.query_params[name] for name in chosen} == chosen
    assert app.dataframe[0].value[text("en", "audit.actor")].tolist() == ["bo"]
    app.text_input("subject").set_value("").run()
    app.selectbox("actor").select("").run()
    assert not {"actor", "subject"} & set(app.query_params)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.usefixtures("acted")
def test_the_url_is_the_filter_whatever_the_language(screen: Opened, language: str) -> None:
    app = screen("audit", lang=language, actor="anna", subject=str(KEY))
    assert app.text_input("subject").value == str(KEY)
    assert app.dataframe[0].value[text(language, "audit.actor")].tolist() == ["anna"]
    assert text(language, "audit.all") in app.selectbox("action").options


@pytest.mark.usefixtures("acted")
def test_a_telephone_number_does_not_get_into_the_url(screen: Opened) -> None:
    app = screen("audit", lang="en")
    app.text_input("subject").set_value("8613800138000").run()
    assert "subject" not in app.query_params
    assert [each.value for each in app.warning] == [text("en", "audit.no_customer")]
    assert not app.exception
