"""The screens in a real browser over the demo city: every view, both languages, nothing asked of the outside."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from cemaphore import serving
from dashboards.messages import text
from store import complaint_views, screens
from store.connection import connect
from tests.city import City

ARTEFACTS = Path(__file__).parent.parent / "artefacts" / "screens"
VIEWS = {
    "": "overview.title",
    "clusters": "clusters.title",
    "customer": "customer.title",
    "complaints": "complaints.title",
    "data": "data.title",
    "aggregation": "aggregation.title",
}
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'


@pytest.fixture(scope="module")
def site(city: City) -> Iterator[str]:
    """The address of the screens, served over the demo city."""
    port = serving.free_port("127.0.0.1", 18501)
    before = os.environ.get("CEMAPHORE_DATABASE_URL")
    os.environ["CEMAPHORE_DATABASE_URL"] = city.dsn
    try:
        process = serving.start(city.settings, port)
    finally:
        os.environ.pop("CEMAPHORE_DATABASE_URL") if before is None else os.environ.update(CEMAPHORE_DATABASE_URL=before)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address)
        yield address
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The distribution's Chromium."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that must end without console errors and without a request outside."""
    opened = browser.new_page(viewport={"width": 1440, "height": 1000})
    errors: list[str] = []
    outside: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        # Opened by a deep link, Streamlit's page first looks for its server below the path, and then above it.
        looked_below = urlsplit(message.location["url"]).path.endswith(("/_stcore/health", "/_stcore/host-config"))
        if message.type == "error" and not looked_below:
            errors.append(message.text)

    def asked(request: Request) -> None:
        if urlsplit(request.url).scheme not in ("data", "blob") and urlsplit(request.url).hostname != "127.0.0.1":
            outside.append(request.url)

    opened.on("console", heard)
    opened.on("request", asked)
    yield opened
    opened.close()
    assert errors == []
    assert outside == []


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("view", VIEWS)
def test_each_view_opens_in_each_language(site: str, page: Page, view: str, language: str) -> None:
    """The title stands in the reader's language and nothing broke."""
    _open(page, f"{site}/{view}?lang={language}")
    page.get_by_role("heading", name=text(language, VIEWS[view]), exact=True).wait_for()
    assert page.get_by_test_id("stException").count() == 0
    _picture(page, f"{view or 'overview'}-{language}")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_cluster_shows_its_evidence_and_complaints(site: str, page: Page, language: str, city: City) -> None:
    """A deep link opens the cluster with what it explains and what to do."""
    with connect(city.dsn) as connection:
        frame = screens.clusters(connection, *screens.EVER)
        explained = frame.sort_values("complaints").iloc[-1]
        complaints = screens.cluster_complaints(connection, explained["cluster_id"])
    assert not complaints.empty
    _open(page, f"{site}/clusters?cluster={explained['cluster_id']}&lang={language}")
    for key in ("cluster.timeline", "cluster.evidence", "cluster.complaints"):
        page.get_by_role("heading", name=text(language, key), exact=True).wait_for()
    page.get_by_text(text(language, "cluster.next_step")).first.wait_for()
    _picture(page, f"cluster-{language}")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_one_complaint_shows_its_class_and_causes(site: str, page: Page, language: str, city: City) -> None:
    """A deep link opens the complaint with what may have caused it, and why."""
    with connect(city.dsn) as connection:
        rows = complaint_views.complaints(connection, None, None, False, 1000)
    linked = rows[(rows["probability"] > 0.9) & (rows["topic"] == "waiting")].iloc[0]
    _open(page, f"{site}/complaints?complaint={linked['complaint_id']}&source={linked['source']}&lang={language}")
    page.get_by_role("heading", name=text(language, "complaints.causes"), exact=True).wait_for()
    page.get_by_text(text(language, "topic.waiting"), exact=True).first.wait_for()
    assert page.get_by_test_id("stException").count() == 0
    _picture(page, f"complaint-{language}")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_one_customer_by_pseudonym(site: str, page: Page, language: str, city: City) -> None:
    """A customer hurt by a cluster is shown with contributions, clusters and sessions."""
    with connect(city.dsn) as connection:
        key = connection.execute("SELECT customer_key FROM cem.cluster_user ORDER BY bad DESC LIMIT 1").fetchone()
    assert key is not None
    _open(page, f"{site}/customer?customer={key[0]}&lang={language}")
    _picture(page, f"customer-{language}")
    page.get_by_role("heading", name=text(language, "customer.contributions"), exact=True).wait_for()
    page.get_by_role("heading", name=text(language, "customer.sessions"), exact=True).wait_for()
    page.get_by_text(text(language, "explain.ask"), exact=True).click()
    page.get_by_text(text(language, "explain.top"), exact=True).wait_for()
    assert page.get_by_test_id("stException").count() == 0
    _picture(page, f"customer-{language}")


def _open(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_selector(READY, timeout=60_000)


def _picture(page: Page, name: str) -> None:
    page.wait_for_timeout(1500)  # canvases are drawn after the script ended
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)


def _wait(address: str) -> None:
    for _ in range(120):
        try:
            if httpx.get(f"{address}/_stcore/health").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise AssertionError("the screens did not start within a minute")
