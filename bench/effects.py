"""Joint effects against the true ones of the demo city, and against plain means per level.

True is the mean change of the quality of a level's own sessions when the generator is replayed with the same random
numbers and that level set to its attribute's reference: the level of median mean quality, for an app among the apps of
its service. Joint effects are learned day by day from all sessions that the probes delivered, as the product learns
them, and see nothing of the replay. Levels with 2,000 sessions or more are judged over the whole city, those with 200
to 1,999 on one ordinary day alone. Every attribute's effects are taken from their mean over sessions.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.pairs import arguments, close, tell
from cemaphore.demo import DEFAULT, FAST, WorldSize
from cemaphore.demo.catalogue import CORE_NODES
from cemaphore.demo.drawing import APPS
from cemaphore.demo.replay import Reference, Replayed, replay
from cemaphore.demo.stage import Stage
from qoe.effects import QUALITY, Clustering, Effects, at, clustering_of, joint_effects
from qoe.expectation import kept
from qoe.normal import Normal, normal_of

TARGET, TARGET_FEW = 0.95, 0.85
MANY, FEW = 2_000, 200
ORDINARY_DAY = 2
SMALL_DAYS = 4
HALF_LIFE_DAYS = 14.0
SEED = 1
_REPLAYED = {"cell": "cell", "model": "model", "app": "app", "server": "server", "core_node": "core"}

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sessions:
    """Sessions of one day: levels per factor (from 1), outcomes, person, and quality under each reference."""

    levels: dict[str, Ints]
    outcomes: Floats
    person: Ints
    under: dict[str, Floats]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How well estimates agree with the truth over levels: Pearson's r and root mean square error, of both."""

    attribute: str
    levels: int
    r: float
    r_means: float
    rmse: float
    rmse_means: float


def days(stage: Stage, references: tuple[Reference, ...], number: int) -> Iterator[Sessions]:
    """Play the first days of the city one by one."""
    for day in range(number):
        yield _joined(list(replay(stage, references, range(24 * day, 24 * day + 24))))


def _joined(blocks: list[Replayed]) -> Sessions:
    q = np.concatenate([block.q for block in blocks])
    rated = ~np.isnan(q)
    whole = {
        name: np.concatenate([block.drawn.attributes[drawn] for block in blocks])[rated] + 1
        for name, drawn in _REPLAYED.items()
    }
    hours = [np.full(block.drawn.count, 24 * block.hour.now.weekend + block.hour.now.hour + 1) for block in blocks]
    whole |= {"service": APPS.service[whole["app"] - 1] + 1, "hour": np.concatenate(hours)[rated]}
    failed = np.concatenate([block.failed for block in blocks])[rated]
    return Sessions(
        levels=whole,
        outcomes=np.column_stack([q[rated], 100.0 * failed]),
        person=np.concatenate([block.drawn.person for block in blocks])[rated],
        under={
            name: np.concatenate([block.under[drawn] for block in blocks])[rated]
            for name, drawn in _REPLAYED.items()
            if drawn in blocks[0].under
        },
    )


class Tables:
    """Per attribute and level sessions, sum of true changes and sum of qualities, with forgetting; and plain counts."""

    def __init__(self, stage: Stage) -> None:
        sizes = {"cell": stage.world.cells, "model": stage.world.models, "app": len(APPS.shares)}
        sizes |= {"server": len(APPS.server_rtt_ms), "core_node": len(CORE_NODES)}
        self.true = {name: np.zeros((3, size + 1)) for name, size in sizes.items()}
        self.seen = {name: np.zeros(size + 1) for name, size in sizes.items()}

    def add(self, day: Sessions) -> None:
        """Add a day."""
        q = day.outcomes[:, QUALITY]
        for name, table in self.true.items():
            code, size = day.levels[name], table.shape[1]
            change = q - day.under[name] if name in day.under else np.zeros(len(q))
            table *= kept(1, HALF_LIFE_DAYS)
            table += [np.bincount(code, weights, size) for weights in (np.ones(len(q)), change, q)]
            self.seen[name] += np.bincount(code, minlength=size)


