"""Every view in both languages and both themes: it opens, in the reader's words alone, accessible, and nothing breaks.

Views are found in their folder and reached by the navigation, as people reach them; pictures lie in artefacts/screens.
"""

import itertools
import re

import pytest
from playwright.sync_api import Browser, Page

from cemaphore.wording import messages
from dashboards.messages import LANGUAGES, text
from store import complaint_views
from store.connection import connect
from tests.accessibility import violations
from tests.browsing import DEFAULT_VIEW, VIEWS, address_of, context, open_page, picture, settle
from tests.city import City

THEMES = ("light", "dark")
# What data may say in both languages: a word of a table's cell that happens to be a message in English too.
DATA_WORDS = {"hotline", "store", "app", "none", "student", "complaints", "counters", "surveys", "touchpoints"}
# Each pair of theme and language is looked at; axe sees each theme and each language once.
WITH_AXE = {("light", "zh"), ("dark", "en")}
# Without a graphics card a map keeps the page busy for many seconds: axe looks at the page with the plain one.
CALM = {"clusters": {"draw": "plain"}}
_LEAVES = """() => [...document.querySelectorAll('[data-testid="stApp"] *')]
    .filter((each) => ![...each.children].some((child) => child.textContent.trim()))
    .filter((each) => !['STYLE', 'SCRIPT'].includes(each.tagName) && !each.closest('[data-testid="stIconMaterial"]'))
    .map((each) => each.textContent.trim()).filter(Boolean)"""
_KEY = re.compile(r"(?<![\w./])[a-z_]+(?:\.[a-z0-9_]+)+(?![\w./])")


@pytest.mark.parametrize(("theme", "language"), list(itertools.product(THEMES, LANGUAGES)))
def test_each_view_opens_in_the_readers_words(site: str, browser: Browser, theme: str, language: str) -> None:
    wrong: dict[str, object] = {}
    with context(browser, theme=theme, language=language) as made:
        page = made.new_page()
        open_page(page, address_of(site, DEFAULT_VIEW, lang=language))
        for view in VIEWS:
            with_axe = (theme, language) in WITH_AXE
            _go(page, site, view, language, CALM.get(view, {}) if with_axe else {})
            found = _unlike(page, language)
            if with_axe:
                found += violations(page)
            if found:
                wrong[view] = found
            picture(page, f"{view}-{language}-{theme}")
    assert wrong == {}


@pytest.fixture(scope="module")
def opened(city: City) -> dict[str, dict[str, str]]:
    """A cluster, a complaint that it explains, and the customer who made that one."""
    with connect(city.dsn) as connection:
        rows = complaint_views.complaints(connection, None, None, False, 1000)
    one = rows[rows["probability"] > 0.9].iloc[0]
    return {
        "clusters": {"cluster": one["cluster_id"]},
        "complaints": {"complaint": one["complaint_id"], "source": one["source"]},
        "customer": {"customer": str(one["customer_key"])},
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_view_opens_is_in_the_readers_words(
    site: str, browser: Browser, language: str, opened: dict[str, dict[str, str]]
) -> None:
    wrong: dict[str, object] = {}
    with context(browser, language=language) as made:
        page = made.new_page()
        for view, which in opened.items():
            open_page(page, address_of(site, view, **which, lang=language))
            assert page.get_by_test_id("stException").count() == 0, view
            found = _unlike(page, language)
            if found:
                wrong[view] = found
            picture(page, f"{view}-one-{language}")
    assert wrong == {}


def _go(page: Page, site: str, view: str, language: str, parameters: dict[str, str]) -> None:
    """Open a view by its link, or with parameters by its address."""
    if parameters:
        page.goto(address_of(site, view, lang=language, **parameters))
    else:
        name = re.compile(f"^{re.escape(text(language, f'nav.{view}'))}$")
        page.get_by_test_id("stSidebarNavLink").filter(has_text=name).click()
    page.get_by_role("heading", level=1, name=text(language, f"{view}.title"), exact=True).wait_for()
    settle(page)
    assert page.get_by_test_id("stException").count() == 0, view


def _unlike(page: Page, language: str) -> list[object]:
    """Raw keys on the page, messages of the other language, and that the page says it broke."""
    shown = page.evaluate(_LEAVES)
    known = messages(language)
    raw: list[object] = sorted({key for leaf in shown for key in _KEY.findall(leaf) if key in known})
    other = messages(next(code for code in LANGUAGES if code != language))
    # What to tell a customer stands there in both languages, as the customer may speak the other one.
    ours = [key for key in known if not key.startswith("tell.")]
    foreign = {other[key] for key in ours if other[key] != known[key]} - set(known.values()) - DATA_WORDS
    raw += sorted({leaf for leaf in shown if leaf in foreign and leaf not in LANGUAGES.values()})
    return raw + [leaf for leaf in shown if leaf == known["app.broken"]]
