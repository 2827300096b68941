"""Logging in to the screens by a real OpenID Connect provider, in a real browser, over a real database."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from cemaphore import privatedb, serving
from cemaphore.settings import Settings, load_settings
from dashboards.messages import text
from store import users
from store.connection import Connection, connect
from store.keys import Keys
from store.vault import Vault
from tests import oidc_provider
from tests.browsing import answers, context, open_page, picture, settle
from tests.oidc_provider import Provider

expect.set_options(timeout=30_000)  # two cores that many share
ROLES = {"noc": "operations", "hotline": "care"}


@dataclass(frozen=True, kw_only=True)
class Site:
    """The screens behind a log-in: their address, the provider, the database and what they wrote to their log."""

    address: str
    home: Path
    provider: Provider
    dsn: str
    log: Path
    secrets: tuple[str, ...]


@pytest.fixture(scope="module")
def site(server: Settings, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The screens over an empty database, which let in whom the provider vouches for."""
    home = tmp_path_factory.mktemp("login")
    dsn = privatedb.create_database(server, "cem_login", template=template)
    port, other = serving.free_port("127.0.0.1", 18601), serving.free_port("127.0.0.1", 18651)
    address = f"http://127.0.0.1:{port}"
    with oidc_provider.running(other) as provider, (home / "screens.log").open("wb") as log:
        secret = home / "oidc-client-secret"
        secret.touch(0o600)
        secret.write_text(provider.client_secret)
        given = {
            "database_url": dsn,
            "public_url": address,
            "oidc_metadata_url": provider.metadata_url,
            "oidc_client_id": oidc_provider.CLIENT_ID,
            "oidc_roles": '{"noc": "operations", "hotline": "care"}',
        }
        variables = {f"CEMAPHORE_{name.upper()}": value for name, value in given.items()}
        settings = load_settings(home=home, **{**given, "oidc_roles": ROLES})
        process = subprocess.Popen(
            serving.command(settings, port),
            env={**os.environ, **variables, "CEMAPHORE_HOME": str(home)},
            stdout=log,
            stderr=log,
        )
        try:
            answers(address)
            cookie = (home / "cookie-secret").read_text()
            yield Site(
                address=address, home=home, provider=provider, dsn=dsn, log=home / "screens.log",
                secrets=(provider.client_secret, cookie),
            )  # fmt: skip
        finally:
            process.terminate()
            process.wait(20)
    privatedb.drop_database(server, "cem_login")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of somebody who has never been here."""
    with context(browser) as made:
        yield made.new_page()


@pytest.fixture
def connection(site: Site) -> Iterator[Connection]:
    """The screens' database."""
    with connect(site.dsn, autocommit=True) as opened:
        yield opened


def come(page: Page, site: Site, who: str, *roles: str, path: str = "/", lifetime_s: float = 600) -> None:
    """Open a page and log in as somebody to whom the provider gives these roles."""
    site.provider.claims = {"sub": who, "name": f"{who} 王", "roles": list(roles)}
    site.provider.lifetime_s = lifetime_s
    open_page(page, site.address + path)
    page.get_by_role("button", name=text("en", "access.log_in")).click()
    expect(page.get_by_role("button", name=text("en", "access.log_in"))).to_have_count(0)
    settle(page)


def says(page: Page, key: str, /, **values: object) -> None:
    """The page says that, sooner or later."""
    expect(page.get_by_text(text("en", key, **values)).first).to_be_visible()


def titles(page: Page) -> list[str]:
    """The screens that the navigation offers."""
    return [link.inner_text() for link in page.get_by_test_id("stSidebarNavLink").all()]


def test_nobody_sees_anything_before_logging_in(site: Site, page: Page) -> None:
    open_page(page, f"{site.address}/clusters")
    says(page, "access.please")
    assert titles(page) == []
    assert page.get_by_role("heading", name=text("en", "clusters.title")).count() == 0
    picture(page, "login")


def test_operations_see_their_screens_and_no_customer(site: Site, page: Page, connection: Connection) -> None:
    come(page, site, "ops-1", "noc", path="/clusters?scope=open")
    expect(page.get_by_role("heading", name=text("en", "clusters.title"))).to_be_visible()
    assert page.url.startswith(f"{site.address}/clusters?scope=open"), "one comes back to where one was"
    assert text("en", "nav.customer") not in titles(page)
    open_page(page, f"{site.address}/customer?customer=7")
    says(page, "access.refused", roles=text("en", "role.operations"))
    assert page.get_by_role("textbox").count() == 0
    assert site.provider.refused == []
    rows = connection.execute("SELECT action, detail FROM cem.audit WHERE actor = 'ops-1'").fetchall()
    assert rows == [("log in", {"roles": ["operations"], "role": "cem_screens"})]


def test_care_sees_customers_and_not_the_running_of_the_house(site: Site, page: Page) -> None:
    come(page, site, "care-1", "hotline")
    expect(page.get_by_role("link", name=text("en", "nav.customer"))).to_be_visible()
    assert text("en", "nav.data") not in titles(page)
    open_page(page, f"{site.address}/data")
    says(page, "access.refused", roles=text("en", "role.care"))
    picture(page, "refused")


