"""The care entrance in a real browser over the demo city: from a complaint to its customer, and what to tell them."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page

from dashboards.messages import LANGUAGES, text
from store import care, care_groups, complaint_views, surveys
from store.connection import connect
from store.screens import frame
from tests.browsing import address_of, context, open_page, picture, served, settle
from tests.city import City


@pytest.fixture(scope="module")
def complaint(city: City) -> dict[str, str]:
    """A complaint that a cluster explains, with its customer and the local day on which it was made."""
    with connect(city.dsn) as connection:
        rows = complaint_views.complaints(connection, None, None, False, 1000)
    one = rows[rows["probability"] > 0.9].iloc[0]
    day = one["created_at"].astimezone(ZoneInfo(city.settings.time_zone)).date().isoformat()
    return {"complaint": one["complaint_id"], "source": one["source"], "customer": str(one["customer_key"]), "day": day}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_complaint_is_one_click_from_what_its_customer_went_through(
    site: str, page: Page, language: str, complaint: dict[str, str]
) -> None:
    """The click opens the customer on the day of the complaint, with what to tell them in both languages."""
    where = {name: complaint[name] for name in ("complaint", "source")}
    open_page(page, address_of(site, "complaints", **where, lang=language))
    page.get_by_text(text(language, "complaints.nothing_known")).first.wait_for(state="attached")
    picture(page, f"complaint-causes-{language}")
    page.get_by_role("link", name=text(language, "complaints.customer")).click()
    page.get_by_role("heading", name=text(language, "tell.title"), exact=True).wait_for()
    settle(page)
    asked = parse_qs(urlsplit(page.url).query)
    assert asked["customer"] == [complaint["customer"]]
    assert asked["day"] == [complaint["day"]]
    page.get_by_role("heading", name=text(language, "customer.clusters"), exact=True).wait_for()
    said = {}
    for name in LANGUAGES:
        page.get_by_role("tab", name=LANGUAGES[name], exact=True).click()
        said[name] = page.get_by_test_id("stCode").locator("visible=true").inner_text()
        assert text(name, "tell.seen") in said[name]
    assert said["en"] != said["zh"]
    picture(page, f"customer-told-{language}")


def test_a_day_is_replayed_and_explained_session_by_session(site: str, page: Page, complaint: dict[str, str]) -> None:
    """The day's sessions stand on a timeline and a map; asked for, each is rated with its segment and reasons."""
    open_page(page, address_of(site, "customer", customer=complaint["customer"], day=complaint["day"], lang="en"))
    page.get_by_text(text("en", "explain.ask"), exact=True).click()
    page.get_by_text(text("en", "explain.top"), exact=True).wait_for()
    settle(page)
    for key in ("customer.replay_alt", "customer.map_alt"):
        page.get_by_label(text("en", key)).first.wait_for(state="attached")
    assert page.get_by_test_id("stException").count() == 0
    picture(page, "customer-replayed")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_score_opens_to_how_it_was_made(site: str, page: Page, language: str, complaint: dict[str, str]) -> None:
    """Formula, parts with their sum, observations, coverage, interval and versions stand behind a customer's score."""
    open_page(page, address_of(site, "customer", customer=complaint["customer"], lang=language))
    overall = text(language, "dimension.overall")
    page.get_by_role("button", name=text(language, "number.open", name=overall)).click()
    shown = page.get_by_test_id("stPopoverBody")
    shown.get_by_text(text(language, "number.best")).wait_for()
    rows = [cell.inner_text() for cell in shown.locator("td:nth-child(2)").all()]
    figures = [float(cell.replace("−", "-")) for cell in rows]
    assert sum(figures[:-1]) == pytest.approx(figures[-1], abs=0.01)
    said = shown.inner_text()
    for key in ("number.observations", "number.interval", "number.coverage.overall", "number.versions"):
        assert (
            text(language, key, **dict.fromkeys(("n", "lo", "hi", "share", "model", "catalogue"), "|")).split("|")[0]
            in said
        )
    picture(page, f"customer-number-{language}")


def test_no_raw_identifier_is_in_the_page_or_its_address(site: str, page: Page, complaint: dict[str, str]) -> None:
    """The only long number in a customer's page and its address is the pseudonym."""
    open_page(page, address_of(site, "customer", customer=complaint["customer"], day=complaint["day"], lang="en"))
    said = ""
    for name in ("sessions", "complaints", "touchpoints", "answers", "bad_days"):
        page.get_by_role("tab", name=text("en", f"customer.{name}"), exact=True).click()
        settle(page)
        said += page.locator("body").inner_text()
    assert set(re.findall(r"\d{9,}", said + page.url)) <= {complaint["customer"]}
    assert not re.search(r"AC\d{4}|\+\d{6}", said + page.url)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("view", ["trends", "silent", "surveys"])
def test_views_of_groups_open_with_their_filters(site: str, page: Page, language: str, view: str) -> None:
    """Choices stand in the address by words of no language."""
    wanted = {"trends": {"by": "vip_level", "index": "network"}, "silent": {"span": "all"}, "surveys": {"kind": "csat"}}
    open_page(page, address_of(site, view, **wanted[view], lang=language))
    page.get_by_role("heading", name=text(language, f"{view}.title"), exact=True).wait_for()
    assert page.get_by_test_id("stException").count() == 0
    asked = parse_qs(urlsplit(page.url).query)
    assert {name: asked[name] for name in wanted[view]} == {name: [value] for name, value in wanted[view].items()}
    picture(page, f"{view}-filtered-{language}")


