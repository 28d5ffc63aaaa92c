"""Copies, contradictions, families: against loops over all pairs of rows."""

from collections import Counter, defaultdict
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fathom.inspection.copies import find_copies
from fathom.inspection.duplicates import Clusters, expected_pairs, find_duplicates, natural
from fathom.inspection.near import find_near_duplicates
from fathom.inspection.sheet import Sheet, row_hashes

Make = Callable[..., Sheet]
CELLS = st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from(["no", "yes"]))


@given(rows=st.lists(CELLS, min_size=2, max_size=43))
@settings(max_examples=60)
def test_duplicates_and_unavoidable_mistakes(make_sheet: Make, rows: list[tuple[int, int, str]]):
    first, second, target = map(list, zip(*rows, strict=True))
    sheet = make_sheet({"a": first, "b": second, "y": target}, "y")
    found = {finding.code: finding for finding in find_duplicates(sheet)}
    repeats = len(rows) - len(set(rows))
    assert ("duplicate_rows" in found) == (repeats > 0)
    if repeats:
        assert found["duplicate_rows"].facts["count"] == repeats
    answers: dict[tuple[int, int], list[str]] = defaultdict(list)
    for one, two, answer in rows:
        answers[one, two].append(answer)
    counts = [Counter(given) for given in answers.values()]
    mistakes = sum(sum(each.values()) - max(each.values()) for each in counts)
    torn = sum(sum(each.values()) for each in counts if len(each) > 1)
    assert ("contradicting_rows" in found) == (mistakes > 0)
    if mistakes:
        assert found["contradicting_rows"].facts["unavoidable_mistakes"] == mistakes
        assert found["contradicting_rows"].facts["rows"] == torn


def test_rows_named_are_the_later_ones(make_sheet: Make):
    (found,) = find_duplicates(make_sheet({"a": [5.5, 7.25, 5.5, 5.5], "b": [1, 2, 1, 1]}))
    assert found.rows == (3, 4)
    assert found.title == "2 rows repeat an earlier row."
    assert "the most frequent row stands 3 times" in found.evidence


def test_names_of_rows_do_not_hide_copies(make_sheet: Make):
    names = [f"n{place}" for place in range(4)]
    sheet = make_sheet({"id": ("identifier", names), "a": [1.5, 1.5, 2.5, 3.5]})
    (found,) = find_duplicates(sheet)
    assert found.facts["count"] == 1
    assert "Identifiers and ignored columns (1) were not compared." in found.evidence


def test_numbers_that_contradict(make_sheet: Make):
    """Twins 0 and 1 of each of 50 inputs: the ranks' variance splits exactly."""
    x = np.repeat(np.arange(53.0), 2)
    y = np.arange(106.0)
    (found,) = find_duplicates(make_sheet({"x": x, "y": y}, "y"))
    assert found.code == "contradicting_rows"
    ranks = np.arange(106.0)
    within = 53 * 2 * 0.25
    assert found.facts["unexplained"] == pytest.approx(within / ((ranks - ranks.mean()) ** 2).sum())
    assert found.facts["rows"] == 106
    assert found.severity == "low"


def test_equal_targets_do_not_contradict(make_sheet: Make):
    sheet = make_sheet({"x": [1.5, 1.5, 2.5], "y": [4.0, 4.0, 1.0]}, "y")
    assert [finding.code for finding in find_duplicates(sheet)] == ["duplicate_rows"]


def test_expected_pairs_is_the_mean_over_random_tables(make_sheet: Make):
    generator = np.random.default_rng(0)
    pairs: list[float] = []
    for _ in range(200):
        rows = generator.integers(0, 3, (61, 3))
        pairs.append(Clusters.of(rows @ np.array([1, 3, 9], dtype=np.uint64)).pairs)
    sheet = make_sheet({name: np.repeat([0, 1, 2], 6_007) for name in "abc"})
    theory = expected_pairs(list(sheet.columns.values()), 61)
    assert theory == pytest.approx(61 * 60 / 2 / 27, rel=0.001)
    assert np.mean(pairs) == pytest.approx(theory, rel=0.05)


