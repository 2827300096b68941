"""Joint effects: who by itself makes sessions worse, in worlds where it is known, and the verdicts that follow."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from qoe import solving
from qoe.blame import DOMAINS, parts_for, parts_of, verdicts
from qoe.effects import FAILURE, QUALITY, at, clustering_of, joint_effects
from qoe.normal import CAUSES, FACTORS, empty, normal_of
from qoe.solving import Equations

POOR = 1


SIZES = {"cell": 40, "model": 12, "app": 8, "server": 5, "core_node": 3, "service": 3, "hour": 48}


class World:
    """Sessions with known effects: 40 cells, 12 models, 8 apps, 5 servers, 3 core nodes, and noise."""

    def __init__(self, seed=1, rows=20_000, **true):
        self.rng = np.random.default_rng(seed)
        self.levels = {name: self.rng.integers(1, size + 1, rows) for name, size in SIZES.items()}
        self.levels["service"] = self.levels["app"] % 3 + 1
        self.customer = self.rng.integers(1, 2000, rows)
        self.true = {name: true.get(name, np.zeros(SIZES[name])) for name in CAUSES}

    def outcomes(self, noise=20.0):
        q = 70 + self.rng.normal(0, noise, len(self.customer)) - 3 * (self.levels["hour"] % 24 > 18)
        for name, effect in self.true.items():
            q = q + effect[self.levels[name] - 1]
        return np.column_stack([q, 100.0 * (self.rng.random(len(q)) < 0.03)])

    def fit(self):
        sums = normal_of(self.levels, self.outcomes())
        return sums, joint_effects(sums)

    def verdict(self, attribute, value):
        sums, effects = self.fit()
        parts = parts_of(sums, effects, attribute)
        return dict(zip(parts.value.tolist(), verdicts(parts).verdict.tolist(), strict=True))[value]


def _one(size, value, points):
    effect = np.zeros(size)
    effect[value - 1] = points
    return effect


def test_effects_are_recovered_with_honest_errors():
    rng = np.random.default_rng(5)
    world = World(rows=20_000, cell=rng.normal(0, 6, 40), model=rng.normal(0, 4, 12), server=rng.normal(0, 2, 5))
    _, effects = world.fit()
    wrong = {"plain": [], "shrunk": []}
    for name in ("cell", "model", "server"):
        mine = effects.of(name)
        true = world.true[name] - np.average(world.true[name], weights=mine.n)
        assert np.corrcoef(mine.shrunk, true)[0, 1] > 0.95
        wrong["plain"] += ((mine.effect - true) / mine.se).tolist()
        wrong["shrunk"] += ((mine.shrunk - true) / mine.shrunk_se).tolist()
    for z in wrong.values():
        assert 0.7 < np.sqrt(np.mean(np.square(z))) < 1.35
    assert effects.prior[CAUSES.index("cell")] == pytest.approx(6, rel=0.3)


def test_where_nothing_differs_everything_is_shrunk_away():
    _, effects = World(rows=5000).fit()
    assert np.abs(effects.shrunk).max() < 0.35 * np.abs(effects.effect).max()


def test_a_poor_device_used_mostly_in_poor_cells_is_not_blamed_for_them():
    world = World(cell=np.where(np.arange(40) < 10, -20.0, 0.0))
    mine = world.levels["model"] == POOR
    world.levels["cell"][mine & (world.rng.random(len(mine)) < 0.8)] = world.rng.integers(1, 11)
    assert world.verdict("model", POOR) == "network"
    _, effects = world.fit()
    assert abs(at(effects.of("model").value, effects.of("model").shrunk, np.array([POOR]))[0]) < 2


def test_a_poor_cell_full_of_poor_devices_is_not_blamed_for_them():
    world = World(model=_one(12, POOR, -20.0))
    mine = world.levels["cell"] == POOR
    world.levels["model"][mine & (world.rng.random(len(mine)) < 0.8)] = POOR
    assert world.verdict("cell", POOR) == "device"
    assert world.verdict("model", POOR) == "device"
    sums, effects = world.fit()
    parts = parts_of(sums, effects, "model")
    assert verdicts(parts).not_network.all()


@pytest.mark.parametrize(
    ("attribute", "domain"), [("app", "app"), ("server", "server"), ("core_node", "core"), ("cell", "network")]
)
def test_each_domain_is_named_for_its_own(attribute, domain):
    assert World(**{attribute: _one(SIZES[attribute], POOR, -15.0)}).verdict(attribute, POOR) == domain


def test_little_evidence_is_unknown_and_nothing_lost_is_none():
    assert World(rows=1500, model=_one(12, POOR, -15.0)).verdict("model", POOR) == "unknown"
    assert World().verdict("model", POOR) == "none"


def test_a_customer_is_judged_by_what_others_saw_of_its_cells_and_device():
    _, effects = World(cell=_one(40, POOR, -20.0)).fit()
    parts = parts_for({"cell": {POOR: 90.0, 2: 10.0}, "model": {3: 100.0}}, effects)
    judged = verdicts(parts, 30)
    assert judged.verdict[0] == "network"
    assert parts.part[0, DOMAINS.index("network")] == pytest.approx(-18, abs=2)
    assert verdicts(parts_for({}, effects)).verdict[0] == "unknown"
    unseen = parts_for({"cell": {999: 100.0}}, effects)
    assert unseen.se[0, 0] == pytest.approx(effects.prior[0])


def test_splitting_sessions_and_merging_their_sums_changes_nothing():
    world = World(rows=6000, cell=_one(40, POOR, -10.0))
    outcomes = world.outcomes()
    whole = normal_of(world.levels, outcomes)
    cut = [np.arange(6000) % 3 == part for part in range(3)]
    merged = empty()
    for mine in cut:
        merged = merged.plus(normal_of({name: codes[mine] for name, codes in world.levels.items()}, outcomes[mine]))
    np.testing.assert_array_equal(merged.key, whole.key)
    np.testing.assert_allclose(merged.cross.toarray(), whole.cross.toarray())
    np.testing.assert_allclose(merged.product, whole.product)
    np.testing.assert_allclose(joint_effects(merged).shrunk, joint_effects(whole).shrunk, atol=1e-9)


def test_what_was_long_ago_is_forgotten():
    old, new = World(seed=1, cell=_one(40, POOR, -20.0)), World(seed=2)
    sums = normal_of(old.levels, old.outcomes()).plus(normal_of(new.levels, new.outcomes()), 0.05)
    cells = joint_effects(sums).of("cell")
    assert abs(cells.shrunk[0]) < 3
    assert not len(sums.plus(empty(), 1e-9).key)


def test_a_missing_attribute_leaves_the_others():
    world = World(model=_one(12, POOR, -12.0))
    world.levels["cell"][:] = 0
    _, effects = world.fit()
    assert not len(effects.of("cell").value)
    assert effects.of("model").shrunk[0] == pytest.approx(-11, abs=2)


def test_sessions_of_one_customer_that_are_alike_widen_the_errors():
    world = World(rows=20_000)
    mood = world.rng.normal(0, 20, 2000)
    outcomes = world.outcomes(noise=5.0)
    outcomes[:, QUALITY] += mood[world.customer]
    world.levels["model"] = world.customer % 12 + 1
    sums = normal_of(world.levels, outcomes)
    effects = (joint_effects(sums), joint_effects(sums, FAILURE))
    wide = clustering_of(world.levels, outcomes, world.customer, sums, effects).design_effect()
    model = CAUSES.index("model")
    assert wide[model, QUALITY] == pytest.approx(10, rel=0.35)
    assert wide[model, FAILURE] < 1.5
    assert joint_effects(sums, QUALITY, wide[:, QUALITY]).of("model").se.mean() > 2.5 * effects[0].of("model").se.mean()


@pytest.mark.parametrize("dense", [0, 10**6])
def test_the_solver_is_the_inverse_that_it_never_writes_down(dense, monkeypatch):
    monkeypatch.setattr(solving, "_DENSE", dense)
    world = World(rows=3000)
    sums = normal_of(world.levels, world.outcomes())
    ridge = np.full(len(sums.key), 2.0)
    solver = Equations.of(csr_array(sums.cross), sums.factor).under(ridge)
    inverse = np.linalg.inv(sums.cross.toarray() + np.diag(ridge))
    np.testing.assert_allclose(solver.variances(), np.diag(inverse), rtol=1e-8)
    np.testing.assert_allclose(solver.solve(sums.product), inverse @ sums.product, rtol=1e-7, atol=1e-8)
    assert len(FACTORS) == len(np.unique(sums.factor))
