"""The screens in a real browser over the demo city: deep links to one cluster, one complaint and one customer."""

import pytest
from playwright.sync_api import Page

from dashboards.messages import text
from store import complaint_views, screens
from store.connection import connect
from tests.browsing import address_of, open_page, picture
from tests.city import City


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_cluster_shows_its_evidence_and_complaints(site: str, page: Page, language: str, city: City) -> None:
    """A deep link opens the cluster with what it explains and what to do."""
    with connect(city.dsn) as connection:
        frame = screens.clusters(connection, *screens.EVER)
        explained = frame.sort_values("complaints").iloc[-1]
        complaints = screens.cluster_complaints(connection, explained["cluster_id"])
    assert not complaints.empty
    open_page(page, address_of(site, "clusters", cluster=explained["cluster_id"], lang=language))
    for key in ("cluster.timeline", "cluster.changed", "cluster.complaints"):
        page.get_by_role("heading", name=text(language, key), exact=True).wait_for()
    page.get_by_text(text(language, "cluster.next_step")).first.wait_for()
    picture(page, f"cluster-{language}")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_one_complaint_shows_its_class_and_causes(site: str, page: Page, language: str, city: City) -> None:
    """A deep link opens the complaint with what may have caused it, and why."""
    with connect(city.dsn) as connection:
        rows = complaint_views.complaints(connection, None, None, False, 1000)
    linked = rows[(rows["probability"] > 0.9) & (rows["topic"] == "waiting")].iloc[0]
    where = {"complaint": linked["complaint_id"], "source": linked["source"]}
    open_page(page, address_of(site, "complaints", **where, lang=language))
    page.get_by_role("heading", name=text(language, "complaints.causes"), exact=True).wait_for()
    page.get_by_text(text(language, "topic.waiting"), exact=True).first.wait_for()
    assert page.get_by_test_id("stException").count() == 0
    picture(page, f"complaint-{language}")
