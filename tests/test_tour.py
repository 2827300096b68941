"""The walk of docs/tour.md: three clicks from the overview to a cluster, a complaint of it, and its customer."""

from playwright.sync_api import Page

from tests.browsing import picture
from tests.tour import walk


def test_three_clicks_lead_from_the_overview_to_a_customer(site: str, page: Page) -> None:
    walk(page, site, lambda shown, name: picture(shown, f"tour-{name}"))
