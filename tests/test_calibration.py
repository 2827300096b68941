"""Weights out of surveys: true ones come back, noise proposes nothing, and the judgement is out of time."""

from typing import Any

import numpy as np
import pytest

from qoe.calibration import LEAST_TRAIN, Answers, Calibration, Refusal, calibrate
from qoe.means import Mean

PRESENT = (0.40, 0.15, 0.30, 0.15)
TRUE = np.array([0.1, 0.0, 0.6, 0.3])
GEOMETRIC, ARITHMETIC = Mean(), Mean.of("arithmetic", 0)


def _answers(rows: int, *, weights: np.ndarray = TRUE, noise: float = 5.0, mean: Mean = GEOMETRIC, seed: int = 1,
             **other: Any) -> Answers:  # fmt: skip
    rng = np.random.default_rng(seed)
    dimensions = rng.uniform(20, 100, (4, rows))
    scale = 40 * np.log(dimensions) if mean.p == 0 else dimensions
    kind = rng.integers(0, 2, rows)
    columns = {
        "time": np.arange(rows), "user": rng.integers(0, rows, rows), "kind": kind,
        "score": weights @ scale - 80 + 30 * kind + rng.normal(0, noise, rows), "dimensions": dimensions,
    }  # fmt: skip
    return Answers(**{**columns, **other})


def _made(answers: Answers, mean: Mean = GEOMETRIC) -> Calibration:
    found = calibrate(answers, PRESENT, mean)
    assert isinstance(found, Calibration)
    return found


@pytest.mark.parametrize("mean", [GEOMETRIC, ARITHMETIC], ids=lambda mean: mean.label)
def test_true_weights_come_back_within_their_intervals(mean: Mean) -> None:
    made = _made(_answers(3000, mean=mean), mean)
    assert sum(weight.proposed for weight in made.weights) == pytest.approx(1)
    for weight, true in zip(made.weights, TRUE, strict=True):
        assert weight.proposed == pytest.approx(true, abs=0.03)
        assert weight.lo - 0.01 <= true <= weight.hi + 0.01
        assert 0 <= weight.lo <= weight.hi <= 1
    assert made.better
    assert made.proposed.rmse < made.present.rmse
    assert made.proposed.correlation > made.present.correlation
    for row in made.reliability:
        assert row.predicted == pytest.approx(row.answered, abs=2)


def test_present_weights_that_are_true_are_not_bettered() -> None:
    made = _made(_answers(1000, weights=np.asarray(PRESENT), noise=20.0))
    assert not made.better
    assert made.gain == pytest.approx(0, abs=5)


def test_the_judgement_is_out_of_time() -> None:
    """What held early and turned round later is not called better by the answers it was learned from."""
    early, late = _answers(1400), _answers(600, weights=np.array([0.8, 0.1, 0.05, 0.05]), seed=2)
    turned = Answers(*(
        np.concatenate([vars(early)[name], vars(late)[name] + (1400 if name == "time" else 0)], axis=-1)
        for name in vars(early)
    ))  # fmt: skip
    made = _made(turned)
    assert (made.train, made.test) == (1400, 600)
    assert made.weights[2].proposed > 0.5
    assert not made.better


def test_order_of_rows_is_nothing_and_missing_dimensions_are_borne() -> None:
    answers = _answers(2000)
    order = np.random.default_rng(3).permutation(2000)
    turned = Answers(*(values[..., order] for values in vars(answers).values()))
    assert _made(turned) == _made(answers)
    holes = answers.dimensions.copy()
    holes[3, np.random.default_rng(4).random(2000) < 0.5] = np.nan
    made = _made(_answers(2000, dimensions=holes))
    assert [weight.proposed for weight in made.weights] == pytest.approx(TRUE.tolist(), abs=0.06)


@pytest.mark.parametrize(
    ("answers", "mean", "reason"),
    [(_answers(LEAST_TRAIN), GEOMETRIC, "70 earlier and 30 later answers"),
     (_answers(0), GEOMETRIC, "0 earlier"),
     (_answers(500), Mean.of("weakest", 0), "no weights"),
     (_answers(500, weights=-np.asarray(PRESENT)), GEOMETRIC, "no dimension raises"),
     (_answers(500, dimensions=np.full((4, 500), np.nan)), GEOMETRIC, "index of network")],
)  # fmt: skip
def test_too_little_is_refused_with_the_reason(answers: Answers, mean: Mean, reason: str) -> None:
    found = calibrate(answers, PRESENT, mean)
    assert isinstance(found, Refusal)
    assert reason in found.reason


def test_noise_alone_is_never_called_better() -> None:
    verdicts = []
    for seed in range(12):
        answers = _answers(400, weights=np.zeros(4), noise=20.0, seed=seed)
        found = calibrate(answers, PRESENT, GEOMETRIC)
        verdicts.append(isinstance(found, Calibration) and found.better)
    assert sum(verdicts) <= 1
