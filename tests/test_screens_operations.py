"""Operations' screens in a real browser: what is wrong to the complaint, map and list, people's acts, deep links."""

from math import asinh, pi, radians, tan
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dashboards.cluster_map import DRAWINGS
from dashboards.messages import text
from dashboards.scene import Scene, compose
from store import cluster_screens, effects, places, screens
from store.connection import connect
from tests.browsing import address_of, open_page, picture, settle
from tests.city import City


def test_from_what_is_wrong_to_the_complaint_in_three_clicks(site: str, page: Page) -> None:
    """Overview, its worst recent cluster, one of the complaints that it explains, and what was said."""
    open_page(page, address_of(site, "overview", lang="en"))
    page.get_by_test_id("stMain").get_by_role("link", name=text("en", "attribute.activity")).first.click()  # one
    page.get_by_role("heading", name=text("en", "cluster.changed"), exact=True).wait_for()
    assert "cluster=" in page.url
    settle(page)
    topic = text("en", "topic.installation")
    page.get_by_test_id("stMain").get_by_role("link", name=topic).first.click()  # two
    page.get_by_role("heading", name=text("en", "complaints.causes"), exact=True).wait_for()
    assert "complaint=" in page.url
    assert page.get_by_test_id("stException").count() == 0


def test_a_score_of_the_overview_opens_to_how_it_was_made(site: str, page: Page) -> None:
    open_page(page, address_of(site, "overview", lang="en"))
    page.get_by_role("button", name=text("en", "number.open", name=text("en", "dimension.overall"))).click()
    expect(page.get_by_test_id("stPopoverBody")).to_contain_text(text("en", "number.formula.group", k=10)[:40])


def test_a_row_marks_the_cluster_on_the_map_and_the_map_its_row(site: str, page: Page, city: City) -> None:
    """Picked in the list: the address, the card and the map's view know it. Picked on the map: the list does."""
    scene, ids = _scene(city)
    open_page(page, address_of(site, "clusters", draw="plain", lang="en"))
    page.get_by_test_id("stDataFrame").click(position={"x": 16, "y": 35 + 18})  # drawn on a canvas: no row to name
    page.wait_for_url(f"**mark={ids[0]}**")
    page.get_by_test_id("stMain").get_by_role("link", name=text("en", "clusters.open_one")).wait_for()

    page.set_viewport_size({"width": 1000, "height": 900})  # WebGL is drawn by the processor here
    open_page(page, address_of(site, "clusters", lang="en"))
    rank = scene.ranks[-1]
    _point_at(page, scene, rank)
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url(f"**mark={rank['cluster_id']}**")
    page.get_by_text(f"{rank['rank']} ·", exact=False).first.wait_for()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_map_has_a_plain_drawing_and_a_table(site: str, page: Page, language: str) -> None:
    """What needs no WebGL, and what needs no eyes, says the same."""
    for drawn in DRAWINGS[1:]:
        open_page(page, address_of(site, "clusters", draw=drawn, lang=language))
        assert page.get_by_test_id("stException").count() == 0
        picture(page, f"clusters-{drawn}-{language}")
    assert page.get_by_test_id("stDataFrame").count() == 2


