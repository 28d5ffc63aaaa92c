"""Initialisations: their variance by formula, PyTorch's own, and what they do to a deep network."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from torch import nn

from fathom.base.errors import RecipeError
from fathom.layers.activation import ACTIVATIONS, activation
from fathom.layers.initialise import GAINS, INITIALISATIONS, fill, gain, initialise

IN, OUT = 211, 307


def _seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("after", ["relu", "tanh", "identity"])
@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("default", lambda gain: 1 / (3 * IN)),
        ("xavier_uniform", lambda gain: gain**2 * 2 / (IN + OUT)),
        ("xavier_normal", lambda gain: gain**2 * 2 / (IN + OUT)),
        ("kaiming_uniform", lambda gain: gain**2 / IN),
        ("kaiming_normal", lambda gain: gain**2 / IN),
        ("lecun_normal", lambda gain: 1 / IN),
        ("orthogonal", lambda gain: gain**2 / OUT),
        ("truncated_normal", lambda gain: 0.02**2),
    ],
)
def test_the_variance_is_that_of_the_formula(name, variance, after):
    layer = nn.Linear(IN, OUT)
    initialise(layer, name, _seeded(), after)
    factor = {"relu": math.sqrt(2), "tanh": 5 / 3, "identity": 1.0}[after]
    assert layer.weight.var().item() == pytest.approx(variance(factor), rel=0.03)
    assert abs(layer.weight.mean().item()) < 5 * math.sqrt(variance(factor) / (IN * OUT))


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("xavier_uniform", lambda w, g: nn.init.xavier_uniform_(w, math.sqrt(2), g)),
        ("xavier_normal", lambda w, g: nn.init.xavier_normal_(w, math.sqrt(2), g)),
        ("kaiming_uniform", lambda w, g: nn.init.kaiming_uniform_(w, 0, "fan_in", "relu", g)),
        ("kaiming_normal", lambda w, g: nn.init.kaiming_normal_(w, 0, "fan_in", "relu", g)),
        ("lecun_normal", lambda w, g: nn.init.kaiming_normal_(w, 0, "fan_in", "linear", g)),
        ("orthogonal", lambda w, g: nn.init.orthogonal_(w, math.sqrt(2), g)),
        ("default", lambda w, g: nn.init.kaiming_uniform_(w, math.sqrt(5), generator=g)),
    ],
)
@pytest.mark.parametrize("layer", [nn.Linear(5, 7), nn.Conv2d(3, 5, 7)])
def test_draws_what_pytorch_draws_from_the_same_generator(name, reference, layer):
    initialise(layer, name, _seeded(3), "relu")
    expected = torch.empty_like(layer.weight)
    reference(expected, _seeded(3))
    torch.testing.assert_close(layer.weight.detach(), expected, rtol=1e-6, atol=1e-7)


def test_default_spreads_the_biases_and_the_others_zero_them():
    layer = nn.Linear(5, 997)
    initialise(layer, "default", _seeded())
    assert layer.bias.abs().max().item() == pytest.approx(1 / math.sqrt(5), rel=0.01)
    initialise(layer, "kaiming_normal", _seeded())
    assert not layer.bias.any()


def test_orthogonal_rows_are_at_right_angles():
    layer = nn.Linear(11, 5)
    initialise(layer, "orthogonal", _seeded(), "identity")
    torch.testing.assert_close(layer.weight @ layer.weight.T, torch.eye(5), atol=1e-5, rtol=0)


def test_truncated_normal_has_its_deviation_and_no_tails():
    layer = nn.Linear(IN, OUT)
    initialise(layer, "truncated_normal", _seeded(), deviation=0.5)
    assert layer.weight.std().item() == pytest.approx(0.5, rel=0.02)
    # Cut at two deviations of the uncut normal, which lie at 2 / 0.8796 of the deviation asked.
    assert layer.weight.abs().max().item() == pytest.approx(2 * 0.5 / 0.87962566, rel=0.01)


def test_zeros_and_constant():
    layer = nn.Linear(3, 5)
    initialise(layer, "constant", _seeded(), value=0.25)
    assert (layer.weight == 0.25).all()
    initialise(layer, "constant", _seeded(), value=0.0)
    assert not layer.weight.any()
    initialise(layer, "constant", _seeded())
    assert (layer.weight == 0.01).all()
    initialise(layer, "zeros", _seeded())
    assert not layer.weight.any()


@pytest.mark.parametrize("name", INITIALISATIONS)
def test_only_the_given_generator_decides(name):
    first, second, other = nn.Linear(5, 7), nn.Linear(5, 7), nn.Linear(5, 7)
    torch.manual_seed(11)
    before = torch.random.get_rng_state()
    initialise(first, name, _seeded(1), "relu")
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(13)
    initialise(second, name, _seeded(1), "relu")
    initialise(other, name, _seeded(2), "relu")
    assert torch.equal(first.weight, second.weight)
    assert torch.equal(first.weight, other.weight) == (name in ("zeros", "constant"))


@pytest.mark.parametrize("after", ["relu", "leaky_relu", "elu", "gelu", "silu", "swish"])
def test_the_gain_makes_good_what_the_activation_takes(after):
    bend = activation(after)

    def weighed(z):
        value = bend(torch.tensor(z, dtype=torch.float64)).item()
        return value**2 * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

    left = quad(weighed, -9, 0)[0] + quad(weighed, 0, 9)[0]
    assert gain(after) == pytest.approx(1 / math.sqrt(left), rel=1e-6)


def test_there_is_a_gain_for_every_activation():
    assert GAINS.keys() == ACTIVATIONS.keys()


@pytest.mark.parametrize("after", ["relu", "gelu", "silu"])
def test_a_deep_network_keeps_its_signal_with_kaiming_and_loses_it_by_default(after):
    def spread(name):
        layers = [part for _ in range(19) for part in (nn.Linear(199, 199), activation(after))]
        network = nn.Sequential(*layers)
        initialise(network, name, _seeded(5), after)
        x = torch.randn(31, 199, generator=_seeded(6))
        with torch.no_grad():
            return network(x).std(0).square().mean().sqrt().item()

    # How far the answers to different inputs lie apart; those of the inputs lie 1 apart.
    assert 0.05 < spread("kaiming_normal") < 20
    assert spread("default") < 1e-4


def test_the_gates_of_an_lstm_are_drawn_one_by_one():
    lstm = nn.LSTM(5, 7)
    initialise(lstm, "orthogonal", _seeded())
    weights = dict(lstm.named_parameters())
    for gate in weights["weight_hh_l0"].detach().split(7):
        torch.testing.assert_close(gate @ gate.T, torch.eye(7), atol=1e-5, rtol=0)
    assert not weights["bias_ih_l0"].any()


def test_query_key_and_value_have_their_own_fans():
    attention = nn.MultiheadAttention(101, 1)
    initialise(attention, "xavier_normal", _seeded())
    for part in dict(attention.named_parameters())["in_proj_weight"].detach().chunk(3):
        assert part.var().item() == pytest.approx(2 / 202, rel=0.1)


def test_a_transposed_convolution_counts_its_inputs_right():
    layer = nn.ConvTranspose2d(31, 2, 3)
    initialise(layer, "lecun_normal", _seeded())
    assert layer.weight.var().item() == pytest.approx(1 / (31 * 9), rel=0.2)


def test_embeddings_and_normalisations_keep_what_they_have():
    scale, words = nn.LayerNorm(5), nn.Embedding(7, 5)
    kept = [scale.weight.clone(), words.weight.clone()]
    initialise(nn.Sequential(nn.Linear(3, 5), scale, words), "zeros", _seeded())
    assert torch.equal(scale.weight, kept[0])
    assert torch.equal(words.weight, kept[1])


def test_fill_serves_weights_of_ones_own():
    weight = torch.empty(3, 101, 103)
    fill(weight, "kaiming_uniform", _seeded(), fans=(101, 103), gain=gain("relu"))
    np.testing.assert_allclose(weight.var(), 2 / 101, rtol=0.03)


def test_messages():
    layer = nn.Linear(3, 5)
    with pytest.raises(RecipeError, match="Did you mean 'kaiming_normal'") as caught:
        initialise(layer, "kaming_normal", _seeded())
    assert caught.value.what == "There is no initialisation 'kaming_normal'."
    with pytest.raises(RecipeError, match="There is no activation 'rellu'"):
        initialise(layer, "kaiming_normal", _seeded(), "rellu")
    with pytest.raises(RecipeError, match="'zeros' does not use the option 'deviation'"):
        initialise(layer, "zeros", _seeded(), deviation=0.1)
    with pytest.raises(RecipeError, match="'zeros' does not use the option 'value'"):
        initialise(layer, "zeros", _seeded(), value=0.0)
    with pytest.raises(RecipeError, match="deviation of an initialisation must be above 0"):
        initialise(layer, "truncated_normal", _seeded(), deviation=0.0)
    with pytest.raises(RecipeError, match="There is nothing to initialise") as caught:
        initialise(nn.ReLU(), "zeros", _seeded())
    assert caught.value.where == "ReLU"
