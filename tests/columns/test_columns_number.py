from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from fathom.base.errors import RecipeError
from fathom.columns.number import FittedNumber, Number


def _fit(data: Any, weight: np.ndarray | None = None, **options: Any) -> FittedNumber:
    number = Number(**options)
    values = number.parse(pl.Series(data))
    return number.freeze(number.summarise(values, weight))


def _scaled(fitted: FittedNumber, data: Any) -> np.ndarray:
    return fitted.transform(Number().parse(pl.Series(data))).data.numpy()


SKEWED = np.random.default_rng(0).lognormal(0, 1, 211)


def test_facts_are_those_of_numpy() -> None:
    data = [3.0, 3.0, 5.5, -1.0, None, 10.0]
    fitted, present = _fit(data), np.array([3.0, 3.0, 5.5, -1.0, 10.0])
    assert (fitted.count, fitted.num_missing, fitted.num_distinct) == (5, 1, 4)
    assert fitted.mean == pytest.approx(present.mean())
    assert fitted.standard_deviation == pytest.approx(present.std())
    assert (fitted.minimum, fitted.maximum, fitted.median) == (-1.0, 10.0, 3.0)
    assert fitted.quantiles == pytest.approx(np.quantile(present, np.linspace(0, 1, 257)))
    assert fitted.share_whole == pytest.approx(4 / 5)
    assert (fitted.most_frequent, fitted.most_frequent_share) == (3.0, pytest.approx(2 / 5))


@pytest.mark.parametrize(
    ("scaling", "reference"), [("standard", StandardScaler()), ("min_max", MinMaxScaler())]
)
def test_scalings_agree_with_scikit_learn(scaling: Any, reference: Any) -> None:
    expected = reference.fit_transform(SKEWED[:, None])[:, 0]
    np.testing.assert_allclose(
        _scaled(_fit(SKEWED, scaling=scaling), SKEWED), expected, rtol=1e-5, atol=1e-6
    )


def test_robust_is_median_and_quartiles_then_smooth_clipping() -> None:
    z = RobustScaler().fit_transform(SKEWED[:, None])[:, 0]
    expected = z / np.sqrt(1 + (z / 3) ** 2)
    np.testing.assert_allclose(
        _scaled(_fit(SKEWED, scaling="robust"), SKEWED), expected, rtol=1e-5, atol=1e-6
    )
    free = _scaled(_fit(SKEWED, scaling="robust", clip=0), SKEWED)
    np.testing.assert_allclose(free, z, rtol=1e-5, atol=1e-6)


def test_robust_falls_back_to_the_range_when_the_quartiles_agree() -> None:
    fitted = _fit([0.0] * 50 + [-1.0, 3.0], scaling="robust", clip=0)
    assert _scaled(fitted, [3.0, 0.0]).tolist() == [1.5, 0.0]


def test_quantile_looks_normal() -> None:
    y = np.sort(_scaled(_fit(SKEWED, scaling="quantile"), SKEWED))
    assert np.abs(y).max() < 3.1
    normal = torch.special.ndtri((torch.arange(211, dtype=torch.float64) + 0.5) / 211)
    np.testing.assert_allclose(y[20:-20], normal.numpy()[20:-20], atol=0.02)


def test_none_leaves_numbers_alone() -> None:
    assert _scaled(_fit(SKEWED, scaling="none"), [2.5, -7.0]).tolist() == [2.5, -7.0]


def test_clip_bounds_any_scaling() -> None:
    fitted = _fit(SKEWED, clip=2.0)
    assert _scaled(fitted, [1e12, -1e12]).tolist() == pytest.approx([2.0, -2.0])


def test_log_scales_the_logarithm() -> None:
    logs = np.log1p(SKEWED)
    expected = (logs - logs.mean()) / logs.std()
    np.testing.assert_allclose(_scaled(_fit(SKEWED, log=True), SKEWED), expected, atol=1e-5)


@pytest.mark.parametrize(("impute", "stand_in"), [("mean", 4.0), ("median", 2.0), ("zero", 0.0)])
def test_absent_values_get_the_stand_in(impute: Any, stand_in: float) -> None:
    fitted = _fit([1.0, 2.0, 9.0, None], impute=impute)
    field = fitted.transform(Number().parse(pl.Series([None, stand_in])))
    assert field.mask is not None
    assert field.mask.tolist() == [False, True]
    assert field.data[0] == field.data[1]
    assert fitted.fill == stand_in


