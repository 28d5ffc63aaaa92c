"""The rows that are scored: checked when they are put together."""

import numpy as np
import pytest

from fathom.base.errors import DataError
from fathom.evaluation.classes import class_scores
from fathom.evaluation.rows import Rows, check_answer
from fathom.metrics.record import Answer


def test_a_missing_true_value_is_counted() -> None:
    with pytest.raises(DataError, match="Some rows to score have no true value") as caught:
        Rows(task="regression", truth=np.array([1.0, np.nan, 2.0, np.inf]))
    assert caught.value.got == "2 of 4 rows without one"


@pytest.mark.parametrize(
    ("task", "truth", "classes"),
    [
        ("binary", [0, 1, 2], ("no", "yes")),
        ("multiclass", [-2, 0, 1], ("a", "b", "c")),
        ("multilabel", [[0, 1], [2, 0]], ("a", "b")),
    ],
)
def test_codes_must_be_known(task, truth: list, classes: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="A true class is not one of the codes"):
        Rows(task=task, truth=np.array(truth), classes=classes)


def test_lengths_must_agree() -> None:
    with pytest.raises(DataError, match="The weights do not fit the rows"):
        Rows(task="regression", truth=np.ones(3), weight=np.ones(4))
    with pytest.raises(DataError, match="do not have the same number of rows"):
        Rows(task="regression", truth=np.ones(3), cluster=np.ones(4))


def test_an_answer_must_fit() -> None:
    rows = Rows(task="multiclass", truth=np.array([0, 1, 2]), classes=("a", "b", "c"))
    check_answer(rows, Answer.of_classes(np.full((3, 3), 1 / 3)), "x")
    with pytest.raises(DataError, match="do not have the same number of rows"):
        check_answer(rows, Answer.of_classes(np.full((4, 3), 1 / 3)), "x")
    with pytest.raises(DataError, match="The probabilities do not fit the classes") as caught:
        check_answer(rows, Answer.of_classes(np.full((3, 2), 0.5)), "linear")
    assert caught.value.where == "linear"
    assert caught.value.got == "an array of shape (3, 2)"


def test_units_are_rows_or_clusters() -> None:
    truth = np.array([0, 1, 0, 0, 1])
    plain = Rows(task="binary", truth=truth)
    assert plain.units().tolist() == [0, 1, 2, 3, 4]
    assert (plain.unit_name, plain.smallest_side()) == ("rows", 2)
    grouped = Rows(task="binary", truth=truth, cluster=np.array(["b", "a", "b", "c", "a"]))
    assert grouped.units().tolist() == [1, 0, 1, 2, 0]
    assert (grouped.unit_name, grouped.smallest_side()) == ("clusters", 1)
    assert Rows(task="regression", truth=np.ones(3)).smallest_side() is None


def test_classes_one_by_one() -> None:
    rows = Rows(task="multiclass", truth=np.array([0, 0, 1, -1]), classes=("a", "b", "c"))
    table = class_scores(rows, Answer(label=np.array([0, 1, 1, 2])))
    assert [one.name for one in table] == ["a", "b", "c"]
    assert [one.num_rows for one in table] == [2, 1, 0]
    assert [one.precision for one in table] == [1.0, 0.5, None]
    assert [one.recall for one in table] == [0.5, 1.0, None]
    assert table[2].to_dict() == {
        "name": "c", "num_rows": 0, "precision": None, "recall": None, "f1": None
    }  # fmt: skip


def test_labels_of_sets_one_by_one() -> None:
    truth = np.array([[1, 0], [1, 1], [0, 0]])
    rows = Rows(task="multilabel", truth=truth, weight=np.array([1.0, 3.0, 1.0]))
    table = class_scores(rows, Answer(label=np.array([[1, 1], [0, 1], [0, 0]])))
    assert [one.name for one in table] == ["0", "1"]
    assert [one.num_rows for one in table] == [2, 1]
    assert [one.recall for one in table] == [0.25, 1.0]
    assert table[1].precision == 0.75


def test_classes_need_labels() -> None:
    with pytest.raises(DataError, match="There are no decided classes to score"):
        class_scores(Rows(task="binary", truth=np.array([0, 1])), Answer())
