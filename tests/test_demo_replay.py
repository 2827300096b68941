"""Replaying the demo city with a level set to a reference: the same draws, and only what that level does is changed."""

import numpy as np
import pytest

from cemaphore.demo import FAST
from cemaphore.demo.replay import Reference, referred, replay
from cemaphore.demo.stage import Stage

SIZES = {"cell": FAST.cells, "model": FAST.models, "app": 12, "server": 6, "core": 3}


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage(FAST, 1)


def _itself(name: str) -> Reference:
    return Reference(attribute=name, level=np.arange(SIZES[name]))


def _all_like(name: str, level: int) -> Reference:
    return Reference(attribute=name, level=np.full(SIZES[name], level))


def test_every_level_set_to_itself_changes_nothing(stage: Stage) -> None:
    for block in replay(stage, tuple(_itself(name) for name in SIZES), range(180, 182)):
        for under in block.under.values():
            np.testing.assert_array_equal(under, block.q)


def test_sessions_of_the_reference_itself_do_not_change_and_others_do(stage: Stage) -> None:
    for block in replay(stage, tuple(_all_like(name, 1) for name in SIZES), range(20, 21)):
        for name, under in block.under.items():
            there = block.drawn.attributes[name] == 1
            np.testing.assert_array_equal(under[there], block.q[there])
            assert (under[~there] != block.q[~there]).any()


def test_a_fault_of_a_server_goes_away_with_the_server(stage: Stage) -> None:
    down = 0  # cdn-east, on the tenth day from nine to half past eleven
    blocks = list(replay(stage, (_all_like("server", 2),), range(9 * 24 + 9, 9 * 24 + 11)))
    hit = np.concatenate([block.drawn.server == down for block in blocks])
    q = np.concatenate([block.q for block in blocks])
    under = np.concatenate([block.under["server"] for block in blocks])
    assert under[hit].mean() > q[hit].mean() + 15


def test_a_cell_brings_its_carrier_its_load_and_its_reach(stage: Stage) -> None:
    hour = stage.hour(20)
    drawn = next(stage.sessions(hour))
    edge = int(np.flatnonzero(stage.city.sites.edge)[0]) * 3
    moved = referred(stage, hour, drawn, _all_like("cell", edge))
    assert set(moved.band.tolist()) == {int(stage.city.cells.band[edge])}
    assert np.median(moved.distance_m) > 2 * np.median(drawn.distance_m) > 0
    np.testing.assert_array_equal(np.unique(moved.offered), np.unique(hour.offered[:, edge]))
    np.testing.assert_array_equal(moved.normals, drawn.normals)