def test_small_groups_of_answers_are_hidden_and_cannot_be_told_by_subtraction(city: City) -> None:
    """No week shows a group of fewer than k customers, and what it does not show of all is nobody or k and more."""
    k = city.settings.k_anonymity
    with connect(city.dsn) as connection:
        stored = frame(
            connection,
            """
            SELECT w.start, w.attribute, l.value, k.value AS kind, w.customers, v.kind IS NOT NULL AS seen
            FROM cem.survey_week w JOIN cem.label k ON k.label_id = w.kind
            LEFT JOIN cem.label l ON l.label_id = w.value AND w.attribute <> 'all'
            LEFT JOIN api.survey_weeks v ON (v.start, v.attribute, v.kind) = (w.start, w.attribute, k.value)
                 AND v.value IS NOT DISTINCT FROM l.value
            """,
        )
    assert stored.loc[stored["seen"], "customers"].min() >= k
    assert (~stored["seen"]).any()
    left = stored[~stored["seen"]].groupby(["start", "attribute", "kind"])["customers"].agg(["sum", "size"])
    some = stored[stored["seen"]].set_index(["start", "attribute", "kind"]).index
    assert (left[left.index.isin(some)]["sum"] >= k).all()
    assert (left[left.index.isin(some)]["size"] > 1).all()


def test_answers_stand_beside_the_index_of_the_same_customers(city: City) -> None:
    """The weeks hold every answer once, and their index is the mean of the answerers' own days."""
    zone = {"zone": city.settings.time_zone}
    with connect(city.dsn) as connection:
        shown = surveys.weeks(connection, "all", "nps", 100).set_index("start")
        stored = frame(
            connection,
            """
            SELECT date_trunc('week', y.time AT TIME ZONE %(zone)s) AT TIME ZONE %(zone)s AS start, count(*) AS answers,
                   avg(u.overall) AS index, avg(y.score) AS mean
            FROM cem.survey y JOIN cem.label k ON k.label_id = y.kind
            JOIN cem.customer_of o ON o.subscriber_key = y.subscriber_key
            JOIN cem.user_day u ON u.customer_key = o.customer_key
                 AND u.start = date_trunc('day', y.time AT TIME ZONE %(zone)s) AT TIME ZONE %(zone)s
            WHERE k.value = 'nps' GROUP BY 1
            """,
            zone,
        ).set_index("start")
    assert list(shown.index) == sorted(stored.index, reverse=True)
    for name, blurred in (("answers", 2.5), ("index", 0.05), ("mean", 0.05)):
        assert (shown[name] - stored[name]).abs().max() <= blurred + 1e-3, name


def test_readings_of_one_customer_name_nobody_else(city: City, complaint: dict[str, str]) -> None:
    """A customer's complaints are all of theirs, and their days end with the newest day."""
    key = int(complaint["customer"])
    with connect(city.dsn) as connection:
        listed = care.complaints(connection, key)
        expected = connection.execute(
            "SELECT complaint_id FROM api.complaint_readings WHERE customer_key = %s", [key]
        ).fetchall()
        days = care.days(connection, key, 60)
        start = days["start"].iloc[-1]
        replayed = care.replay(connection, key, start, start + timedelta(days=1))
        timeline = connection.execute(
            "SELECT count(*) FROM api.session_timeline(%s, %s, %s)", [key, start, start + timedelta(days=1)]
        ).fetchone()
    assert sorted(listed["complaint_id"]) == sorted(name for (name,) in expected)
    assert listed["created_at"].is_monotonic_decreasing
    assert timeline == (len(replayed),)
    assert replayed["site"].notna().all()


def test_trends_keep_to_groups_of_k(city: City) -> None:
    """Every window of a segment has at least k users who have that index."""
    with connect(city.dsn) as connection:
        start = connection.execute("SELECT min(start) FROM api.groups WHERE grain = 'day'").fetchone()
        assert start is not None
        trend = care_groups.trend(connection, "segment", "service", "hour", start[0])
    assert (trend["users"] >= city.settings.k_anonymity).all()
    assert trend["bad_share"].dropna().between(0, 1).all()


def test_a_day_without_figures_is_a_gap(city: City) -> None:
    """Every day that was scored is a row, also of a customer who was not seen on it."""
    with connect(city.dsn) as connection:
        days = care.days(connection, 1, 60)
    assert len(days) == city.world.days
    assert days[["overall", "network", "lo"]].isna().all(axis=None)


def test_an_analyst_sees_how_many_and_not_who(browser: Browser, city: City) -> None:
    """Silent sufferers are a number for analysts, and a customer's page is refused to them."""
    with connect(city.dsn) as connection:
        cluster = care_groups.unheard(connection, None)["cluster_id"].iloc[0]
        listed = complaint_views.silent(connection, cluster, 1)["customer_key"]
    with served(city.settings, city.dsn, {"CEMAPHORE_LOCAL_ROLE": "analyst"}) as site, context(browser) as made:
        page = made.new_page()
        open_page(page, address_of(site, "silent", cluster=cluster, lang="en"))
        page.get_by_text(text("en", "silent.counts_only"), exact=True).wait_for()
        assert str(listed.iloc[0]) not in page.content()
        open_page(page, address_of(site, "customer", customer=str(listed.iloc[0]), lang="en"))
        page.get_by_text(text("en", "access.refused", roles=text("en", "role.analyst")), exact=True).wait_for()
