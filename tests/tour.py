"""The newcomer's walk through the screens: from what is wrong to its cause, its complaints and one customer.

`python -m tests.tour ADDRESS` takes it through a demo that is being served, and puts its pictures into docs/images.
"""

import io
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from dashboards.messages import text
from tests.browsing import FLAGS, VIEWPORT, address_of, chromium, context, open_page, settle

IMAGES = Path(__file__).parent.parent / "docs" / "images"
_COLOURS = 256  # of a picture's palette: screens have few, and it is a third as long
_WIDTH = 1100
Snap = Callable[[Page, str], None]


def walk(page: Page, site: str, snap: Snap) -> None:
    """Go from the overview to a cluster (one click), a complaint of it (two) and its customer (three)."""
    open_page(page, address_of(site, "overview", lang="en"))
    page.get_by_role("heading", name=text("en", "overview.title"), exact=True).wait_for()
    snap(page, "overview")
    first = page.locator('[data-testid="stMain"] a[href*="cluster="]').first
    where = first.inner_text()
    first.click()
    page.get_by_role("heading", level=1, name=where, exact=True).wait_for()
    page.get_by_text(text("en", "cluster.next_step")).first.wait_for()
    page.get_by_role("heading", name=text("en", "cluster.complaints"), exact=True).wait_for()
    snap(page, "cluster")
    page.locator('[data-testid="stMain"] a[href*="complaint="]').first.click()
    page.get_by_role("heading", name=text("en", "complaints.causes"), exact=True).wait_for()
    page.get_by_role("link", name=where).first.wait_for()  # the complaint names the cluster
    snap(page, "complaint")
    page.get_by_role("link", name=text("en", "complaints.customer")).click()
    page.get_by_role("heading", level=1, name=text("en", "customer.title"), exact=True).wait_for()
    snap(page, "customer")


def _keep(page: Page, name: str) -> None:
    """Put what the window shows into the documentation's pictures, as small as it stays readable."""
    settle(page)
    page.wait_for_timeout(2000)
    shown = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    smaller = shown.resize((_WIDTH, round(shown.height * _WIDTH / shown.width)), Image.Resampling.LANCZOS)
    IMAGES.mkdir(exist_ok=True)
    smaller.quantize(_COLOURS, dither=Image.Dither.NONE).save(IMAGES / f"tour-{name}.png", optimize=True)


def main(site: str) -> None:
    """Walk, and take the map and the dark, Chinese overview besides."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        with context(browser) as made:
            page = made.new_page()
            page.set_viewport_size({"width": VIEWPORT["width"], "height": 1300})
            walk(page, site, _keep)
            open_page(page, address_of(site, "clusters", lang="en"))
            _keep(page, "map")
        with context(browser, theme="dark", language="zh") as made:
            page = made.new_page()
            open_page(page, address_of(site, "overview", lang="zh"))
            _keep(page, "dark")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
