"""What people read: the first line says how bad, what, where, by how much and for how many, in either language."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.facts import Facts
from cemaphore.alert_figures import about, figure
from cemaphore.alert_words import Writer, writer
from cemaphore.settings import load_settings
from tests.receiving import NOON, facts, storm

OVER = {"state": "resolved", "change": 2, "resolved_at": NOON + timedelta(hours=26), "at": NOON + timedelta(hours=26)}
NO_DATA = {"kind": "no_data", "measure": "volume", "unit": "ratio", "value": 0.0, "expected": 1.0, "users": None}
PAGES = {"measure": "kqi:web_page_time", "unit": "ms", "value": 8234.0, "expected": 2101.0, "drop": 6133.0}


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    return writer(load_settings(home=tmp_path, time_zone="Asia/Shanghai", public_url="https://cem.example"))


@pytest.mark.parametrize(
    ("told", "english", "chinese"),
    [
        (
            facts(),
            "CRITICAL: experience down 11 points, region west, about 1,200 users",
            "【严重】区域 west：整体体验下降 11 分，约 1,200 名用户",
        ),
        (
            facts(subject="all", severity="warning", measure="network", drop=1.24, users=None),
            "Warning: experience of the network down 1.2 points, all customers",
            "【警告】全部客户：网络体验下降 1.2 分",
        ),
        (
            storm(),
            "CRITICAL: 1000 drops at once, region west, about 1,200 users",
            "【严重】区域 west：1000 项指标同时下降，约 1,200 名用户",
        ),
        (
            facts(severity="warning", drop=-0.3, users=None),
            "Warning: experience low since 12:00, region west",
            "【警告】区域 west：自 12:00 起整体体验偏低",
        ),
        (facts(**NO_DATA), "CRITICAL: no data since 12:00, region west", "【严重】区域 west：自 12:00 起没有数据"),
        (facts(**OVER), "Over: experience, region west", "【已恢复】区域 west 整体体验"),
        (
            facts(measure="bad_ratio", unit="ratio", value=0.347, expected=0.04, drop=None),
            "CRITICAL: bad sessions 35 %, usually 4.0 %, region west, about 1,200 users",
            "【严重】区域 west：差会话占比 35 %，平时 4.0 %，约 1,200 名用户",
        ),
        (
            facts(state="acknowledged", acknowledged_by="Li Lei", acknowledged_comment="on site"),
            "Li Lei has taken it: experience, region west",
            "【已认领】Li Lei：区域 west 整体体验",
        ),
    ],
)
def test_the_first_line_is_understood_half_asleep(write: Writer, told: Facts, english: str, chinese: str) -> None:
    assert write(told, "en").title == english
    assert write(told, "zh").title == chinese


def test_a_whole_message_in_english(write: Writer) -> None:
    letter = write(facts(), "en")
    assert letter.lines == (
        "Since 12:00 (Asia/Shanghai), for 2 h 30 min as of 14:30.",
        "Now 70, usually 81 at this time.",
        "About 1,200 users: 42 gold, 1,200 without a tier.",
        "Likely cause: Core (83 % sure), cluster c0ffee.",
        "- packet loss: 3.1 %, before 0.20 %",
        "Complaints so far: 7.",
        "Responsible: NOC.",
    )
    assert (letter.key, letter.url) == ("a1:firing:1", "https://cem.example/alerts?alert=a1")


def test_a_whole_message_in_chinese(write: Writer) -> None:
    assert write(facts(), "zh").lines == (
        "自 12:00 起（Asia/Shanghai），截至 14:30 已持续 2 小时 30 分钟。",
        "当前 70，平时此时 81。",
        "约 1,200 名用户：gold 42、无等级 1,200。",
        "可能原因：核心网（把握 83%），群集 c0ffee。",
        "- 丢包率：3.1 %，此前 0.20 %",
        "迄今投诉：7 件。",
        "负责人：NOC。",
    )


def test_an_end_says_how_long_it_lasted_and_names_its_days(write: Writer) -> None:
    assert write(facts(**OVER), "en").lines[0] == "From 10 Mar 12:00 to 14:00 (Asia/Shanghai): 26 h."
    assert write(facts(**OVER), "zh").lines[0].startswith("3月10日 12:00 至 14:00")


def test_a_cluster_is_said_by_its_conditions(write: Writer) -> None:
    cells = tuple(f"W-{n}" for n in range(12))
    told = facts(
        kind="cluster", subject="cluster=c1", measure="bad_ratio", unit="ratio", value=0.35, expected=0.04, drop=0.32,
        about={"app": ("video",), "cell": cells, "site": ("W1", "W2", "W3", "W4"), "region": ("west",)},
    )  # fmt: skip
    assert (
        write(told, "en").title
        == "CRITICAL: bad sessions 35 %, usually 4.0 %, app video, region west, about 1,200 users"
    )
    assert write(told, "zh").title == "【严重】应用 video、区域 west：差会话占比 35 %，平时 4.0 %，约 1,200 名用户"
    wide = replace(told, about={"cell": cells})
    assert ", 12 × cell," in write(wide, "en").title


def test_a_storm_lists_some_of_what_is_in_it_and_counts_the_rest(write: Writer) -> None:
    lines = write(storm(), "en").lines
    inside = "cell W-000, cell W-001, cell W-002, cell W-003, cell W-004 and 995 more"
    assert f"Part of it (1000): {inside}." in lines
    assert sum(len(line) for line in lines) < 600


def test_parts_are_named_once_and_the_alert_is_no_part_of_itself(write: Writer) -> None:
    named = ("region=west", "site=W1", "site=W1", "site=W2")
    parts = tuple(replace(storm().children[0], alert_id=str(n), subject=one) for n, one in enumerate(named))
    assert "Part of it (4): site W1, site W2." in write(facts(children=parts, children_count=4), "en").lines
    own = write(facts(children=parts[:1], children_count=1), "en")
    assert not any(line.startswith("Part of") for line in own.lines)


def test_indicators_have_their_titles_and_units(write: Writer, tmp_path: Path) -> None:
    told = facts(measure="kqi:rtt_client", unit="ms", value=182.4, expected=41.0, drop=141.4)
    assert write(told, "en").title.startswith("CRITICAL: Round trip, probe to user 182 ms, usually 41 ms, region west")
    assert write(told, "zh").title.startswith("【严重】区域 west：用户侧往返时延 182 ms，平时 41 ms")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("state", ["firing", "acknowledged", "silenced", "resolved"])
@pytest.mark.parametrize("given", [{}, NO_DATA, PAGES, {"domain": None, "evidence": (), "tiers": (), "owner": None}])
def test_every_alert_has_words(write: Writer, given: dict[str, Any], state: str, language: str) -> None:
    letter = write(facts(**{**given, "state": state}), language)
    assert letter.title
    assert all("{" not in line and "None" not in line for line in (letter.title, *letter.lines))


def test_without_an_address_of_the_screens_there_is_no_link(tmp_path: Path) -> None:
    assert writer(load_settings(home=tmp_path))(facts(), "en").url is None


def test_a_test_message_says_that_nothing_is_wrong(write: Writer) -> None:
    assert write(replace(facts(), rule="test"), "en").title == "Test: Cemaphore can reach you. Nothing is wrong."


@pytest.mark.parametrize(
    ("n", "said"), [(0, "0"), (7, "7"), (99, "99"), (104, "100"), (1234, "1,200"), (98_765, "99,000")]
)
def test_users_are_said_to_two_figures(n: int, said: str) -> None:
    assert about(n, "en") == said


def test_figures_are_short() -> None:
    given = [(None, "ms"), (8234.0, "ms"), (12_345.0, "kbit/s"), (0.5, "ratio"), (1.26, "s"), (3.0, "1")]
    shown = [figure(value, unit, "en") for value, unit in given]
    assert shown == ["-", "8,234 ms", "12.3 Mbit/s", "50 %", "1.3 s", "3.0"]