def test_what_people_do_about_a_cluster_stays_with_it(site: str, page: Page, city: City) -> None:
    """Acknowledged, assigned, commented and judged by the buttons: in its life, with who did it, and in the audit."""
    with connect(city.dsn) as connection:
        cluster_id = str(screens.clusters(connection, *screens.EVER)["cluster_id"].iloc[-1])
    open_page(page, address_of(site, "clusters", cluster=cluster_id, lang="en"))
    try:
        _act(page, "act.acknowledge", {"act.note": "on it"})
        page.get_by_text("Acknowledged by").first.wait_for()
        _act(page, "act.assign", {"act.assignee": "transport team"})
        page.get_by_text("Assigned to transport team").first.wait_for()
        _act(page, "act.comment", {"act.text": "Call 13800138000 back"})
        _act(page, "act.judge", {"act.cause_text": "Seen at the site"})
        page.get_by_text("confirmed at").first.wait_for()
        picture(page, "cluster-acts")
        with connect(city.dsn) as connection:
            done = cluster_screens.cluster_acts(connection, cluster_id)
            audited = connection.execute("SELECT action FROM cem.audit ORDER BY audit_id DESC LIMIT 4").fetchall()
    finally:
        with connect(city.dsn, autocommit=True) as connection:
            connection.execute("DELETE FROM cem.cluster_act WHERE cluster_id = %s", [cluster_id])
            connection.execute("DELETE FROM cem.cluster_verdict WHERE cluster_id = %s", [cluster_id])
    assert done["kind"].tolist() == ["acknowledged", "assigned", "commented", "confirmed"]
    assert "13800138000" not in done["comment"].iloc[2]
    assert [action for (action,) in reversed(audited)] == [
        *("acknowledge a cluster", "assign a cluster", "comment on a cluster", "cluster_verdict"),
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_deep_links_open_a_cell_a_device_and_say_what_is_not_there(
    site: str, page: Page, language: str, city: City
) -> None:
    with connect(city.dsn) as connection:
        cell = str(places.cells(connection)["cell_id"].iloc[-1])
        model = str(effects.effects(connection, None, "model")["value"].iloc[0])
    open_page(page, address_of(site, "cells", cell=cell, span="week", kpi="RRCConnEstabSR", lang=language))
    for key in ("cells.kpis", "cells.experience", "cells.clusters", "cells.alarms"):
        page.get_by_role("heading", name=text(language, key), exact=True).wait_for()
    page.get_by_text(text(language, "column.site") + ":").first.wait_for()
    picture(page, f"cell-{language}")
    open_page(page, address_of(site, "rankings", model=model, lang=language))
    page.get_by_role("heading", name=model).wait_for()
    picture(page, f"ranking-{language}")
    open_page(page, address_of(site, "alerts", alert="nothing", lang=language))
    page.get_by_text(text(language, "alerts.unknown", id="nothing"), exact=True).wait_for()


def test_a_cell_is_found_by_a_part_of_its_name(site: str, page: Page, city: City) -> None:
    with connect(city.dsn) as connection:
        cell = str(places.cells(connection)["cell_id"].iloc[-1])
    open_page(page, address_of(site, "cells", lang="en"))
    search = page.get_by_role("textbox", name=text("en", "cells.search"))
    search.fill(cell.lower())
    search.press("Enter")
    page.wait_for_url("**q=**")
    settle(page)
    expect(page.get_by_role("combobox", name=text("en", "column.cell"))).to_have_value(cell)


def _scene(city: City) -> tuple[Scene, list[str]]:
    """What the unmarked map shows, and the clusters in order of rank."""
    with connect(city.dsn) as connection:
        clusters = screens.clusters(connection, *screens.EVER)
        scene = compose(places.cells(connection), places.cell_loads(connection, None, None), clusters, {}, None)
    assert scene is not None
    return scene, clusters["cluster_id"].tolist()


def _pixels(scene: Scene, lon: float, lat: float) -> tuple[float, float]:
    """How far right of and below the middle of the map a place is drawn (Web Mercator)."""
    scale = 512 * 2**scene.zoom / (2 * pi)
    down = asinh(tan(radians(scene.lat))) - asinh(tan(radians(lat)))
    return scale * radians(lon - scene.lon), scale * down


def _point_at(page: Page, scene: Scene, rank: dict[str, Any]) -> None:
    """Move the mouse to a cluster's rank on the map until it answers: nothing else tells when WebGL has drawn it."""
    box = page.get_by_test_id("stDeckGlJsonChart").bounding_box()
    assert box is not None
    dx, dy = _pixels(scene, rank["lon"], rank["lat"])
    for nudge in range(60):
        page.mouse.move(box["x"] + box["width"] / 2 + dx + nudge % 2, box["y"] + box["height"] / 2 + dy)
        page.wait_for_timeout(500)
        tip = page.locator(".deck-tooltip")
        if tip.count() and tip.first.is_visible() and tip.first.inner_text() == rank["rank"]:
            return
    raise AssertionError("the map shows no rank where its cluster is")


def _act(page: Page, name: str, fields: dict[str, str]) -> None:
    """Open one of the buttons over the cluster, fill its form in and send it."""
    page.get_by_test_id("stMain").get_by_role("button", name=text("en", name)).first.click()
    form = page.get_by_test_id("stPopoverBody")
    for label, value in fields.items():
        form.get_by_label(text("en", label)).fill(value)
    form.get_by_role("button", name=text("en", name)).click()
    form.wait_for(state="hidden")
    settle(page)
