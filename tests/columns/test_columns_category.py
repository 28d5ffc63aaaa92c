import gzip
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from fathom.base.errors import RecipeError
from fathom.columns.category import Category, FittedCategory


def _fit(cells: Any, weight: np.ndarray | None = None, **options: Any) -> FittedCategory:
    category = Category(**options)
    return category.freeze(category.summarise(category.parse(pl.Series(cells)), weight))


def test_levels_are_ordered_by_frequency_then_name() -> None:
    fitted = _fit(["b", "c", "a", "c", None, "?"])
    assert fitted.levels == ("c", "a", "b")
    assert fitted.counts == (2, 1, 1)
    assert (fitted.count, fitted.num_missing) == (4, 2)
    assert (fitted.num_levels, fitted.missing_code, fitted.unseen_code) == (3, 3, 4)
    assert fitted.num_codes == 5


def test_weights_order_the_levels() -> None:
    fitted = _fit(["a", "a", "b"], np.array([1.0, 1.0, 5.0]))
    assert (fitted.levels, fitted.weights, fitted.counts) == (("b", "a"), (5.0, 2.0), (1, 2))


def test_absent_and_unseen_have_codes_of_their_own() -> None:
    fitted = _fit(["a", "b", "a"])
    field = fitted.transform(Category().parse(pl.Series(["b", None, "new"])))
    assert field.data.tolist() == [1, 2, 3]
    assert field.mask is not None
    assert field.mask.tolist() == [True, False, True]
    assert fitted.decode(field) == ["b", None, None]


def test_rare_words_count_as_unseen() -> None:
    cells = ["a"] * 5 + ["b"] * 3 + ["c", "d"]
    by_count, by_levels = _fit(cells, min_count=3), _fit(cells, max_levels=1)
    assert (by_count.levels, by_count.num_rare) == (("a", "b"), 2)
    assert (by_levels.levels, by_levels.num_rare) == (("a",), 5)
    rare = Category().parse(pl.Series(["c"]))
    assert by_count.transform(rare).data.tolist() == [by_count.unseen_code]


def test_markers_can_be_words() -> None:
    cells = ["None", "mild", "None", "?"]
    assert _fit(cells).levels == ("mild",)
    assert _fit(cells, markers=False).levels == ("None", "?", "mild")


def test_codes_typed_as_floats_are_those_written_as_whole_numbers() -> None:
    fitted = _fit(pl.Series([1.0, 2.0, None]))
    assert fitted.levels == ("1", "2")
    for later in (pl.Series(["1", "2"]), pl.Series([1, 2]), pl.Series(["1.0", "2.0"])):
        assert fitted.transform(Category().parse(later)).data.tolist() == [0, 1]


def test_labels_of_a_later_file_with_a_full_stop_are_known() -> None:
    fitted = _fit(["<=50K", ">50K", "<=50K"])
    later = Category().parse(pl.Series([" <=50K.", " >50K."]))
    assert fitted.transform(later).data.tolist() == [0, 1]
    assert fitted.unfamiliar(later) == ()
    (repair,) = fitted.reconcile(later).repairs
    assert repair.what.startswith("a full stop at the end dropped")


def test_adult_test_labels_are_those_of_adult_train(data_dir: Path) -> None:
    def labels(name: str) -> pl.Series:
        content = gzip.decompress((data_dir / "adult" / name).read_bytes())
        return pl.read_csv(content, has_header=False, infer_schema=False).to_series(14)

    fitted = _fit(labels("adult-train.csv.gz"))
    later = Category().parse(labels("adult-test.csv.gz"))
    assert fitted.counts == (24_720, 7_841)
    assert torch.bincount(fitted.transform(later.rows(later.present)).data).tolist() == [
        12_435,
        3_846,
    ]
    assert fitted.reconcile(later).repairs[-1].count == 16_281


@pytest.mark.parametrize("options", [{"max_levels": 0}, {"min_count": -1}])
def test_counts_must_be_one_or_more(options: dict[str, Any]) -> None:
    (option,) = options
    with pytest.raises(RecipeError, match=f"The option {option} of a category must be 1 or more"):
        Category(**options)