def test_a_number_finds_a_customer_and_stays_out_of_address_and_log(
    site: Site, page: Page, connection: Connection
) -> None:
    number, reason = "13800138000", "rang the hotline"
    with connect(site.dsn, autocommit=True) as own:
        (key,) = Vault(own, Keys.create(site.home / "keys")).tokens([f"msisdn:+86{number}"]).tolist()
    come(page, site, "care-2", "hotline", path="/customer")
    page.get_by_role("textbox", name=text("en", "search.number")).fill(number)
    page.get_by_role("button", name=text("en", "search.find")).click()
    says(page, "search.needs_reason")
    page.get_by_role("textbox", name=text("en", "search.number")).fill(number)
    page.get_by_role("textbox", name=text("en", "search.reason")).fill(reason)
    page.get_by_role("button", name=text("en", "search.find")).click()
    expect(page).to_have_url(f"{site.address}/customer?customer={key}")
    says(page, "customer.never_measured", days=60)
    assert number not in site.log.read_text(errors="replace")
    rows = connection.execute(
        "SELECT action, subject_token, reason FROM cem.audit WHERE actor = 'care-2' ORDER BY audit_id"
    ).fetchall()
    assert rows[1:] == [("find a customer by number", key, reason), ("look at a customer", key, reason)]
    page.get_by_role("button", name=text("en", "search.another")).click()
    page.get_by_role("textbox", name=text("en", "customer.key")).fill(number)
    page.get_by_role("textbox", name=text("en", "customer.key")).press("Enter")
    says(page, "search.not_here")
    assert number not in page.url


def test_administrators_read_who_did_what(site: Site, page: Page, connection: Connection) -> None:
    users.grant(connection, "root-1", ["admin"], actor="root", reason="runs the house")
    come(page, site, "root-1", path="/audit")
    expect(page.get_by_role("heading", name=text("en", "audit.title"))).to_be_visible()
    page.get_by_role("button", name=text("en", "audit.check")).click()
    says(page, "audit.holds")


@pytest.mark.parametrize(
    ("role", "view"),
    [
        ("cem_care", "quarantine"),
        ("cem_care", "batches"),
        ("cem_care", "runs"),
        ("cem_care", "kpis"),
        ("cem_care", "audit"),
        ("cem_operations", "customer_days"),
        ("cem_operations", "complaints"),
        ("cem_operations", "silent_sufferers"),
        ("cem_screens", "groups"),
    ],
)
def test_the_database_refuses_what_the_screens_hide(site: Site, role: str, view: str) -> None:
    with connect(site.dsn, role=role) as asked, pytest.raises(psycopg.errors.InsufficientPrivilege):
        asked.execute(f"SELECT * FROM api.{view}")  # noqa: S608 - a view of ours


def test_who_has_no_role_is_told_what_to_ask_for(site: Site, page: Page, connection: Connection) -> None:
    come(page, site, "new-1", "nothing-we-know")
    says(page, "access.no_role", name="new-1 王", id="new-1")
    users.grant(connection, "new-1", ["analyst"], actor="root", reason="new in the team")
    open_page(page, site.address)
    expect(page.get_by_role("heading", name=text("en", "overview.title"))).to_be_visible()


def test_a_role_taken_away_is_gone_on_the_next_run(site: Site, page: Page, connection: Connection) -> None:
    come(page, site, "ops-2", "noc")
    users.revoke(connection, "ops-2", actor="root", reason="left the company")
    page.get_by_role("link", name=text("en", "nav.clusters")).first.click()
    says(page, "access.no_role", name="ops-2 王", id="ops-2")
    assert page.get_by_role("heading", name=text("en", "clusters.title")).count() == 0


def test_an_expired_token_opens_nothing(site: Site, page: Page, connection: Connection) -> None:
    come(page, site, "ops-3", "noc", lifetime_s=2)
    page.wait_for_timeout(2000)
    open_page(page, site.address)
    says(page, "access.ended_expired")
    assert titles(page) == []


@pytest.mark.parametrize(("column", "key"), [("seen_at", "idle"), ("started_at", "too_long")])
def test_a_stay_ends_after_idleness_and_after_a_shift(
    site: Site, page: Page, connection: Connection, column: str, key: str
) -> None:
    who = f"ops-{key}"
    come(page, site, who, "noc")
    connection.execute(
        f"UPDATE cem.app_stay SET {column} = {column} - INTERVAL '13 hours' WHERE user_id = %s",  # noqa: S608 - ours
        [who],
    )
    open_page(page, f"{site.address}/data")
    says(page, f"access.ended_{key}")
    assert connection.execute("SELECT action FROM cem.audit WHERE actor = %s ORDER BY audit_id", [who]).fetchall() == [
        ("log in",),
        ("log out",),
    ]
    page.get_by_role("button", name=text("en", "access.log_in")).click()
    expect(page.get_by_role("heading", name=text("en", "data.title"))).to_be_visible()


def test_a_copied_cookie_opens_nothing_once_its_owner_has_left(site: Site, page: Page, browser: Browser) -> None:
    come(page, site, "ops-4", "noc")
    cookies = page.context.cookies()
    held = [cookie for cookie in cookies if cookie["name"].startswith("_streamlit_user")]
    assert held
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Lax" for cookie in held)
    page.get_by_role("button", name=text("en", "access.log_out")).click()
    says(page, "access.please")
    with context(browser) as other:
        other.add_cookies([{**cookie, "path": "/"} for cookie in held])  # type: ignore[typeddict-item]  # as given
        thief = other.new_page()
        open_page(thief, site.address)
        says(thief, "access.ended_left")


def test_every_answer_carries_the_headers_of_a_guarded_site(site: Site) -> None:
    for path in ("/", "/clusters", "/_stcore/health"):
        headers = httpx.get(site.address + path).headers
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
    assert httpx.get(f"{site.address}/_stcore/metrics").status_code == 404


def test_no_secret_is_in_the_log(site: Site, page: Page) -> None:
    come(page, site, "ops-5", "noc")
    written = site.log.read_text(errors="replace")
    assert not any(secret in written for secret in site.secrets)
    assert "eyJ" not in written, "no token"
