"""Weights of the dimensions out of surveys: what answers say that each dimension is worth, tested on later answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from qoe.catalogue import DIMENSIONS
from qoe.means import Mean
from qoe.model import BoolArray, FloatArray

# Scales of the kinds of surveys: recommend 0..10, satisfied 1..5, easy 1..7.
SCALES = {"nps": (0.0, 10.0), "csat": (1.0, 5.0), "ces": (1.0, 7.0)}
# Twenty answers a weight and their common level; fewer, and chance chooses the weights (own).
LEAST_TRAIN, LEAST_TEST = 100, 40
LEAST_OF_DIMENSION = 20
TRAIN_SHARE = 0.7
BOOTSTRAPS = 400
BINS = 5
_Z95 = 1.959963984540054


@dataclass(frozen=True, eq=False)
class Answers:
    """Surveys, one a row: when (any ordered number), who (any code), which kind (code), score 0..100.

    `dimensions` (4, rows) are that user's indices before the survey, NaN where there is none.
    """

    time: NDArray[np.int64]
    user: NDArray[np.int64]
    kind: NDArray[np.int64]
    score: FloatArray
    dimensions: FloatArray


@dataclass(frozen=True, kw_only=True)
class Weight:
    """One weight: as it is, as answers have it, and the 95 % interval of that over resampled users."""

    dimension: str
    present: float
    proposed: float
    lo: float
    hi: float


@dataclass(frozen=True, kw_only=True)
class Bin:
    """A fifth of the later answers, by what the proposed weights predict: means of both, the answers' with interval."""

    n: int
    predicted: float
    answered: float
    lo: float
    hi: float


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How well weights predict the later answers: root mean square error (points of 100) and correlation."""

    rmse: float
    correlation: float


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A proposal, judged on the answers after `train`: `gain` in mean square error with its 95 % interval.

    `better` where that interval lies above 0 and a present weight lies outside its own: else there is no reason to
    leave the present weights, however the proposed ones look.
    """

    train: int
    test: int
    weights: tuple[Weight, ...]
    proposed: Fit
    present: Fit
    gain: float
    gain_lo: float
    gain_hi: float
    reliability: tuple[Bin, ...]

    @property
    def better(self) -> bool:
        """Whether the proposal predicts later answers better than the present weights, beyond chance."""
        spoken_against = any(not weight.lo <= weight.present <= weight.hi for weight in self.weights)
        return self.gain_lo > 0 and spoken_against


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why no weights are proposed, with the figure that is missing."""

    reason: str
    answers: int


def calibrate(answers: Answers, present: Sequence[float], mean: Mean, seed: int = 0) -> Calibration | Refusal:
    """Propose weights from the earlier answers and judge them by the later ones (a split in time, never at random).

    Score = level of its kind + b sum w_d f(D_d), w >= 0, sum w = 1, b >= 0, by least squares; f is the scale on which
    `mean` is a sum (ln x, x, x^p / p). A dimension that an answer lacks counts as its mean.
    """
    order = np.argsort(answers.time, kind="stable")
    answers = Answers(*(values[..., order] for values in vars(answers).values()))
    border = int(TRAIN_SHARE * len(order))
    train = np.arange(len(order)) < border
    reason = _refused(answers, train, mean)
    if reason:
        return Refusal(reason=reason, answers=len(order))
    z = _scaled(answers, train, mean)
    slopes = _slopes(z[:, train], answers, train)
    if slopes.sum() == 0:
        reason = "no dimension raises the answers: where indices are higher, scores are not"
        return Refusal(reason=reason, answers=len(order))
    rng = np.random.default_rng(seed)
    return _judged(answers, train, z, slopes / slopes.sum(), np.asarray(present, dtype=np.float64), rng)


def _refused(answers: Answers, train: BoolArray, mean: Mean) -> str | None:
    if np.isinf(mean.p):
        return "the weakest link has no weights to calibrate: choose another mean first"
    earlier, later = int(train.sum()), int((~train).sum())
    if earlier < LEAST_TRAIN or later < LEAST_TEST:
        return (
            f"{earlier} earlier and {later} later answers of users with an index before them: at least {LEAST_TRAIN} "
            f"and {LEAST_TEST} are needed"
        )
    known = (~np.isnan(answers.dimensions[:, train])).sum(axis=1)
    for name, number in zip(DIMENSIONS, known.tolist(), strict=True):
        if number < LEAST_OF_DIMENSION:
            return f"only {number} of the earlier answers have an index of {name}: {LEAST_OF_DIMENSION} are needed"
    return None


def _scaled(answers: Answers, train: BoolArray, mean: Mean) -> FloatArray:
    """f(D) less its mean over the earlier answers; 0 where a dimension is missing."""
    d = np.maximum(answers.dimensions, 1.0)
    f = np.log(d) if mean.p == 0 else d**mean.p / mean.p
    return np.asarray(np.nan_to_num(f - np.nanmean(f[:, train], axis=1, keepdims=True)))


def _slopes(z: FloatArray, answers: Answers, train: BoolArray, weight: FloatArray | None = None) -> FloatArray:
    """Non-negative slopes of the earlier answers' scores over z, each kind of survey with a level of its own."""
    kind, y = answers.kind[train], answers.score[train]
    root = np.sqrt(np.ones(len(y)) if weight is None else weight)
    columns = np.vstack([z, y])
    levels = np.array([np.bincount(kind, root**2 * row) for row in columns])
    total = np.maximum(np.bincount(kind, root**2), 1e-12)
    centred = (columns - (levels / total)[:, kind]) * root
    # The normal equations by QR: four columns, however many answers there are.
    triangle = np.asarray(np.linalg.qr(centred.T, mode="r"))
    found, _ = nnls(triangle[:, :-1], triangle[:, -1])
    return np.asarray(found)


