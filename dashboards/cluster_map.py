"""Clusters on a map and in a ranked list, linked both ways: what is picked in one is marked in the other."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboards import exports, filters, geography, maps
from dashboards.cluster_words import where
from dashboards.page import count, link, moment, read, settings, share, t, word
from dashboards.scene import Scene, compose
from records.errors import ConfigError
from store import places

DRAWINGS = ("map", "plain", "table")
_HEIGHT = 560
_PICK = "pick"  # the name of the plain chart's selection


def show(clusters: pd.DataFrame) -> None:
    """Draw the clusters, which are in order of rank; `?mark=ID` is the one that is marked."""
    marked = st.query_params.get("mark")
    marked = marked if marked in set(clusters["cluster_id"]) else None
    drawn = filters.buttons(t("map.draw"), DRAWINGS, key="draw", named=lambda name: t(f"map.{name}"))
    scene = _scene(clusters, marked)
    left, right = st.columns([4, 5])
    with left:
        if scene is None:
            st.info(t("map.no_places"))
        else:
            _draw(scene, drawn, marked)
    with right:
        _list(clusters, marked)
        exports.offer(clusters, "clusters")
        _card(clusters, marked)


def _scene(clusters: pd.DataFrame, marked: str | None) -> Scene | None:
    one = clusters[clusters["cluster_id"] == marked]
    ended = None if one.empty or pd.isna(one["ended_at"].iloc[0]) else one["ended_at"].iloc[0].to_pydatetime()
    bounds = (None, None) if one.empty else (one["started_at"].iloc[0].floor("h").to_pydatetime(), ended)
    cells = read(places.cells)
    return compose(cells, read(places.cell_loads, *bounds), clusters, _outlines(cells), marked)


def _outlines(cells: pd.DataFrame) -> Mapping[str, geography.Ring]:
    path = settings().map_outlines_file
    if not path.exists():
        return _hulls(cells)
    try:
        return _file(str(path), path.stat().st_mtime)
    except ConfigError as error:
        st.warning(t("map.bad_outlines", error=error))
        return _hulls(cells)


@st.cache_data(ttl=600, max_entries=4, show_spinner=False)
def _hulls(cells: pd.DataFrame) -> dict[str, geography.Ring]:
    return geography.outlines(cells)


@st.cache_data(max_entries=4, show_spinner=False)
def _file(_path: str, changed: float) -> dict[str, geography.Ring]:
    return geography.read_outlines(settings().map_outlines_file)


def _draw(scene: Scene, drawn: str, marked: str | None) -> None:
    key = f"map-{drawn}-{marked}"  # another mark is another map: it goes there, and holds no older click
    if drawn == "map":
        dark = st.context.theme.type == "dark"
        tiles = settings().map_tiles_url
        deck = maps.deck(scene, dark=dark, tip=_tip, tiles=tiles)
        st.pydeck_chart(
            deck, height=_HEIGHT, key=key, on_select=lambda: _picked_on_map(key), alt=t("map.alt", n=len(scene.ranks))
        )
    elif drawn == "plain":
        chart = maps.plain(scene, severity=t("column.severity"), selection=_PICK)
        st.altair_chart(
            chart,
            key=key,
            on_select=lambda: _picked_on_chart(key),
            selection_mode=[_PICK],
            alt=t("map.alt", n=len(scene.ranks)),
        )
    else:
        _table(scene)
    if drawn == "map":
        st.vega_lite_chart(maps.legend(), alt=t("map.scale_alt"))
    st.caption(t("map.legend" if marked is None else "map.legend_marked"))


def _tip(row: dict[str, Any]) -> str:
    given = {"region": row["region"] or "", "bad": int(row["bad"]), "n": int(row["n"])}
    return t("map.tip", severity=share(row["severity"]), **given)


def _picked_on_map(key: str) -> None:
    """A rank marks its cluster; a sector or hexagon the worst cluster there, and names its cell where there is none."""
    objects: dict[str, list[dict[str, Any]]] = st.session_state[key]["selection"]["objects"]
    picked = next((objects[layer][0] for layer in ("ranks", "sectors", "hexagons") if objects.get(layer)), None)
    if picked is None:
        return
    clusters = [picked["cluster_id"]] if "cluster_id" in picked else list(picked["clusters"])
    filters.put("mark", clusters[0] if clusters else None)
    filters.put("at", picked.get("cell_id"))


def _picked_on_chart(key: str) -> None:
    rows = st.session_state[key]["selection"].get(_PICK) or []
    if rows:
        filters.put("mark", rows[0]["cluster_id"])
        filters.put("at", None)


def _table(scene: Scene) -> None:
    """The map's figures as a table, for who does not see the map."""
    hexagons = scene.hexagons
    shown = pd.DataFrame(
        {
            t("column.region"): hexagons["region"].fillna(""),
            t("column.hexagon"): hexagons["hex"],
            t("column.cells"): hexagons["cells"].map(", ".join),
            t("column.sessions"): hexagons["n"].astype("Int64"),
            t("column.bad_sessions"): hexagons["bad"].astype("Int64"),
            t("column.expected"): hexagons["expected"].map(lambda value: "" if pd.isna(value) else f"{value:.1f}"),
            t("column.severity"): hexagons["severity"].map(share),
        }
    )
    st.dataframe(shown, hide_index=True, height=_HEIGHT, alt=t("map.table"))


