"""Choices of the screens stand in the URL as language-neutral values, and the URL decides."""

import sys

import pytest
from streamlit.testing.v1 import AppTest

from dashboards.messages import text


@pytest.fixture(autouse=True)
def main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """The script becomes the main module while it runs: processes that later tests spawn would run it again."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


def _script() -> None:
    import streamlit as st

    from dashboards import filters
    from dashboards.page import word

    grain = filters.buttons("step", ("15m", "hour"), key="grain", named=lambda name: word("grain", name))
    by = filters.attribute("by", ("region", "cell"), key="by")
    st.write(f"{grain} {by}")


def _app(**asked: str) -> AppTest:
    app = AppTest.from_function(_script, default_timeout=30)
    for name, value in asked.items():
        app.query_params[name] = value
    return app.run()


def test_the_url_chooses_whatever_the_language() -> None:
    for language in ("en", "zh"):
        app = _app(grain="hour", by="cell", lang=language)
        assert app.markdown[0].value == "hour cell"
        assert app.selectbox[0].options == [text(language, f"attribute.{name}") for name in ("region", "cell")]


def test_what_is_picked_stands_in_the_url_by_its_neutral_name() -> None:
    app = _app(lang="en")
    app.selectbox[0].select_index(1).run()
    assert app.query_params["by"] == "cell"
    assert app.markdown[0].value == "15m cell"
    app.selectbox[0].select_index(0).run()
    assert "by" not in app.query_params


def test_a_value_that_no_choice_has_is_the_default() -> None:
    assert _app(grain="century").markdown[0].value == "15m region"