def test_weights_count() -> None:
    data, weight = np.array([1.0, 2.0, 10.0]), np.array([1.0, 3.0, 0.0])
    fitted = _fit(data, weight)
    assert fitted.mean == pytest.approx(1.75)
    assert fitted.standard_deviation == pytest.approx(np.sqrt(0.1875))
    assert (fitted.count, fitted.maximum, fitted.most_frequent_share) == (2, 2.0, 0.75)


@pytest.mark.parametrize("scaling", ["standard", "min_max", "robust", "quantile", "none"])
@pytest.mark.parametrize("log", [False, True])
def test_targets_come_back(scaling: Any, log: bool) -> None:
    fitted = _fit(SKEWED, scaling=scaling, log=log)
    decoded = fitted.decode(fitted.transform(Number().parse(pl.Series(SKEWED))))
    np.testing.assert_allclose(decoded, SKEWED, rtol=2e-4)


def test_decode_hides_the_noise_of_float32() -> None:
    prices = [199_900.0, 250_000.0, 341_200.0, 500_001.0]
    fitted = _fit(prices)
    assert fitted.decode(fitted.transform(Number().parse(pl.Series(prices)))) == prices


def test_unscale_keeps_any_shape() -> None:
    fitted = _fit([1.0, 3.0])
    assert fitted.unscale(torch.zeros(2, 3, 5)).shape == (2, 3, 5)
    assert bool((fitted.unscale(torch.zeros(2, 3)) == 2.0).all())


@pytest.mark.parametrize(
    "data",
    [[7.0] * 11, [0.1] * 13, [1e300, -1e300, 0.0], [1e9, 1e9 + 1e-6], [5e-324, 0.0], [2.0]],
    ids=str,
)
@pytest.mark.parametrize("scaling", ["standard", "min_max", "robust", "quantile", "none"])
def test_extreme_columns_stay_finite(data: list[float], scaling: Any) -> None:
    fitted = _fit(data, scaling=scaling)
    assert np.isfinite(_scaled(fitted, [*data, 1e308, -1e308, None])).all()
    edges = fitted.edges(5)
    assert len(edges) >= 2
    assert (np.diff(edges) > 0).all()


def test_edges_are_quantiles_on_the_scale_of_the_network() -> None:
    for scaling in ("standard", "robust"):
        fitted = _fit(SKEWED, scaling=scaling)
        expected = _scaled(fitted, np.quantile(SKEWED, np.linspace(0, 1, 17)))
        np.testing.assert_allclose(fitted.edges(16), expected, rtol=1e-5, atol=1e-6)


def test_edges_of_few_values_lie_on_the_values() -> None:
    fitted = _fit([0.0] * 90 + [1.0] * 9 + [4.0], scaling="none")
    edges = fitted.edges(48)
    assert edges.dtype == np.float32
    assert set(edges.tolist()) <= {0.0, 1.0, 4.0}
    assert (edges[0], edges[-1]) == (0.0, 4.0)
    assert len(_fit(SKEWED).edges(10_000)) <= 257


def test_wrong_options_name_the_right_ones() -> None:
    with pytest.raises(RecipeError, match="Did you mean 'standard'") as caught:
        Number(scaling="standart")  # type: ignore[arg-type]
    assert str(caught.value) == (
        "There is no scaling called 'standart' for numbers.\n"
        "  where:    number(scaling=…)\n"
        "  expected: 'standard', 'min_max', 'robust', 'quantile', 'none'\n"
        "  got:      'standart'\n"
        "  do:       Did you mean 'standard'?"
    )
    with pytest.raises(RecipeError, match="There is no impute called 'mode'"):
        Number(impute="mode")  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="There is no decimal called"):
        Number(decimal="dot")  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="clipping must not be negative"):
        Number(clip=-1.0)
    with pytest.raises(RecipeError, match="less than one bin"):
        _fit([1.0, 2.0]).edges(0)


def test_the_notation_of_decimals_is_obeyed() -> None:
    raw = pl.Series(["1.234", "2.500"])
    assert Number(decimal="comma").parse(raw).data.tolist() == [1234.0, 2500.0]
    assert Number().parse(raw).data.tolist() == [1.234, 2.5]
