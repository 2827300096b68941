"""What holds for all screens: preferences that stay, saved views, exports, and states without data or database."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psycopg
import pytest
from playwright.sync_api import Page

from dashboards.messages import text
from store import saved_views
from store.connection import connect
from tests.browsing import VIEWS, address_of, open_page, picture, served, settle
from tests.city import City

SHANGHAI_MIDNIGHT = "2026-03-12 00:00"  # the end of the city's data, in UTC 16:00 of the day before


def test_language_and_zone_stay_from_page_to_page(site: str, page: Page) -> None:
    open_page(page, address_of(site, "overview", lang="zh"))
    page.get_by_text(SHANGHAI_MIDNIGHT).first.wait_for()
    page.get_by_label(text("zh", "app.time_zone")).click()
    page.get_by_role("option", name="UTC", exact=True).click()
    page.get_by_text("2026-03-11 16:00").first.wait_for()
    page.get_by_test_id("stSidebarNavLink").filter(has_text=text("zh", "nav.data")).click()
    page.get_by_role("heading", name=text("zh", "data.title"), exact=True).wait_for()
    page.wait_for_url("**/data?*lang=zh*")
    assert "tz=UTC" in page.url


def test_a_view_is_saved_opened_shared_and_deleted(site: str, page: Page, city: City) -> None:
    """What is private stays so in the database: another viewer's reading does not hold it."""
    open_page(page, address_of(site, "overview", grain="day", lang="en"))
    for name, shared in (("Mine by day", False), ("Ours by day", True)):
        _unfold_views(page)
        page.get_by_label(text("en", "views.name")).fill(name)
        if shared:
            page.get_by_text(text("en", "views.share"), exact=True).click()
        page.get_by_role("button", name=text("en", "views.save")).click()
        page.get_by_role("link", name=name).wait_for()
        page.keyboard.press("Escape")
    with connect(city.dsn, role="cem_care") as connection:
        assert saved_views.of(connection, "somebody else")["name"].tolist() == ["Ours by day"]
    open_page(page, address_of(site, "data", lang="en"))
    _unfold_views(page)
    page.get_by_role("link", name="Mine by day").click()
    page.get_by_role("heading", name=text("en", "overview.title"), exact=True).wait_for()
    page.wait_for_url("**grain=day*")
    _unfold_views(page)
    for name in ("Mine by day", "Ours by day"):
        page.get_by_role("button", name=text("en", "views.delete", name=name)).click()
        page.get_by_role("link", name=name).wait_for(state="detached")


def _unfold_views(page: Page) -> None:
    settle(page)
    if not page.get_by_label(text("en", "views.name")).is_visible():
        page.get_by_role("button", name=text("en", "views.saved")).click()
    page.get_by_label(text("en", "views.name")).wait_for()


def test_complaints_leave_as_csv_and_the_audit_says_who(site: str, page: Page, city: City, tmp_path: Path) -> None:
    open_page(page, address_of(site, "complaints", lang="en"))
    page.get_by_role("button", name=text("en", "export.title")).last.click()
    with page.expect_download() as begun:
        page.get_by_role("button", name=text("en", "export.as", format="CSV")).click()
    begun.value.save_as(tmp_path / "complaints.csv")
    frame = pd.read_csv(tmp_path / "complaints.csv")
    assert {"complaint_id", "customer_key", "text"} <= set(frame)
    with connect(city.dsn) as connection:
        actor, detail = connection.execute(
            "SELECT actor, detail FROM cem.audit WHERE action = 'export a table' ORDER BY audit_id DESC LIMIT 1"
        ).fetchone() or ("", {})
    assert actor
    assert detail["rows"] == len(frame)


def test_the_keyboard_alone_opens_a_page(site: str, page: Page) -> None:
    open_page(page, address_of(site, "overview", lang="en"))
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.textContent.trim()") == text("en", "nav.data"):
            break
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=text("en", "data.title"), exact=True).wait_for()


@pytest.fixture
def empty_site(database: str, city: City) -> Iterator[str]:
    """Screens over a database in which nothing was collected."""
    with served(city.settings, database) as address:
        yield address


def test_without_data_every_view_says_so(empty_site: str, page: Page) -> None:
    for view in VIEWS:
        open_page(page, address_of(empty_site, view, lang="en"))
        page.get_by_role("heading", name=text("en", f"{view}.title"), exact=True).wait_for()
        assert page.get_by_text(text("en", "app.broken")).count() == 0, view
        assert page.get_by_test_id("stException").count() == 0, view
        picture(page, f"empty-{view}")


def test_without_a_database_the_page_says_what_to_do(city: City, page: Page) -> None:
    gone = psycopg.conninfo.make_conninfo(city.dsn, port=1, host="127.0.0.1", connect_timeout=2)
    with served(city.settings, gone) as address:
        page.goto(address_of(address, "overview", lang="zh"))
        page.get_by_text(text("zh", "app.database_away").split("`")[0]).first.wait_for()
        picture(page, "away")
        page.goto("about:blank")  # before its server ends


def test_what_is_not_there_is_said(site: str, page: Page) -> None:
    open_page(page, address_of(site, "clusters", cluster="nothing", lang="en"))
    page.get_by_text(text("en", "clusters.unknown", id="nothing")).wait_for()
