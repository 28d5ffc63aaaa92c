"""One column against the target: the measures, true leaks, and honest columns."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fathom.columns.kind import Values
from fathom.inspection import alone
from fathom.inspection.alone import Truth, score_alone
from fathom.inspection.column import Column
from fathom.inspection.leakage import find_leakage
from fathom.inspection.sheet import Sheet

Make = Callable[..., Sheet]


def words(generator: np.random.Generator, num: int, size: int) -> np.ndarray:
    return np.array([f"w{code}" for code in generator.integers(0, num, size)], dtype=object)


def column(name: str, data: np.ndarray, present: np.ndarray | None = None) -> Column:
    here = np.ones(len(data), dtype=bool) if present is None else present
    return Column(name, "category" if data.dtype == object else "number", Values(data, here))


def folds_by_hand(truth: Truth, bins: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Each row's mean target over the other folds' rows of its bin, drawn a little to the mean."""
    guess = np.empty(len(y))
    for row in range(len(y)):
        others = (bins == bins[row]) & (truth.fold != truth.fold[row])
        guess[row] = (y[others].sum() + 0.02 * y.mean()) / (others.sum() + 0.02)
    return guess


def test_auc_equals_a_loop_and_scikit_learn():
    generator = np.random.default_rng(0)
    x = words(generator, 7, 211)
    y = generator.random(211) < np.array([int(word[1]) / 7 for word in x])
    target = column("y", np.where(y, "yes", "no").astype(object))
    truth = Truth.of(target)
    assert truth is not None
    assert truth.measure == "auc"
    _, codes = np.unique(x, return_inverse=True)
    is_second = truth.classes.astype(float)
    guess = np.round(folds_by_hand(truth, codes, is_second), 12)
    assert score_alone(truth, column("x", x)) == pytest.approx(roc_auc_score(is_second, guess))


def test_skill_equals_a_loop():
    generator = np.random.default_rng(1)
    x = words(generator, 5, 199)
    y = np.where(generator.random(199) < 0.6, x, words(generator, 3, 199))
    truth = Truth.of(column("y", y.astype(object)))
    assert truth is not None
    assert truth.measure == "skill"
    _, codes = np.unique(x, return_inverse=True)
    beliefs = np.stack(
        [
            folds_by_hand(truth, codes, (truth.classes == code).astype(float))
            for code in range(truth.num_classes)
        ]
    )
    wrong = (beliefs.argmax(axis=0) != truth.classes).sum()
    majority_wrong = 199 - np.bincount(truth.classes).max()
    expected = 1 - wrong / majority_wrong
    assert score_alone(truth, column("x", x)) == pytest.approx(expected)


def test_ranks_are_those_of_scipy():
    from scipy.stats import rankdata

    y = np.random.default_rng(2).integers(0, 17, 83).astype(np.float64)
    truth = Truth.of(column("y", y))
    assert truth is not None
    ranks = rankdata(y)
    np.testing.assert_allclose(truth.ranks, (ranks - ranks.mean()) / ranks.std())


@pytest.mark.parametrize("shape", ["linear", "squared", "exponential", "wave"])
def test_any_sharp_function_is_found(shape: str):
    x = np.random.default_rng(3).uniform(-2, 2, 2_003)
    y = {"linear": 3 * x, "squared": x**2, "exponential": np.exp(9 * x), "wave": np.sin(5 * x)}
    truth = Truth.of(column("y", y[shape]))
    assert truth is not None
    assert score_alone(truth, column("x", x)) > 0.995


def test_noise_scores_nothing():
    generator = np.random.default_rng(4)
    numbers = Truth.of(column("y", generator.normal(size=1_009)))
    classes = Truth.of(column("y", words(generator, 2, 1_009)))
    assert numbers is not None
    assert classes is not None
    for _ in range(20):
        x = column("x", generator.normal(size=1_009))
        assert score_alone(numbers, x) < 0.1
        assert 0.4 < score_alone(classes, x) < 0.6


