"""One screen over a test's own database, run without a browser."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cemaphore.settings import Settings
from dashboards import saved_views
from dashboards.access import SCREENS, Role, enter

Opened = Callable[..., AppTest]
VIEWS = Path(__file__).parent.parent / "dashboards" / "views"


def draw(view: str) -> None:
    """Draw a page among all pages, as links ask for them, and saved views beside it; without log-in and frame."""
    pages = [st.Page(VIEWS / f"{name}.py", url_path=name, default=name == view) for name in SCREENS]
    enter(view)
    st.navigation(pages).run()
    saved_views.show(view)


@pytest.fixture
def screen(server: Settings, database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Opened]:
    """A function that opens a screen as a role, with these parameters of its address, over the test's database."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # as in test_filters
    (tmp_path / "views").symlink_to(VIEWS)  # links name pages as they lie beside the script

    def opened(view: str, role: Role = "admin", *, time_zone: str = "UTC", **asked: str) -> AppTest:
        given = {"HOME": str(server.home), "DATABASE_URL": database, "TIME_ZONE": time_zone, "LOCAL_ROLE": role}
        for name, value in given.items():
            monkeypatch.setenv(f"CEMAPHORE_{name}", value)
        _forget()
        script = tmp_path / f"{view}.py"
        script.write_text(f"from tests.screen_app import draw\n\ndraw({view!r})\n")
        app = AppTest.from_file(script, default_timeout=30)
        for name, value in asked.items():
            app.query_params[name] = value
        return app.run()

    yield opened
    _forget()


def _forget() -> None:
    """Settings, connections and readings are kept for the whole process."""
    st.cache_resource.clear()
    st.cache_data.clear()


def words(app: AppTest) -> str:
    """Return everything that a page says, its tables included."""
    kinds: tuple[Any, ...] = (app.title, app.header, app.subheader, app.caption, app.markdown, app.info, app.warning)
    said = [each.value for kind in kinds for each in kind] + [f"{each.label} {each.value}" for each in app.metric]
    return "\n".join([*said, *(each.value.to_csv() for each in app.dataframe)])