class Learned:
    """What was learned so far: sums that forget and effects; and beside them the tables of what is true."""

    def __init__(self, stage: Stage) -> None:
        self.tables = Tables(stage)
        self._sums: Normal | None = None
        self._alike: Clustering | None = None

    def add(self, day: Sessions) -> None:
        """Learn a day."""
        left = kept(1, HALF_LIFE_DAYS)
        fresh = normal_of(day.levels, day.outcomes)
        self._sums = fresh if self._sums is None else self._sums.plus(fresh, left)
        made = tuple(joint_effects(self._sums, outcome) for outcome in range(day.outcomes.shape[1]))
        alike = clustering_of(day.levels, day.outcomes, day.person, self._sums, made)
        self._alike = alike if self._alike is None else self._alike.plus(alike, left)
        self.tables.add(day)

    def effects(self) -> Effects:
        """The joint effects on quality."""
        assert self._sums is not None
        assert self._alike is not None
        return joint_effects(self._sums, QUALITY, self._alike.design_effect()[:, QUALITY])

    def agreement(self, least: int, most: float) -> list[Agreement]:
        """Per attribute, and last of all levels together, over the levels with `least` to `most` sessions."""
        effects, found, every = self.effects(), [], []
        for name, (n, change, q) in self.tables.true.items():
            mine = effects.of(name)
            joint = at(mine.value, mine.shrunk, np.arange(len(n)))
            some, seen = np.maximum(n, 1e-9), self.tables.seen[name]
            columns = [_centred(name, values, n) for values in (change / some, joint, q / some)]
            chosen = (seen >= least) & (seen < most)
            if chosen.any():
                every.append(np.array(columns)[:, chosen])
                found.append(_agreement(name, every[-1]))
        return [*found, _agreement("all", np.concatenate(every, axis=1))]


def _centred(name: str, values: Floats, n: Floats) -> Floats:
    """Values less their mean over sessions; of apps less that of their service, which is no app's doing."""
    group = np.append(0, APPS.service) if name == "app" else np.zeros(len(values), dtype=np.int64)
    total = np.bincount(group, n)
    mean = np.bincount(group, values * n) / np.maximum(total, 1e-9)
    return np.asarray(values - mean[group], dtype=np.float64)


def _agreement(name: str, columns: Floats) -> Agreement:
    true, joint, means = columns
    enough = len(true) > 2 and true.std() > 0
    r = [float(np.corrcoef(true, each)[0, 1]) if enough and each.std() > 0 else float("nan") for each in (joint, means)]
    errors = [float(np.sqrt(((true - each) ** 2).mean())) for each in (joint, means)]
    return Agreement(
        attribute=name, levels=len(true), r=r[0], r_means=r[1], rmse=errors[0], rmse_means=errors[1]
    )  # fmt: skip


def references_of(stage: Stage, number: int) -> tuple[Reference, ...]:
    """The reference of every attribute: the level whose mean quality is the median over sessions."""
    plain = Tables(stage)
    for day in days(stage, (), number):
        plain.add(day)
    made = []
    for name, (n, _, q) in plain.true.items():
        mean = (q / np.maximum(n, 1e-9))[1:]
        group = APPS.service if name == "app" else np.zeros(len(mean), dtype=np.int64)
        level = np.zeros(len(mean), dtype=np.int64)
        for each in np.unique(group):
            mine = np.flatnonzero((group == each) & (n[1:] > 0))
            order = mine[np.argsort(mean[mine], kind="stable")]
            below = np.cumsum(n[1:][order])
            level[group == each] = order[np.searchsorted(below, below[-1] / 2)]
        made.append(Reference(attribute=_REPLAYED[name], level=level))
    return tuple(made)


def run(world: WorldSize, played_days: int) -> tuple[list[Agreement], list[Agreement]]:
    """Agreement over the levels with many sessions in the whole city, and over those with few in one day."""
    stage = Stage(world, SEED)
    whole, one = Learned(stage), Learned(stage)
    for number, day in enumerate(days(stage, references_of(stage, played_days), played_days)):
        whole.add(day)
        if number == ORDINARY_DAY:
            one.add(day)
    return whole.agreement(MANY, np.inf), one.agreement(FEW, MANY)


def main() -> int:
    """Replay the city and compare."""
    asked = arguments(__doc__ or "")
    many, few = run(*((FAST, SMALL_DAYS) if asked.small else (DEFAULT, DEFAULT.days)))
    for title, found in ((f"from {MANY:,} sessions", many), (f"{FEW} to {MANY - 1:,} sessions, one day", few)):
        tell(f"{title}: attribute, levels; r joint, means; RMSE joint, means")
        for each in found:
            tell(f"  {each.attribute:10} {each.levels:4}; {each.r:6.3f} {each.r_means:6.3f}; "
                 f"{each.rmse:5.2f} {each.rmse_means:5.2f}")  # fmt: skip
    better = all(each.r > each.r_means and each.rmse < each.rmse_means for each in (many[-1], few[-1]))
    tell(f"from {FEW} sessions r {few[-1].r:.3f} (target {TARGET_FEW}); "
         f"{'better' if better else 'NOT better'} than means per level")  # fmt: skip
    detail: dict[str, object] = {"many": [vars(each) for each in many], "few": [vars(each) for each in few]}
    missed = close(
        "effects", many[-1].r, "Pearson's r with the true effects", TARGET, at_most=False, detail=detail,
        as_json=asked.json,
    )  # fmt: skip
    return missed or int(not better or few[-1].r < TARGET_FEW)


if __name__ == "__main__":
    raise SystemExit(main())
