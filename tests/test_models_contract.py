"""What every QoE model inherits: range, monotone directions, missing input, invariance; new models too."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qoe.model import BLOCK_ROWS, Block, Grounding, Input, QoeModel, Score
from qoe.models import registry
from records.errors import ConfigError
from records.kinds import SESSIONS

MODELS = registry()
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())

# Where the interesting values of an input lie; one outside its range is still allowed.
SPAN = {"loss_dl": 1.0, "video_kbps": 10_000.0, "throughput_dl_kbps": 200_000.0, "throughput_ul_kbps": 100_000.0,
        "video_height": 2160.0, "video_fps": 60.0, "stall_count": 12.0, "stall_ms": 60_000.0, "play_ms": 600_000.0,
        "audio_kbps": 256.0, "voice_kbps": 30.0, "success": 1.0, "page_load_ms": 200_000.0, "startup_ms": 30_000.0,
        "deliver_ms": 60_000.0}  # fmt: skip
WHOLE = {"stall_count", "success", "video_height"}


def frame(model: QoeModel, rows: int, seed: int, missing: float = 0.0) -> dict[str, np.ndarray]:
    """Random sessions with the model's inputs, a share of them missing."""
    rng = np.random.default_rng(seed)
    columns: dict[str, np.ndarray] = {}
    for item in model.inputs:
        if item.name == "stall_at_ms":
            continue
        if item.choices:
            codes = rng.integers(0, len(item.choices), rows)
            columns[item.name] = np.where(rng.random(rows) < missing, -1, codes).astype(np.int8)
            continue
        values = rng.random(rows) ** 2 * SPAN.get(item.name, 800.0)
        values = np.maximum(np.round(values) if item.name in WHOLE else values, item.possible[0])
        columns[item.name] = np.where(rng.random(rows) < missing, np.nan, values)
    return columns


@every_model
def test_a_model_says_where_it_comes_from(model: QoeModel) -> None:
    assert model.version
    assert model.source
    assert model.services
    assert model.grounding in Grounding
    names = {item.name for item in model.inputs}
    assert names <= {column.name for column in SESSIONS.columns}
    assert {name for group in model.required for name in group} <= names


@every_model
@given(seed=st.integers(0, 2**32 - 1), missing=st.sampled_from([0.0, 0.3]))
@settings(max_examples=25, deadline=None)
def test_mos_stays_inside_the_scale(model: QoeModel, seed: int, missing: float) -> None:
    mos = model.mos(frame(model, 300, seed, missing))
    lo, hi = model.scale
    known = mos[~np.isnan(mos)]
    assert ((known >= lo) & (known <= hi)).all()


@every_model
def test_extreme_values_give_a_mos_or_nan_and_no_warning(model: QoeModel) -> None:
    for value in (0.0, -1.0, 1e-12, 1e12, np.inf, -np.inf):
        columns = frame(model, 5, 1)
        for item in model.inputs:
            if item.name in columns:
                changed = np.full(5, value) if not item.choices else np.full(5, 99)
                mos = model.mos({**columns, item.name: changed})
                known = mos[~np.isnan(mos)]
                assert ((known >= model.scale[0]) & (known <= model.scale[1])).all()


@every_model
@given(seed=st.integers(0, 2**32 - 1), step=st.floats(1e-3, 1.0))
@settings(max_examples=25, deadline=None)
def test_mos_is_monotone_in_the_stated_directions(model: QoeModel, seed: int, step: float) -> None:
    columns = frame(model, 200, seed)
    before = model.mos(columns)
    for name, direction in model.directions.items():
        raised = columns[name] + (max(1.0, round(10 * step)) if name in WHOLE else step * SPAN.get(name, 800.0))
        raised = np.minimum(raised, next(item.possible[1] for item in model.inputs if item.name == name))
        change = (model.mos({**columns, name: raised}) - before) * direction
        # In single precision equal values may differ in their last digit.
        assert (np.nan_to_num(change) >= (-1e-9 if model.precision is np.float64 else -2e-6)).all(), name


@every_model
def test_a_missing_required_input_is_not_enough_data(model: QoeModel) -> None:
    columns = frame(model, 50, 3)
    for group in model.required:
        gone = {name: np.full(50, -1 if columns[name].dtype == np.int8 else np.nan) for name in group}
        assert np.isnan(model.mos({**columns, **gone})).all()
        rest = {name: values for name, values in columns.items() if name not in group}
        rest = rest or {"service": np.zeros(50)}
        assert np.isnan(model.mos(rest)).all()
        assert not model.provisional(rest).any()


