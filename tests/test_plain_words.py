"""What a customer is told: only what is known, the same in both languages, with no promise and nobody named."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.cluster_actions import DOMAINS
from dashboards.explained_number import BAD_BELOW, GOOD_FROM, rounded, state
from dashboards.messages import LANGUAGES, catalogue, text
from dashboards.plain_words import MOST, Day, Disturbance, told

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 3, 9, 6, 15, tzinfo=UTC)
DAY = Day(start=START.replace(hour=0), n=12, bad=3, limiting="app")


def disturbance(domain: str = "core", *, ended: bool = True, taken: bool = False, bad: int = 1) -> Disturbance:
    end = START + timedelta(hours=3) if ended else None
    return Disturbance(domain=domain, certainty=0.9, started_at=START, ended_at=end, bad=bad, taken=taken)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("domain", DOMAINS)
def test_every_domain_has_words_in_every_language(language: str, domain: str) -> None:
    said = told(language, [disturbance(domain)], DAY, ZONE)
    assert text(language, f"tell.wrong.{domain}") in said
    assert text(language, f"tell.can.{domain}") in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_times_are_on_the_clock_of_the_place(language: str) -> None:
    """06:15 UTC is 14:15 in Shanghai."""
    said = told(language, [disturbance()], DAY, ZONE)
    assert "14:15" in said
    assert "17:15" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_work_on_it_is_told_only_where_somebody_has_taken_it_on(language: str) -> None:
    taken = text(language, "tell.taken")
    assert taken in told(language, [disturbance(ended=False, taken=True)], DAY, ZONE)
    assert taken not in told(language, [disturbance(ended=False)], DAY, ZONE)
    assert taken not in told(language, [disturbance(taken=True)], DAY, ZONE)


def test_what_goes_on_comes_first_then_what_hurt_most_and_the_rest_is_counted() -> None:
    many = [
        disturbance("core", bad=5),
        disturbance("app", bad=9),
        disturbance("device", ended=False),
        disturbance("server"),
    ]
    paragraphs = told("en", many, DAY, ZONE).split("\n\n")
    assert [
        text("en", f"tell.wrong.{name}") in said
        for name, said in zip(("device", "app", "core"), paragraphs[1:4], strict=True)
    ] == [True] * MOST
    assert paragraphs[-1] == text("en", "tell.more", n=1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_uncertain_cause_is_called_so(language: str) -> None:
    unsure = Disturbance(domain="core", certainty=0.5, started_at=START, ended_at=None, bad=1)
    assert text(language, "tell.uncertain") in told(language, [unsure], DAY, ZONE)
    assert text(language, "tell.uncertain") not in told(language, [disturbance()], DAY, ZONE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_good_bad_and_unmeasured_days_without_a_cluster_are_told_apart(language: str) -> None:
    said = {
        told(language, [], DAY, ZONE),
        told(language, [], Day(start=START, n=12, bad=0, limiting="app"), ZONE),
        told(language, [], Day(start=START, n=0, bad=0, limiting=None), ZONE),
        told(language, [], None, ZONE),
    }
    assert len(said) == 3
    assert text(language, "tell.unmeasured") in said


def test_no_sentence_promises_blames_or_speaks_in_terms_of_the_trade() -> None:
    """Words that would: a repair by a time, the customer's own fault, names of network elements."""
    english = " ".join(value for key, value in catalogue("en").items() if key.startswith("tell."))
    trade = r"\b(cluster|index|KPI|cell|RAN|core|node|latency|jitter|packet|site id|your fault|you should have)\b"
    assert not re.search(trade, english, re.IGNORECASE)
    assert not re.search(r"\bwill be (fixed|solved|repaired|back)\b", english)


@given(st.lists(st.floats(0, 20), min_size=1, max_size=5))
def test_the_sum_that_is_shown_is_exact(points: list[float]) -> None:
    """However parts are rounded, 100 less the shown ones is the shown score."""
    shown = rounded({str(place): value for place, value in enumerate(points)})
    left = 100.0
    for value in points:
        left -= value
    assert round(100.0 - sum(shown.values()), 1) == pytest.approx(round(left, 1), abs=1e-9)


def test_no_figure_is_neither_bad_nor_good() -> None:
    assert [state(value) for value in (None, float("nan"), BAD_BELOW - 0.1, BAD_BELOW, GOOD_FROM)] == [
        "unknown",
        "unknown",
        "bad",
        "middling",
        "good",
    ]
