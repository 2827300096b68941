"""Every view in both languages and both themes: it opens, in the reader's words, and nothing breaks."""

import itertools

import pytest
from playwright.sync_api import Browser

from dashboards.messages import LANGUAGES, text
from tests.browsing import VIEWS, address_of, context, open_page, picture

THEMES = ("light", "dark")


@pytest.mark.parametrize(("theme", "language"), list(itertools.product(THEMES, LANGUAGES)))
def test_each_view_opens(site: str, browser: Browser, theme: str, language: str) -> None:
    with context(browser, theme=theme, language=language) as made:
        page = made.new_page()
        for view in VIEWS:
            open_page(page, address_of(site, view, lang=language))
            page.get_by_role("heading", name=text(language, f"{view}.title"), exact=True).wait_for()
            assert page.get_by_test_id("stException").count() == 0, view
            picture(page, f"{view}-{language}-{theme}")
