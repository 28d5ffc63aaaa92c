from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from fathom.base.errors import RecipeError
from fathom.base.tensors import Field
from fathom.columns.set import FittedSet, Set, find_separator


def _fit(cells: Any, weight: np.ndarray | None = None, **options: Any) -> FittedSet:
    kind = Set(**options)
    return kind.freeze(kind.summarise(kind.parse(pl.Series(cells)), weight))


@pytest.mark.parametrize(
    "cells",
    [
        ["a|b", "b", None, "c | a|b|a"],
        ["a;b", "b", "", "c; a;b;"],
        ["a,b", "b", "?", "c, a,b"],
        ['["a","b"]', '["b"]', None, "['c', 'a', 'b']"],
        [["a", "b"], ["b"], None, ["c", "a", "b"]],
    ],
    ids=["bar", "semicolon", "comma", "json", "typed"],
)
def test_all_writings_mean_the_same(cells: Any) -> None:
    values = Set().parse(pl.Series(cells))
    assert values.data[[0, 1, 3]].tolist() == [("a", "b"), ("b",), ("c", "a", "b")]
    assert values.present.tolist() == [True, True, False, True]
    fitted = _fit(cells)
    assert (fitted.levels, fitted.counts) == (("b", "a", "c"), (3, 2, 1))
    hot = fitted.transform(values)
    assert hot.data.tolist() == [[1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 1, 1]]
    assert fitted.decode(hot)[3] == ("b", "a", "c")


def test_markers_and_blanks_are_no_labels() -> None:
    assert Set().parse(pl.Series(["a|?||NA| b", "c|d"])).data[0] == ("a", "b")


def test_an_empty_list_is_present() -> None:
    values = Set().parse(pl.Series(["[]", '["a"]']))
    assert values.present.tolist() == [True, True]
    assert values.data[0] == ()


def test_a_broken_list_is_split_and_told() -> None:
    values = Set().parse(pl.Series(["[a, b", "[a, b]", "[a, b]"]))
    assert values.data.tolist() == [("[a", "b"), ("a", "b"), ("a", "b")]
    (repair,) = values.repairs
    assert (repair.what, repair.count) == ("a broken JSON list split at its separators", 2)


def test_the_separator_is_found_or_said() -> None:
    text = pl.Series(["a|b, c", "b|d", "e"])
    assert find_separator(text) == "|"
    assert Set(separator=", ").parse(text).data.tolist() == [("a|b", "c"), ("b|d",), ("e",)]
    assert Set(separator=" / ").parse(pl.Series(["a / b"])).data[0] == ("a", "b")


def test_limits_leave_rare_labels_out() -> None:
    cells = ["a|b", "a|b", "a|c"]
    assert _fit(cells, max_levels=1).levels == ("a",)
    assert _fit(cells, min_count=2).levels == ("a", "b")


def test_weights_count_per_label() -> None:
    fitted = _fit(["a|b", "b"], np.array([2.0, 0.5]))
    assert dict(zip(fitted.levels, fitted.weights, strict=True)) == {"a": 2.0, "b": 2.5}


def test_decode_takes_one_half_or_more() -> None:
    fitted = _fit(["a|b"])
    assert fitted.decode(Field(torch.tensor([[0.5, 0.49], [0.0, 0.0]]))) == [("a",), ()]


def test_wrong_options_are_refused() -> None:
    with pytest.raises(RecipeError, match="Labels must be separated by something"):
        Set(separator="")
    with pytest.raises(RecipeError, match="max_levels of a set must be 1 or more"):
        Set(max_levels=0)
    with pytest.raises(RecipeError, match="min_count of a set must be 1 or more"):
        Set(min_count=0)