def _list(clusters: pd.DataFrame, marked: str | None) -> None:
    shown = pd.DataFrame(
        {
            "#": range(1, len(clusters) + 1),
            t("column.what"): clusters["selector"].map(where),
            t("column.severity"): clusters["severity"].map(share),
            t("cluster.users_hurt"): clusters["users_hurt"].map(count),
            t("column.complaints"): clusters["complaints"],
            t("column.domain"): clusters["domain"].map(lambda name: word("domain", name)),
            t("column.since"): clusters["started_at"].map(moment),
            t("column.until"): clusters["ended_at"].map(moment),
        }
    )
    ids = clusters["cluster_id"].tolist()
    key = f"list-{marked}-{len(ids)}"
    given: dict[str, Any] = {}
    if marked is not None:
        given["selection_default"] = {"selection": {"rows": [ids.index(marked)]}}
    st.dataframe(
        shown,
        hide_index=True,
        height=min(360, 40 + 36 * max(len(ids), 1)),
        key=key,
        on_select=lambda: _picked_in_list(key, ids),
        selection_mode="single-row",
        column_config={t("column.what"): st.column_config.TextColumn(width=190)},  # or lists of cells fill the table
        alt=t("clusters.list_alt"),
        **given,
    )


def _picked_in_list(key: str, ids: list[str]) -> None:
    rows = st.session_state[key]["selection"]["rows"]
    filters.put("mark", ids[rows[0]] if rows else None)
    filters.put("at", None)


def _card(clusters: pd.DataFrame, marked: str | None) -> None:
    """What is marked in a few words, with the way to all that is known of it."""
    at = st.query_params.get("at")
    if marked is None:
        st.caption(t("clusters.pick") if at is None else t("map.nothing_here"))
    else:
        one = clusters[clusters["cluster_id"] == marked].iloc[0]
        with st.container(border=True):
            rank = clusters["cluster_id"].tolist().index(marked) + 1
            st.markdown(f"**{rank} · {where(one['selector'])}**")
            st.write(
                t(
                    "map.card",
                    domain=word("domain", one["domain"]),
                    severity=share(one["severity"]),
                    users=count(one["users_hurt"]),
                    complaints=one["complaints"],
                    since=moment(one["started_at"]),
                )
            )
            link("clusters", t("clusters.open_one"), cluster=marked)
    if at is not None:
        link("cells", t("map.cell", cell=at), cell=at)
