"""Device models against their peers, and core nodes against others: what is above chance, and no more."""

import numpy as np
import pytest

from qoe.peers import Setting, compare, shared_fault, shared_part


def _setting(model: np.ndarray, cell: np.ndarray, band: np.ndarray | None = None) -> Setting:
    one = np.ones(len(model), dtype=np.int32)
    return Setting(model=model, app=one, cell=cell, region=one, service=one, band=one if band is None else band)


def _city(rows: int = 6000, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.random.Generator]:
    random = np.random.default_rng(seed)
    model = random.integers(1, 11, rows).astype(np.int32)
    cell = random.integers(1, 31, rows).astype(np.int32)
    return model, cell, random.normal(80, 8, rows).clip(0, 100), random


def test_a_model_that_is_worse_than_its_peers_stands_out_and_a_bad_cell_does_not() -> None:
    model, cell, q, _ = _city()
    q[cell == 5] -= 40
    q[model == 3] -= 25
    found = compare(_setting(model, cell), q, np.zeros(len(q), bool))
    assert found.measured.all()
    assert found.shortfall[model == 3] == pytest.approx(25, abs=3)
    assert found.shortfall[model != 3].max() < 2


def test_failures_beyond_the_peers_are_the_devices_fault() -> None:
    model, cell, q, random = _city()
    failed = random.random(len(q)) < np.where(model == 3, 0.40, 0.04)
    found = compare(_setting(model, cell), np.where(failed, 0.0, q), failed)
    assert 0.75 < found.fault[model == 3].min() < 0.95
    assert found.fault[model != 3].max() < 0.3


def test_a_fault_of_one_band_is_seen_in_that_band() -> None:
    model, cell, q, _ = _city()
    band = (1 + cell % 5).astype(np.int32)
    hit = (model == 3) & (band == 2)
    q[hit] -= 30
    found = compare(_setting(model, cell, band), q, np.zeros(len(q), bool))
    assert found.shortfall[hit] == pytest.approx(30, abs=6)
    assert found.shortfall[(model == 3) & (band != 2)].max() < found.shortfall[hit].min() / 2


def test_without_model_or_peers_the_device_is_not_measured() -> None:
    q = np.full(4, 60.0)
    alone = compare(_setting(np.array([1, 1, 1, 1], np.int32), np.ones(4, np.int32)), q, np.zeros(4, bool))
    unknown = compare(_setting(np.zeros(4, np.int32), np.ones(4, np.int32)), q, np.zeros(4, bool))
    assert not alone.measured.any()
    assert not unknown.measured.any()


def test_what_a_core_node_adds_in_every_cell_is_the_nodes_part() -> None:
    _, cell, _, random = _city()
    node = random.integers(1, 4, len(cell)).astype(np.int32)
    excess = random.exponential(0.3, len(cell)) + 2.0 * (cell == 5) + 3.0 * (node == 2)
    part = shared_part(node, cell, np.ones_like(cell), excess)
    assert part[(node == 2) & (cell != 5)].mean() > 0.8
    assert 0.4 < part[(node == 2) & (cell == 5)].mean() < 0.7
    assert part[node != 2].max() < 0.1


def test_a_node_that_stands_alone_cannot_be_told_from_its_cells() -> None:
    _, cell, _, random = _city(600)
    excess = random.exponential(2.0, len(cell))
    one = np.ones_like(cell)
    assert not shared_part(one, cell, one, excess).any()
    assert not shared_part(np.zeros_like(cell), cell, one, excess).any()


def test_failures_that_a_core_node_has_in_every_cell_are_the_nodes() -> None:
    _, cell, _, random = _city()
    node = random.integers(1, 4, len(cell)).astype(np.int32)
    failed = random.random(len(cell)) < np.where(node == 2, 0.3, 0.03)
    part = shared_fault(node, cell, np.ones_like(cell), failed)
    assert 0.75 < part[node == 2].min() < 0.95
    assert part[node != 2].max() < 0.3
