import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import QuantileTransformer

from fathom.columns.scaling import Scaler


def test_linear_scaling_is_a_shift_and_a_factor() -> None:
    scaler = Scaler(centre=5.0, scale=2.0)
    x = torch.tensor([5.0, 7.0, -1.0], dtype=torch.float64)
    assert scaler.forward(x).tolist() == [0.0, 1.0, -3.0]
    assert scaler.inverse(scaler.forward(x)).tolist() == x.tolist()


def test_smooth_clipping_follows_its_formula_and_never_overflows() -> None:
    scaler = Scaler(clip=3.0, low=-9.0, high=9.0)
    z = torch.tensor([-7.0, -0.5, 0.0, 2.0, 11.0], dtype=torch.float64)
    torch.testing.assert_close(scaler.forward(z), z / (1 + (z / 3) ** 2).sqrt())
    ends = scaler.forward(torch.tensor([-1e300, 1e300], dtype=torch.float64))
    assert ends.tolist() == pytest.approx([-3.0, 3.0])
    torch.testing.assert_close(scaler.inverse(scaler.forward(z)), z)


def test_answers_beyond_the_clipping_stay_near_the_training_range() -> None:
    scaler = Scaler(centre=100.0, scale=10.0, clip=3.0, low=-2.0, high=4.0)
    answers = scaler.inverse(torch.tensor([-99.0, 3.0, 99.0]))
    assert answers.tolist() == pytest.approx([100 - 80, 100 + 100, 100 + 100])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=11))
def test_the_signed_logarithm_is_undone(numbers: list[float]) -> None:
    scaler = Scaler(log=True, low=-40.0, high=40.0)
    x = torch.tensor(numbers, dtype=torch.float64)
    y = scaler.forward(x)
    expected = [math.copysign(math.log1p(abs(number)), number) for number in numbers]
    assert y.tolist() == pytest.approx(expected)
    torch.testing.assert_close(scaler.inverse(y), x, rtol=1e-9, atol=1e-9)


def test_the_quantile_map_agrees_with_scikit_learn_inside_the_range() -> None:
    x = torch.linspace(0, 1, 257, dtype=torch.float64).square() * 50
    ours = Scaler(grid=tuple(x.tolist())).forward(x[20:-20] + 0.01)
    theirs = QuantileTransformer(n_quantiles=257, output_distribution="normal")
    theirs.fit(x[:, None].numpy())
    expected = np.asarray(theirs.transform((x[20:-20] + 0.01)[:, None].numpy()))[:, 0]
    # Ours keeps a thousandth free at either end.
    torch.testing.assert_close(ours, torch.from_numpy(expected), rtol=0.02, atol=0.002)


def test_the_quantile_map_rises_is_bounded_and_is_undone() -> None:
    grid = (0.0,) * 100 + tuple(float(step) for step in range(1, 158))
    scaler = Scaler(grid=grid)
    x = torch.tensor([-5.0, 0.0, 0.25, 1.0, 3.5, 156.0, 157.0, 1e9], dtype=torch.float64)
    y = scaler.forward(x)
    assert bool((y[1:] >= y[:-1]).all())
    assert float(y.abs().max()) < 3.1
    # The zeros fill 0 to 99/256 of the rows and stand at their middle.
    share = 1e-3 + (1 - 2e-3) * 99 / 256 / 2
    assert float(y[1]) == pytest.approx(math.sqrt(2) * torch.erfinv(torch.tensor(2 * share - 1)))
    inside = x[1:-1]
    torch.testing.assert_close(scaler.inverse(scaler.forward(inside)), inside)
    assert scaler.inverse(torch.tensor([-50.0, 50.0])).tolist() == [0.0, 157.0]


def test_nan_stays_nan() -> None:
    for scaler in (Scaler(), Scaler(clip=3.0), Scaler(grid=(0.0, 1.0, 2.0)), Scaler(log=True)):
        assert bool(scaler.forward(torch.tensor([float("nan")])).isnan().all())
        assert bool(scaler.inverse(torch.tensor([float("nan")])).isnan().all())
