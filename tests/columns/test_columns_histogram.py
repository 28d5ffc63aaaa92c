import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fathom.columns import histogram as module
from fathom.columns.histogram import Histogram, Moments

LEVELS = np.linspace(0, 1, 23)


def _of(data: np.ndarray, weight: np.ndarray | None = None) -> Histogram:
    return Histogram.of(data, np.ones(len(data)) if weight is None else weight)


def _same(left: Histogram, right: Histogram) -> bool:
    return (
        left.bits == right.bits
        and np.array_equal(left.values, right.values)
        and np.array_equal(left.weights, right.weights)
    )


def test_moments_are_those_of_numpy_and_merge_exactly() -> None:
    rng = np.random.default_rng(0)
    data, weight = rng.normal(1e6, 1, 101), rng.uniform(0, 3, 101)
    whole = Moments.of(data, weight)
    merged = Moments()
    for part in np.split(np.arange(101), [7, 7, 40, 83]):
        merged = merged.merge(Moments.of(data[part], weight[part]))
    mean = np.average(data, weights=weight)
    spread = np.sqrt(np.average((data - mean) ** 2, weights=weight))
    for moments in (whole, merged):
        assert moments.mean == pytest.approx(mean, rel=1e-14)
        assert moments.standard_deviation == pytest.approx(spread, rel=1e-9)
        assert moments.weight == pytest.approx(weight.sum())


def test_quantiles_are_those_of_numpy() -> None:
    rng = np.random.default_rng(1)
    for data in (rng.normal(size=101), rng.integers(0, 5, 97).astype(float), np.array([3.0])):
        expected = np.quantile(data, LEVELS)
        np.testing.assert_allclose(_of(data).quantiles(LEVELS, len(data)), expected, rtol=1e-12)


def test_equal_weights_change_no_quantile() -> None:
    data = np.random.default_rng(2).normal(size=89)
    light = _of(data, np.full(89, 0.01)).quantiles(LEVELS, 89)
    np.testing.assert_allclose(light, np.quantile(data, LEVELS), rtol=1e-12)


def test_weights_move_quantiles() -> None:
    data, weight = np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 98.0])
    assert _of(data, weight).quantiles(np.array([0.5]), 3)[0] == 3.0
    assert _of(data, weight).most_frequent() == (3.0, 0.98)


def test_minus_zero_is_zero() -> None:
    assert len(_of(np.array([0.0, -0.0])).values) == 1


def test_nothing_gives_zeros() -> None:
    nothing = _of(np.empty(0))
    assert nothing.quantiles(LEVELS, 0).tolist() == [0.0] * len(LEVELS)
    assert nothing.most_frequent() == (0.0, 0.0)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.floats(-1e300, 1e300), max_size=60),
    st.integers(0, 60),
    st.integers(0, 60),
)
def test_buckets_do_not_depend_on_the_grouping(data: list[float], one: int, two: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_VALUES", 5_000 if len(data) % 2 else 4_200)
        _check_grouping(np.array(data, dtype=np.float64), one, two)


def _check_grouping(data: np.ndarray, one: int, two: int) -> None:
    first, second, third = np.split(data, sorted([min(one, len(data)), min(two, len(data))]))
    left = _of(first).merge(_of(second)).merge(_of(third))
    right = _of(first).merge(_of(second).merge(_of(third)))
    assert _same(left, _of(data))
    assert _same(right, _of(data))


def test_too_many_values_are_pooled_alike_in_any_grouping_and_keep_quantiles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_VALUES", 5_000)
    rng = np.random.default_rng(3)
    data = np.concatenate([rng.normal(size=23_001), np.zeros(9_001), 1e9 + rng.normal(size=11)])
    rng.shuffle(data)
    whole = _of(data)
    assert not whole.exact
    assert len(whole.values) <= 5_000
    parts = [_of(part) for part in np.split(data, [101, 17_000])]
    assert _same(parts[0].merge(parts[1]).merge(parts[2]), whole)
    assert _same(parts[2].merge(parts[0].merge(parts[1])), whole)
    assert whole.weights.sum() == len(data)
    # A frequent value is not lost, and the ends are exact.
    value, share = whole.most_frequent()
    assert (value, share) == (0.0, 9_001 / len(data))
    quantiles = whole.quantiles(LEVELS, len(data))
    np.testing.assert_allclose(quantiles, np.quantile(data, LEVELS), rtol=2**-7, atol=1e-12)
    assert quantiles[0] == data.min()


def test_a_few_exact_values_join_a_pooled_part_at_its_width(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_VALUES", 4_500)
    many, few = np.random.default_rng(4).uniform(1, 2, 4_801), np.array([1.3, 1.5, 1.7001])
    whole = _of(np.concatenate([many, few]))
    assert not whole.exact
    assert len(_of(many).values) + len(few) <= 4_500
    assert _same(_of(few).merge(_of(many)), whole)
    assert _same(_of(many).merge(_of(few)), whole)


def test_a_million_times_few_values_stays_exact() -> None:
    data = np.tile(np.arange(7.0), 10_001)
    assert _of(data).exact
    assert _of(data).weights.tolist() == [10_001.0] * 7