def _judged(
    answers: Answers,
    train: BoolArray,
    z: FloatArray,
    weights: FloatArray,
    present: FloatArray,
    rng: np.random.Generator,
) -> Calibration:
    present = present / present.sum()
    predicted = {name: _predicted(answers, train, w @ z) for name, w in (("proposed", weights), ("present", present))}
    later, answered = ~train, answers.score[~train]
    errors = {name: (values[later] - answered) ** 2 for name, values in predicted.items()}
    gains = errors["present"] - errors["proposed"]
    _, user = np.unique(answers.user[later], return_inverse=True)
    of_gain = [_mean(gains, _drawn(user, rng)) for _ in range(BOOTSTRAPS)]
    return Calibration(
        train=int(train.sum()),
        test=int(later.sum()),
        weights=_weights(answers, train, z, weights, present, rng),
        proposed=_fit(predicted["proposed"][later], answered),
        present=_fit(predicted["present"][later], answered),
        gain=float(gains.mean()),
        gain_lo=float(np.quantile(of_gain, 0.025)),
        gain_hi=float(np.quantile(of_gain, 0.975)),
        reliability=_bins(predicted["proposed"][later], answered),
    )


def _predicted(answers: Answers, train: BoolArray, x: FloatArray) -> FloatArray:
    """Scores by the line through the earlier answers (slope not below 0), each kind at its own level."""
    slope = float(_slopes(x[None, train], answers, train)[0])
    rest = answers.score - slope * x
    kinds = int(answers.kind.max()) + 1
    number = np.bincount(answers.kind[train], minlength=kinds)
    level = np.bincount(answers.kind[train], rest[train], kinds) / np.maximum(number, 1)
    return np.asarray(np.where(number > 0, level, rest[train].mean())[answers.kind] + slope * x)


def _weights(
    answers: Answers,
    train: BoolArray,
    z: FloatArray,
    weights: FloatArray,
    present: FloatArray,
    rng: np.random.Generator,
) -> tuple[Weight, ...]:
    _, user = np.unique(answers.user[train], return_inverse=True)
    drawn = np.array([_slopes(z[:, train], answers, train, _drawn(user, rng)) for _ in range(BOOTSTRAPS)])
    total = drawn.sum(axis=1, keepdims=True)
    shares = drawn[total[:, 0] > 0] / total[total[:, 0] > 0]
    lo, hi = np.quantile(shares, [0.025, 0.975], axis=0)
    return tuple(
        Weight(
            dimension=name,
            present=float(present[row]),
            proposed=float(weights[row]),
            lo=float(lo[row]),
            hi=float(hi[row]),
        )
        for row, name in enumerate(DIMENSIONS)
    )


def _drawn(user: NDArray[np.int64], rng: np.random.Generator) -> FloatArray:
    """How often each row counts when users are drawn again, with all their answers."""
    users = int(user.max()) + 1
    return np.bincount(rng.integers(0, users, users), minlength=users)[user].astype(np.float64)


def _mean(values: FloatArray, weight: FloatArray) -> float:
    return float((values * weight).sum() / max(weight.sum(), 1.0))


def _fit(predicted: FloatArray, answered: FloatArray) -> Fit:
    level = predicted.std() == 0 or answered.std() == 0
    return Fit(
        rmse=float(np.sqrt(((predicted - answered) ** 2).mean())),
        correlation=float("nan") if level else float(np.corrcoef(predicted, answered)[0, 1]),
    )


def _bins(predicted: FloatArray, answered: FloatArray) -> tuple[Bin, ...]:
    parts = [part for part in np.array_split(np.argsort(predicted, kind="stable"), BINS) if len(part)]
    made = []
    for part in parts:
        mean = float(answered[part].mean())
        half = float(_Z95 * answered[part].std(ddof=1) / np.sqrt(len(part))) if len(part) > 1 else float("nan")
        made.append(
            Bin(n=len(part), predicted=float(predicted[part].mean()), answered=mean, lo=mean - half, hi=mean + half)
        )
    return tuple(made)
