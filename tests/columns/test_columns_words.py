import numpy as np

from fathom.columns.kind import Values
from fathom.columns.words import WordCounts, reconcile_words, strangers


def _values(*words: str) -> Values:
    return Values(np.array(words, dtype=object), np.ones(len(words), dtype=bool))


def test_words_are_counted_with_rows_and_weights() -> None:
    values = Values(np.array(["b", "a", "b", "c"], dtype=object), np.array([1, 1, 1, 0], bool))
    counts = WordCounts.of(values, np.array([0.5, 2.0, 0.25, 9.0]))
    assert counts.rows == {"a": 1, "b": 2}
    assert counts.weights == {"a": 2.0, "b": 0.75}
    assert (counts.count, counts.num_missing) == (3, 1)
    assert counts.ranked(10, 1) == ("a", "b")
    assert WordCounts.of(values, None).ranked(10, 1) == ("b", "a")
    some = WordCounts.of(values, np.array([0.0, 1.0, 1.0, 1.0]))
    assert (some.rows, some.count, some.num_missing) == ({"a": 1, "b": 1}, 2, 1)


def test_rank_breaks_ties_by_name_and_obeys_its_limits() -> None:
    counts = WordCounts.of(_values("d", "b", "c", "a", "d", "c"), None)
    assert counts.ranked(10, 1) == ("c", "d", "a", "b")
    assert counts.ranked(3, 1) == ("c", "d", "a")
    assert counts.ranked(10, 2) == ("c", "d")


def test_a_full_stop_is_dropped_and_told() -> None:
    values = reconcile_words(_values("<=50K.", ">50K.", "<=50K."), ("<=50K", ">50K"))
    assert values.data.tolist() == ["<=50K", ">50K", "<=50K"]
    (repair,) = values.repairs
    assert repair.what == (
        "a full stop at the end dropped, to match the words of the training rows"
    )
    assert (repair.count, repair.examples) == (3, ("<=50K.", ">50K."))


def test_whole_numbers_match_with_and_without_decimals() -> None:
    assert reconcile_words(_values("3.0", "12"), ("3", "12.0")).data.tolist() == ["3", "12.0"]
    assert reconcile_words(_values("x"), ("x.0",)).data.tolist() == ["x"]


def test_capitals_match_only_where_they_mean_nothing() -> None:
    assert reconcile_words(_values("MALE"), ("Male", "Female")).data.tolist() == ["Male"]
    # The vowels hid and hId of the UCI set are different classes.
    assert reconcile_words(_values("hED"), ("hid", "hId", "hed")).data.tolist() == ["hED"]


def test_known_words_and_absent_cells_are_never_touched() -> None:
    same = _values("a.", "a")
    assert reconcile_words(same, ("a", "a.")) is same
    values = Values(np.array(["b.", "a."], dtype=object), np.array([False, True]))
    assert reconcile_words(values, ("a", "b")).data.tolist() == ["b.", "a"]
    assert values.data.tolist() == ["b.", "a."]


def test_strangers_are_counted() -> None:
    (repair,) = strangers(_values("a", "z", "z", "y"), ("a",))
    assert repair.what == "2 different words that the training rows do not have"
    assert (repair.count, repair.examples) == (3, ("z", "y"))
    assert strangers(_values("a"), ("a",)) == ()