@every_model
def test_order_and_batches_change_nothing(model: QoeModel) -> None:
    rows = BLOCK_ROWS + 1234
    columns = frame(model, rows, 4, missing=0.2)
    whole = model.score(columns)
    order = np.random.default_rng(5).permutation(rows)
    shuffled = model.score({name: values[order] for name, values in columns.items()})
    np.testing.assert_array_equal(shuffled.mos, whole.mos[order])
    np.testing.assert_array_equal(shuffled.provisional, whole.provisional[order])
    parts = [slice(0, 1), slice(1, 999), slice(999, rows)]
    split = [model.mos({name: values[part] for name, values in columns.items()}) for part in parts]
    np.testing.assert_array_equal(np.concatenate(split), whole.mos)


@every_model
def test_float32_columns_score_alike(model: QoeModel) -> None:
    columns = frame(model, 500, 6)
    narrow = {name: values.astype(np.float32) if values.dtype == np.float64 else values for name, values in
              columns.items()}  # fmt: skip
    wide = {name: values.astype(np.float64) if values.dtype == np.float32 else values for name, values in
            narrow.items()}  # fmt: skip
    np.testing.assert_array_equal(model.mos(narrow), model.mos(wide))


@every_model
def test_inputs_are_left_alone(model: QoeModel) -> None:
    columns = frame(model, 100, 7, missing=0.3)
    before = {name: values.copy() for name, values in columns.items()}
    model.mos(columns)
    for name, values in before.items():
        np.testing.assert_array_equal(columns[name], values)


@every_model
def test_one_session_is_rated_as_among_others(model: QoeModel) -> None:
    columns = frame(model, 40, 8, missing=0.2)
    whole = model.score(columns)
    for row in range(40):
        alone = model.score({name: values[row : row + 1] for name, values in columns.items()})
        np.testing.assert_array_equal(alone.mos[0], whole.mos[row])
        assert alone.provisional[0] == whole.provisional[row]


def test_a_million_sessions_are_rated_as_their_parts() -> None:
    """Each model's own rows again and again, so that every block cuts them elsewhere."""
    for model in MODELS.values():
        columns = frame(model, 10_007, 9, missing=0.1)
        part = model.score(columns)
        whole = model.score({name: np.tile(values, 100) for name, values in columns.items()})
        np.testing.assert_array_equal(whole.mos.reshape(100, -1), np.broadcast_to(part.mos, (100, 10_007)))
        assert (whole.provisional.reshape(100, -1) == part.provisional).all()


@every_model
def test_any_missing_input_leaves_a_mos_in_range_or_none(model: QoeModel) -> None:
    columns = frame(model, 100, 10)
    for item in model.inputs:
        if item.name not in columns:
            continue
        gone = np.full(100, -1, dtype=np.int8) if item.choices else np.full(100, np.nan)
        score = model.score({**columns, item.name: gone})
        rest = model.score({name: values for name, values in columns.items() if name != item.name})
        np.testing.assert_array_equal(score.mos, rest.mos)
        np.testing.assert_array_equal(score.provisional, rest.provisional)
        assert not score.provisional[np.isnan(score.mos)].any()


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if model.precision is np.float32])
def test_single_precision_moves_no_mos_by_more_than_a_millionth(name: str) -> None:
    model = MODELS[name]
    columns = {column: values.astype(np.float32) if values.dtype == np.float64 else values
               for column, values in frame(model, 20_000, 11).items()}  # fmt: skip
    double = replace(model, precision=np.float64)
    np.testing.assert_allclose(model.mos(columns), double.mos(columns), rtol=0, atol=1e-6)


@every_model
def test_scores_are_written_where_they_are_wanted(model: QoeModel) -> None:
    columns = frame(model, 50, 12, missing=0.2)
    space = Score(np.full(50, 7.0), np.ones(50, dtype=np.bool_))
    assert model.score(columns, space) is space
    np.testing.assert_array_equal(space.mos, model.mos(columns))
    np.testing.assert_array_equal(space.provisional, model.provisional(columns))


@every_model
def test_no_sessions_give_no_scores(model: QoeModel) -> None:
    assert model.mos({item.name: np.zeros(0) for item in model.inputs}).shape == (0,)
    assert model.mos({}).shape == (0,)


def _constant(block: Block) -> np.ndarray:
    return np.full(block.rows, 3.0)


def test_an_installed_model_joins_the_registry_and_a_double_name_is_refused() -> None:
    plugin = QoeModel(
        name="mine", version="1", title="Mine", services=("web",), scale=(1.0, 5.0), grounding=Grounding.OWN,
        source="ours", inputs=(Input(name="page_load_ms"),), required=(("page_load_ms",),), formula=_constant,
    )  # fmt: skip
    assert registry([plugin])["mine"] is plugin
    with pytest.raises(ConfigError, match="mine"):
        registry([plugin, plugin])


def test_the_folder_holds_a_model_for_every_service() -> None:
    served = {service for model in MODELS.values() for service in model.services}
    assert served == {"web", "video", "voice", "gaming", "messaging", "file", "payment"}
