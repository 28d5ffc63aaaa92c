"""Rows that are too few, or too alike, to be split."""

import numpy as np
import pytest

from fathom.base.errors import DataError
from fathom.tables.split import RowFacts, SplitPlan, fold_numbers, hold_out


def test_more_folds_than_rows_are_told_as_too_many_folds() -> None:
    facts = RowFacts(np.arange(31) // 2)
    with pytest.raises(DataError) as caught:
        fold_numbers(facts, SplitPlan(folds=17))
    assert str(caught.value) == (
        "There are too few different rows to split.\n"
        "  where:    split (folds)\n"
        "  expected: at least 17 rows (or groups of rows) that differ\n"
        "  got:      16 among 31 rows\n"
        "  do:       Choose at most 16 folds; 5 or 10 are usual."
    )
    assert set(fold_numbers(facts, SplitPlan(folds=16))) == set(range(16))


def test_where_all_rows_are_alike_no_number_of_folds_helps() -> None:
    facts = RowFacts(np.zeros(31, dtype=np.int64))
    for split in (
        lambda: fold_numbers(facts, SplitPlan(folds=3)),
        lambda: hold_out(facts, 0.2, SplitPlan(), "test"),
    ):
        with pytest.raises(DataError) as caught:
            split()
        assert caught.value.got == "1 among 31 rows"
        assert caught.value.do.startswith("Bring more rows")
