"""Two files: columns, spellings, new words, ranges, and drift with honest p-values."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import chi2_contingency, ks_2samp

from fathom.base.records import Finding
from fathom.inspection.drift import find_drift
from fathom.inspection.files import find_file_differences, matched
from fathom.inspection.sheet import Sheet
from fathom.inspection.two_samples import compare_counts, compare_numbers, holm

Make = Callable[..., Sheet]


def by_code(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.code: finding for finding in findings}


def test_columns_that_lack_or_are_too_many(make_sheet: Make):
    train = make_sheet({"a": [1, 2], "b": [3, 4], "y": [1, 2]}, "y")
    found = by_code(find_file_differences(train, make_sheet({"a": [1], "c": [2]}, part="test")))
    assert found["columns_absent"].severity == "high"
    assert found["columns_absent"].columns == ("b",)
    assert found["target_absent"].columns == ("y",)
    assert found["columns_extra"].columns == ("c",)


def test_words_are_matched_and_new_ones_told(make_sheet: Make):
    train = make_sheet({"x": ["Red", "blue"] * 20, "y": ["<=50K", ">50K"] * 20}, "y")
    words = ["red"] * 20 + ["blue"] * 19 + ["green"]
    other = make_sheet({"x": words, "y": ["<=50K.", ">50K."] * 20}, "y", part="test")
    there = matched(train, other)
    found = find_file_differences(train, there)
    rewritten = [finding for finding in found if finding.code == "words_matched"]
    assert [finding.facts["count"] for finding in rewritten] == [20, 40]
    unseen = by_code(found)["unseen_words"]
    assert (unseen.severity, unseen.rows, unseen.facts["count"]) == ("low", (40,), 1)
    assert "'green'" in unseen.evidence
    assert other.values["y"].data[0] == "<=50K.", "the file itself stays as it is"


@pytest.mark.parametrize(("new", "severity"), [(1, "medium"), (9, "high")])
def test_classes_that_the_model_never_saw(make_sheet: Make, new: int, severity: str):
    train = make_sheet({"x": np.arange(100), "y": ["a", "b"] * 50}, "y")
    other = make_sheet({"x": np.arange(100), "y": ["a"] * (100 - new) + ["z"] * new}, "y")
    found = by_code(find_file_differences(train, matched(train, other)))["unseen_classes"]
    assert found.severity == severity


def test_numbers_outside_the_training_range(make_sheet: Make):
    train = make_sheet({"x": np.linspace(0, 1, 101)})
    other = make_sheet({"x": np.linspace(0.5, 1.5, 101)}, part="test")
    found = by_code(find_file_differences(train, other))["outside_range"]
    assert (found.facts["count"], found.severity) == (50, "medium")
    assert find_file_differences(train, make_sheet({"x": np.linspace(0, 1, 57)})) == []


def test_unreadable_cells_of_the_other_file(make_sheet: Make):
    train = make_sheet({"x": ("number", ["1", "2"])})
    other = make_sheet({"x": ("number", ["1", "n.d."])}, part="test")
    found = by_code(find_file_differences(train, other))["unreadable_cells"]
    assert found.title == "Some cells of 'x' in the test file are no numbers."


def test_ks_equals_scipy():
    generator = np.random.default_rng(0)
    for first, other in (
        (generator.normal(size=503), generator.normal(0.3, 1, 401)),
        (generator.integers(0, 9, 503).astype(float), generator.integers(0, 9, 211).astype(float)),
    ):
        ours, theirs = compare_numbers(first, other), ks_2samp(first, other, method="asymp")
        assert ours.effect == pytest.approx(theirs[0])
        assert ours.p_value == pytest.approx(theirs[1], abs=0.03)


def test_counts_equal_scipy_and_the_formula():
    first, other = np.array([300, 120, 80]), np.array([150, 90, 61])
    ours = compare_counts(first, other)
    theirs = chi2_contingency(np.stack([first, other]), correction=False)
    assert ours.p_value == pytest.approx(theirs[1])
    p, q = first / first.sum(), other / other.sum()
    index = ((p - q) * np.log(p / q)).sum()
    assert ours.effect == pytest.approx(max(index - 2 * (1 / 500 + 1 / 301), 0), abs=0.001)


def test_psi_of_one_source_is_about_zero_however_many_words():
    generator = np.random.default_rng(1)
    share = generator.dirichlet(np.ones(60))
    effects = [
        compare_counts(generator.multinomial(800, share), generator.multinomial(500, share)).effect
        for _ in range(30)
    ]
    assert np.mean(effects) < 0.02
    assert max(effects) < 0.1


def test_rare_words_are_joined():
    found = compare_counts(np.array([500, 1, 0, 1]), np.array([500, 0, 1, 1]))
    assert found.p_value > 0.5


def test_holm_against_the_definition():
    p_values = [0.01, 0.2, 0.011, 0.04, 0.011]
    ranked = sorted(p_values)
    expected = {
        p: max(min(1.0, q * (5 - i)) for i, q in enumerate(ranked) if q <= p) for p in p_values
    }
    got = holm(p_values)
    assert got[0] == pytest.approx(0.05)
    assert got[1] == pytest.approx(expected[0.2])
    assert got[3] == pytest.approx(expected[0.04])
    assert holm([]) == []


def two_files(make_sheet: Make, shift: float, seed: int) -> tuple[Sheet, Sheet]:
    generator = np.random.default_rng(seed)

    def one(rows: int, moved: float, part: str) -> Sheet:
        columns: dict[str, object] = {
            f"x{place}": generator.normal(size=rows) for place in range(20)
        }
        columns["moved"] = generator.normal(moved, 1, rows)
        columns["words"] = generator.choice(list("abcdefg"), rows)
        columns["mostly"] = generator.choice(["u", "v"], rows, p=[0.5 + moved / 4, 0.5 - moved / 4])
        gaps = generator.random(rows) < 0.1 + moved / 5
        columns["gaps"] = np.where(gaps, np.nan, generator.normal(size=rows))
        columns["row"] = np.arange(rows) + (10_000 if part == "test" else 0)
        return make_sheet(columns, part=part)

    return one(601, 0.0, "train"), one(401, shift, "test")


def test_files_of_one_source_are_quiet(make_sheet: Make):
    for seed in range(10):
        assert find_drift(*two_files(make_sheet, 0.0, seed)) == []


def test_shifts_are_found(make_sheet: Make):
    found = find_drift(*two_files(make_sheet, 1.0, 3))
    assert [finding.columns[0] for finding in found] == ["moved", "mostly", "gaps"]
    moved, mostly, gaps = found
    assert moved.severity == "medium"
    assert moved.facts["measure"] == "KS"
    assert moved.facts["p_value"] < 1e-6
    assert mostly.facts["measure"] == "PSI"
    assert mostly.evidence.startswith("'v' has 49 % of the training rows, 25 % here")
    assert gaps.facts["what"] == "gaps"
    assert "in what is missing" in gaps.title


def test_a_small_shift_of_many_rows_does_not_matter(make_sheet: Make):
    generator = np.random.default_rng(4)
    train = make_sheet({"x": generator.normal(size=20_000)})
    other = make_sheet({"x": generator.normal(0.1, 1, 20_000)}, part="test")
    assert compare_numbers(train.values["x"].data, other.values["x"].data).p_value < 1e-9
    assert find_drift(train, other) == []


def test_drift_of_the_target_has_its_own_code(make_sheet: Make):
    train = make_sheet({"x": np.arange(100), "y": ["a", "b"] * 50}, "y")
    other = make_sheet({"x": np.arange(100), "y": ["a"] * 90 + ["b"] * 10}, "y", part="test")
    (found,) = find_drift(train, other)
    assert (found.code, found.severity) == ("target_drift", "medium")