def test_a_table_of_a_few_answers_repeats_by_nature(make_sheet: Make):
    generator = np.random.default_rng(1)
    columns = {f"q{place}": generator.integers(0, 2, 400) for place in range(5)}
    sheet = make_sheet(columns)
    (found,) = find_duplicates(sheet)
    assert found.facts["count"] > 300
    assert found.facts["by_chance"]
    assert found.severity == "low"
    clusters = Clusters.of(row_hashes(list(sheet.columns.values()), 400))
    assert natural(clusters.pairs, list(sheet.columns.values()), 400)


def test_measurements_agree_to_four_figures(make_sheet: Make):
    generator = np.random.default_rng(2)
    x, z = generator.normal(size=211), generator.normal(size=211)
    x, z = np.append(x, x[:5] * (1 + 1e-9)), np.append(z, z[:5])
    (found,) = find_near_duplicates(make_sheet({"x": x, "z": z}))
    assert found.code == "near_duplicate_rows"
    assert found.facts["count"] == 5
    assert found.rows == (212, 213, 214, 215, 216)


def families_by_hand(table: np.ndarray, without: int) -> int:
    """Rows that have a different twin when one column is left out."""
    rest = np.delete(table, without, axis=1)
    count = 0
    for one in range(len(table)):
        same = (rest == rest[one]).all(axis=1)
        count += bool((same & (table[:, without] != table[one, without])).any())
    return count


def test_families_against_all_pairs(make_sheet: Make):
    generator = np.random.default_rng(3)
    mixtures = generator.normal(size=(31, 4))
    table = np.repeat(mixtures, 5, axis=0)
    table[:, 2] = generator.integers(0, 7, 155)
    sheet = make_sheet({f"c{place}": table[:, place] for place in range(4)})
    found = {finding.code: finding for finding in find_near_duplicates(sheet)}["row_families"]
    assert found.facts["varies"] == "c2"
    assert found.facts["rows"] == families_by_hand(table, 2)
    assert found.facts["families"] == 31
    assert found.severity == "medium"


def test_a_full_factorial_is_no_set_of_families(make_sheet: Make):
    grid = np.stack(np.meshgrid(*[np.arange(11.0)] * 3, np.arange(2.0)), axis=-1).reshape(-1, 4)
    sheet = make_sheet({f"c{place}": grid[:, place] for place in range(4)})
    assert find_near_duplicates(sheet) == []


@pytest.mark.parametrize(("shared", "severity"), [(1, "low"), (3, "medium"), (20, "high")])
def test_copies_between_files(make_sheet: Make, shared: int, severity: str):
    generator = np.random.default_rng(4)
    x, y = generator.normal(size=(360, 2)), generator.normal(size=360)
    train = make_sheet({"a": x[:200, 0], "b": x[:200, 1], "y": y[:200]}, "y")
    rows = np.r_[200:360, 0:shared]
    columns = {"a": x[rows, 0], "b": x[rows, 1], "y": y[rows]}
    columns["y"][-1] += 1
    (found,) = find_copies(train, make_sheet(columns, "y", part="test"))
    assert (found.facts["count"], found.facts["same_target"]) == (shared, shared - 1)
    assert found.severity == severity
    assert found.rows == tuple(range(161, 161 + min(shared, 5)))


def test_copies_are_found_without_a_target_and_in_another_order(make_sheet: Make):
    train = make_sheet({"a": [1.5, 2.5, 3.5], "b": ["u", "v", "w"], "y": [1, 2, 3]}, "y")
    other = make_sheet({"b": ["v", "u"], "a": [2.5, 2.5]}, part="test")
    (found,) = find_copies(train, other)
    assert found.facts["count"] == 1
    assert found.rows == (1,)
    assert "same target" not in found.evidence


def test_few_answers_meet_in_both_files_by_nature(make_sheet: Make):
    generator = np.random.default_rng(5)
    sheets = [
        make_sheet({f"q{k}": generator.integers(0, 2, 250) for k in range(6)}, part=part)
        for part in ("train", "test")
    ]
    (found,) = find_copies(*sheets)
    assert found.facts["count"] > 200
    assert found.facts["by_chance"]
    assert found.severity == "low"


def test_families_of_two(make_sheet: Make):
    generator = np.random.default_rng(6)
    table = np.repeat(generator.normal(size=(41, 4)), 2, axis=0)
    table[:, 3] += np.arange(82) % 2
    (found,) = find_near_duplicates(make_sheet({f"c{k}": table[:, k] for k in range(4)}))
    assert (found.facts["rows"], found.facts["families"]) == (82, 41)
