"""Activations against their closed forms in NumPy."""

import math

import numpy as np
import pytest
import torch

from fathom.base.errors import RecipeError
from fathom.layers.activation import ACTIVATIONS, activation

_ERF = np.vectorize(math.erf)


def _softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


CLOSED = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "gelu": lambda x: x * 0.5 * (1 + _ERF(x / math.sqrt(2))),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "swish": lambda x: x / (1 + np.exp(-x)),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softmax": _softmax,
    "identity": lambda x: x,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_equals_its_closed_form(name):
    x = np.random.default_rng(0).normal(0, 3, (5, 3, 7))
    answer = activation(name)(torch.tensor(x)).numpy()
    np.testing.assert_allclose(answer, CLOSED[name](x), rtol=1e-12, atol=1e-12)


def test_a_wrong_word_is_told_with_the_nearest_and_all_others():
    with pytest.raises(RecipeError) as caught:
        activation("leaky-relu")
    assert caught.value.what == "There is no activation 'leaky-relu'."
    assert caught.value.do == "Did you mean 'leaky_relu'?"
    assert all(f"'{name}'" in caught.value.expected for name in ACTIVATIONS)


def test_capitals_do_not_hide_the_nearest():
    with pytest.raises(RecipeError, match="Did you mean 'relu'"):
        activation("ReLU")


def test_a_word_like_no_other_still_gets_advice():
    with pytest.raises(RecipeError, match="Choose one of the words above"):
        activation("zzz")