def test_rare_classes_are_joined(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(alone, "_MOST_CLASSES", 3)
    y = np.array(list("aaaaabbbbccde") * 11, dtype=object)
    truth = Truth.of(column("y", y))
    assert truth is not None
    assert np.bincount(truth.classes).tolist() == [55, 44, 44]


def test_a_copy_of_the_target_is_a_leak_of_high_severity(make_sheet: Make):
    generator = np.random.default_rng(5)
    y = words(generator, 4, 301)
    other = np.array([{"w0": "p", "w1": "q", "w2": "r", "w3": "s"}[word] for word in y])
    sheet = make_sheet({"a": generator.normal(size=301), "b": other, "y": y}, "y")
    (found,) = find_leakage(sheet)
    assert (found.code, found.severity) == ("leakage_suspect", "high")
    assert found.columns == ("b", "y")
    assert found.facts["same"]
    assert "= 'w0'" in found.evidence


def test_a_gap_can_give_the_target_away(make_sheet: Make):
    generator = np.random.default_rng(6)
    y = generator.random(307) < 0.3
    x = np.where(y, np.nan, generator.normal(size=307))
    sheet = make_sheet({"x": x, "y": np.where(y, "ill", "well")}, "y")
    (found,) = find_leakage(sheet)
    assert found.severity == "high"


def test_few_rows_make_a_suspicion_only(make_sheet: Make):
    y = np.arange(61) % 2
    sheet = make_sheet({"x": y + 0.1, "y": ("flag", [("no", "yes")[bit] for bit in y])}, "y")
    (found,) = find_leakage(sheet)
    assert found.severity == "medium"


def test_strong_honest_columns_are_told_and_not_dropped(make_sheet: Make):
    generator = np.random.default_rng(7)
    x = generator.normal(size=2_003)
    y = x + 0.1 * generator.normal(size=2_003)
    (found,) = find_leakage(make_sheet({"x": x, "y": y}, "y"))
    assert (found.code, found.severity, found.facts["action"]) == ("strong_column", "low", "keep")


def test_numbers_of_rows_and_dates_are_not_to_blame(make_sheet: Make):
    """In a slow series the neighbours give each row away; the row number leaks nothing."""
    y = np.cumsum(np.random.default_rng(8).normal(size=997))
    sheet = make_sheet({"row": np.arange(997), "y": y}, "y")
    assert find_leakage(sheet) == []
    days = [f"{1990 + place // 300}-0{1 + place % 9}-{10 + place % 19}" for place in range(997)]
    assert find_leakage(make_sheet({"day": ("date", days), "y": y}, "y")) == []


def test_a_sum_of_inputs_is_noticed(make_sheet: Make):
    a, b, c = np.random.default_rng(9).uniform(1, 9, (3, 401))
    columns = {"fare": a, "tip": b, "other": c, "total": a + 2 * b}
    (found,) = find_leakage(make_sheet(columns, "total"))
    assert (found.code, found.severity) == ("target_is_a_sum", "medium")
    assert set(found.columns) == {"fare", "tip", "total"}
    columns["total"] = columns["total"] + 0.1 * np.random.default_rng(10).normal(size=401)
    assert find_leakage(make_sheet(columns, "total")) == []


def test_many_columns_of_noise_raise_no_alarm(make_sheet: Make):
    generator = np.random.default_rng(11)
    columns = {f"x{place}": generator.normal(size=61) for place in range(400)}
    sheet = make_sheet({**columns, "y": words(generator, 2, 61)}, "y")
    assert find_leakage(sheet) == []


@pytest.mark.parametrize("rows", [30, 61, 101, 211])
def test_a_rescaled_copy_of_a_number_is_found_in_few_rows(make_sheet: Make, rows: int):
    y = np.random.default_rng(rows).lognormal(size=rows)
    (found,) = find_leakage(make_sheet({"x": -np.sqrt(y), "y": y}, "y"))
    assert found.facts["same"]
    assert found.severity == ("high" if rows >= 100 else "medium")
    assert found.evidence.endswith("Both put all rows in the same order.")


def test_a_copy_with_a_little_noise_is_found(make_sheet: Make):
    generator = np.random.default_rng(12)
    y = generator.lognormal(size=307)
    (found,) = find_leakage(make_sheet({"x": y * generator.uniform(0.99, 1.01, 307), "y": y}, "y"))
    assert (found.severity, found.facts["same"]) == ("high", False)


def test_several_classes_of_which_some_are_rare(make_sheet: Make):
    y = ["a"] * 60 + ["b"] * 50 + ["c"] * 3
    x = [word.upper() for word in y]
    (found,) = find_leakage(make_sheet({"x": x, "y": y}, "y"))
    assert found.severity == "high"


def test_ranges_borrow_from_their_neighbours_only():
    sums = np.random.default_rng(13).integers(0, 9, (10, 7))
    bins = alone._Bins(np.empty(0, dtype=np.int64), num=7, ordered=6)
    expected = sums.astype(float)
    for place in range(6):
        for near in (place - 1, place + 1):
            if 0 <= near < 6:
                expected[:, place] += 0.02 * sums[:, near]
    np.testing.assert_allclose(bins.lend(sums), expected)
    words = alone._Bins(np.empty(0, dtype=np.int64), num=7, ordered=0)
    np.testing.assert_array_equal(words.lend(sums), sums)


def test_the_skill_is_told_to_the_end(make_sheet: Make):
    classes = ["a", "b", "c"] * 67
    wrong = [*classes[:-9], *"aaaaaaaaa"]
    (found,) = find_leakage(make_sheet({"x": wrong, "y": classes}, "y"))
    assert found.code == "strong_column"
    assert found.evidence.endswith(
        "of the mistakes avoided that always naming the commonest class makes."
    )
