"""Driving the screens: a server over the demo city for the whole run, the distribution's Chromium, watched pages."""

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from cemaphore import serving
from cemaphore.settings import Settings
from tests.city import City

ARTEFACTS = Path(__file__).parent.parent / "artefacts" / "screens"
VIEWS_FOLDER = Path(serving.__file__).parent.parent / "dashboards" / "views"
# Found in the folder: a new view is tested without a word here. Each has its title under `NAME.title`.
VIEWS = sorted(path.stem for path in VIEWS_FOLDER.glob("*.py") if path.stem != "__init__")
DEFAULT_VIEW = "overview"
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
VIEWPORT = {"width": 1440, "height": 1200}
READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
# A page is still when its script has ended and nothing of it is waiting to be drawn.
_BUSY = '[data-testid="stSkeleton"], [data-testid="stSpinner"], [data-stale="true"], [data-testid="stAppSkeleton"]'
_STILL = f"() => document.querySelector('{READY}') && !document.querySelector('{_BUSY}')"
# How high a page is drawn whole; a map stays as it is: drawn anew without a graphics card, it takes many seconds.
_HEIGHT = """() => document.querySelector('[data-testid="stDeckGlJsonChart"]')
    ? 0 : document.querySelector('[data-testid="stMain"]').scrollHeight"""
_LOCAL = ("127.0.0.1", "localhost")


@contextmanager
def served(settings: Settings, dsn: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """Serve the screens over a database, with these variables besides; gives their address."""
    port = serving.free_port("127.0.0.1", 18501)
    ours = {"CEMAPHORE_DATABASE_URL": dsn, "CEMAPHORE_TIME_ZONE": settings.time_zone}
    given = {**(environment or {}), **ours}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        process = serving.start(settings, port)
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    address = f"http://127.0.0.1:{port}"
    try:
        answers(address)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def answers(address: str) -> None:
    """Wait until the screens answer there."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if httpx.get(f"{address}/_stcore/health").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError("the screens did not start within a minute")


class Heard:
    """What pages of one context complained of, and whom outside they asked."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.outside: list[str] = []

    def console(self, message: ConsoleMessage) -> None:
        """Keep an error of the page's console."""
        # Opened by a deep link, Streamlit's page first looks for its server below the path, and then above it.
        looked_below = urlsplit(message.location["url"]).path.endswith(("/_stcore/health", "/_stcore/host-config"))
        if message.type == "error" and not looked_below:
            self.errors.append(message.text)

    def request(self, request: Request) -> None:
        """Keep a request that leaves this machine."""
        asked = urlsplit(request.url)
        if asked.scheme not in ("data", "blob") and asked.hostname not in _LOCAL:
            self.outside.append(request.url)


@contextmanager
def context(browser: Browser, *, theme: str = "light", language: str = "en") -> Iterator[BrowserContext]:
    """A browser's context with that theme and language, whose pages must not complain, nor ask outside."""
    heard = Heard()
    locale = {"en": "en-GB", "zh": "zh-CN"}[language]
    made = browser.new_context(
        viewport=VIEWPORT,
        color_scheme="dark" if theme == "dark" else "light",
        locale=locale,
        timezone_id="Europe/Berlin",
        reduced_motion="reduce",
    )
    made.on("console", heard.console)
    made.on("request", heard.request)
    made.on("weberror", lambda error: heard.errors.append(str(error.error)))
    try:
        yield made
    finally:
        made.close()
    assert heard.errors == []
    assert heard.outside == []


def chromium() -> str | None:
    """The distribution's Chromium."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def site(city: City) -> Iterator[str]:
    """The address of the screens, served over the demo city for all tests of the run."""
    with served(city.settings, city.dsn) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The distribution's Chromium; a module's, as its driver holds this thread's event loop."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that must end without console errors and without a request outside."""
    with context(browser) as made:
        yield made.new_page()


def address_of(site: str, view: str, **parameters: str) -> str:
    """The address of a view; the default one has none of its own."""
    path = "" if view == DEFAULT_VIEW else view
    return f"{site}/{path}?{urlencode(parameters)}" if parameters else f"{site}/{path}"


def open_page(page: Page, address: str) -> None:
    """Open an address and wait until its script has ended and all it sent is drawn."""
    page.goto(address)
    page.wait_for_selector(READY, timeout=120_000)
    settle(page)


def settle(page: Page) -> None:
    """Wait until the page's script has ended and what it sent is drawn."""
    page.wait_for_function(_STILL, timeout=120_000)


def picture(page: Page, name: str) -> None:
    """Keep a picture of the whole page among the artefacts, also of what only scrolling shows."""
    height = int(page.evaluate(_HEIGHT))
    if height > VIEWPORT["height"]:
        page.set_viewport_size({"width": VIEWPORT["width"], "height": height})
    page.wait_for_timeout(200)  # canvases are drawn after the script ended
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png")
    if height > VIEWPORT["height"]:
        page.set_viewport_size({"width": VIEWPORT["width"], "height": VIEWPORT["height"]})
