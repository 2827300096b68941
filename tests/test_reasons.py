"""Reasons: the right code with its figures, points that sum, and a sentence for each in both languages."""

import numpy as np
import pytest

from cemaphore.wording import messages, sentence, summed
from qoe.catalogue import SEGMENTS
from qoe.demarcation import demarcate
from qoe.peers import Terminal
from qoe.reasons import CODES, Reason, session_reasons, top_reasons
from tests.sessions import CATALOGUE, MODELS, evidence_of, frame


def _reasons(columns: dict[str, np.ndarray], **known: object) -> list[tuple[Reason, ...]]:
    evidence = evidence_of(columns, **known)
    found = demarcate(columns, evidence, CATALOGUE, MODELS)
    return session_reasons(columns, evidence, found, CATALOGUE)


def test_a_slow_page_names_what_was_slow_with_its_figures() -> None:
    (found,) = _reasons(frame("web", page_load_ms=5000, rtt_client_ms=160, loss_dl=0.031, ttfb_ms=1450))
    codes = {reason.code: reason for reason in found}
    assert {"radio.rtt_client_ms", "radio.loss_dl", "server_app.ttfb_ms", "unexplained"} <= set(codes)
    assert codes["radio.loss_dl"].parameters == pytest.approx({"value": 0.031, "reference": 0.005})
    lost = 100 - evidence_of(frame("web", page_load_ms=5000)).q[0]
    assert sum(reason.points for reason in found) == pytest.approx(lost, abs=len(CODES))
    explained = [reason.points for reason in found[:-1]]
    assert explained == sorted(explained, reverse=True)
    assert found[-1].code == "unexplained"


def test_a_device_below_its_peers_is_named() -> None:
    terminal = Terminal(np.array([20.0]), np.zeros(1), np.ones(1, bool))
    (found,) = _reasons(frame("web", page_load_ms=5000, rtt_client_ms=40), terminal=terminal)
    assert any(reason.code == "device.shortfall" and reason.points == pytest.approx(20) for reason in found)


def test_the_network_is_cleared_only_where_enough_of_it_was_measured() -> None:
    seen = frame("web", page_load_ms=5000, rtt_client_ms=40, loss_dl=0.0, throughput_dl_kbps=20_000, ttfb_ms=3000)
    unseen = frame("web", page_load_ms=5000, rtt_client_ms=40, ttfb_ms=3000)
    slow = frame("web", page_load_ms=5000, rtt_client_ms=400, loss_dl=0.0, throughput_dl_kbps=20_000)
    cleared = [any(one.code == "not_network" for one in _reasons(columns)[0]) for columns in (seen, unseen, slow)]
    assert cleared == [True, False, False]


def test_a_weak_signal_is_said_beside_what_it_costs() -> None:
    columns = frame("web", page_load_ms=5000, rtt_client_ms=300, rsrp_dbm=[-118, -80, -80], sinr_db=[3, -4, 15])
    codes = [[reason.code for reason in row] for row in _reasons(columns)]
    assert [("radio.weak_signal" in row, "radio.interference" in row) for row in codes] == [
        (True, False),
        (False, True),
        (False, False),
    ]


def test_a_good_session_and_one_without_data_say_so() -> None:
    good, unknown = _reasons(frame("web", page_load_ms=[600, np.nan], rtt_client_ms=300))
    assert [reason.code for reason in good] == ["good"]
    assert [reason.code for reason in unknown] == ["not_enough_data"]


def test_a_failure_names_the_segment_of_its_cause() -> None:
    columns = frame("web", page_load_ms=[np.nan] * 5) | {"success": np.zeros(5, np.int8)}
    found = _reasons(columns, cause=np.array([0, 1, 2, 3, -1], np.int8))
    assert [row[0].code for row in found] == [f"failed.{name}" for name in (*SEGMENTS, "unknown")]


def test_the_top_reasons_are_summed_over_sessions() -> None:
    rows = _reasons(frame("web", page_load_ms=[5000, 5000, 4000], rtt_client_ms=[300, 200, 40]))
    top = top_reasons(rows)
    rtt = next(reason for reason in top if reason.code == "radio.rtt_client_ms")
    assert rtt.parameters["sessions"] == 2
    assert rtt.parameters["value"] == pytest.approx(300)
    assert "sessions: 2" in summed("en", rtt)
    assert rtt.points == pytest.approx(sum(one.points for row in rows for one in row if one.code == rtt.code))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_code_is_a_sentence(language: str) -> None:
    parameters = {"value": 0.03, "reference": 0.005, "lost": 2.0}
    for code in CODES:
        text = sentence(language, Reason(code=code, points=12.44, parameters=parameters))
        assert text
        assert "{" not in text
    loss = sentence(language, Reason(code="radio.loss_dl", points=12.44, parameters=parameters))
    assert all(figure in loss for figure in ("3.0%", "0.5%", "12.4"))
    assert {key for key in messages(language) if key.startswith("reason.")} == {f"reason.{code}" for code in CODES}
