"""Labels keep their numbers, in every process and name space."""

from collections.abc import Callable

import numpy as np

from store.connection import Connection
from store.labels import Labels, label_kind


def test_labels_are_made_once_and_found_by_others(opened: Callable[[], Connection]) -> None:
    first, second = Labels(opened()), Labels(opened)
    made = first.ids("cell", ["b", "a", "b", "微信"])
    assert made.dtype == np.int32
    assert made[0] == made[2]
    assert len(set(made.tolist())) == 3
    np.testing.assert_array_equal(second.ids("cell", ["b", "a", "b", "微信"]), made)
    assert second.names("cell")[int(made[3])] == "微信"
    assert second.lookup("cell", "a") == made[1]
    assert second.lookup("cell", "never") is None


def test_name_spaces_are_apart(connection: Connection) -> None:
    labels = Labels(connection)
    assert labels.ids("app", ["x"])[0] != labels.ids("cell", ["x"])[0]


def test_known_labels_use_up_no_numbers(opened: Callable[[], Connection]) -> None:
    Labels(opened()).sources(["probe-1"])
    other = Labels(opened())
    other.sources(["probe-1"])
    assert other.sources(["probe-2", "probe-1"]).tolist() == [2, 1]


def test_columns_of_one_meaning_share_a_name_space() -> None:
    assert label_kind("subscribers", "home_cell") == label_kind("sessions", "cell_id") == "cell"
    assert label_kind("cells", "rat") == label_kind("sessions", "access") == "access"
    assert label_kind("surveys", "kind") == "survey_kind"
    assert label_kind("touchpoints", "channel") == label_kind("complaints", "channel") == "channel"
    assert label_kind("complaints", "status") != label_kind("subscribers", "status")
    assert label_kind("sessions", "failure_cause") == "failure_cause"
