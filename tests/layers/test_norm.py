"""Normalisations against naive loops in fp64, PyTorch's own, and bf16 inputs."""

import numpy as np
import pytest
import torch
from torch import nn

from fathom.base.errors import RecipeError, TrainingError
from fathom.layers.norm import (
    NORMALISATIONS,
    BatchNorm,
    ChannelNorm,
    LayerNorm,
    norm,
    shares_rows,
)

BATCH, MEMBERS, DIM = 7, 3, 10
GROUPS = 5


def _make(name: str) -> nn.Module:
    module = norm(name, DIM, num_groups=GROUPS if name == "group" else None)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return module


def _naive(name: str, x: np.ndarray, module: nn.Module) -> np.ndarray:
    """One row and one feature at a time."""
    state = {key: value.double().numpy() for key, value in module.state_dict().items()}
    rows, answer = x.reshape(-1, DIM), np.empty((x.size // DIM, DIM))
    for row in range(len(rows)):
        for feature in range(DIM):
            size = DIM // GROUPS
            first = feature // size * size
            over = {
                "batch": rows[:, feature],
                "layer": rows[row],
                "rms": rows[row],
                "group": rows[row, first : first + size],
                "none": rows[row],
            }[name]
            mean = 0.0 if name == "rms" else over.mean()
            value = (rows[row, feature] - mean) / np.sqrt(((over - mean) ** 2).mean() + 1e-5)
            if name == "none":
                value = rows[row, feature]
            answer[row, feature] = value * state.get("gain", np.ones(DIM))[feature]
            answer[row, feature] += state.get("bias", np.zeros(DIM))[feature]
    return answer.reshape(x.shape)


@pytest.mark.parametrize("shape", [(BATCH, DIM), (BATCH, MEMBERS, DIM)])
@pytest.mark.parametrize("name", NORMALISATIONS)
def test_equals_a_naive_loop(name, shape):
    x = np.random.default_rng(0).normal(3, 2, shape)
    module = _make(name)
    expected = _naive(name, x, module)
    answer = module(torch.tensor(x, dtype=torch.float32)).detach().numpy()
    np.testing.assert_allclose(answer, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["batch", "layer", "rms", "group"])
def test_statistics_of_bf16_inputs_are_taken_in_fp32(name):
    # Far from 0, bf16 arithmetic would lose the spread: 1000 ± 8 has steps of 4 to 8.
    generator = torch.Generator().manual_seed(2)
    x = (torch.randn(BATCH, DIM, generator=generator) * 30 + 1000).bfloat16()
    module = _make(name)
    exact = module(x.float())
    answer = module(x)
    assert answer.dtype == torch.bfloat16
    # Nothing but the last rounding may differ.
    assert torch.equal(answer, exact.bfloat16())


@pytest.mark.parametrize("name", ["batch", "layer", "rms", "group"])
def test_weights_in_bf16_work_too(name):
    module = _make(name).bfloat16()
    x = torch.randn(BATCH, DIM).bfloat16()
    answer = module(x)
    assert answer.dtype == torch.bfloat16
    torch.testing.assert_close(answer, module.float()(x.float()).bfloat16())


def test_running_statistics_move_in_bf16_too():
    module = BatchNorm(DIM).bfloat16()
    module(torch.full((BATCH, DIM), 5.0).bfloat16())
    torch.testing.assert_close(module.running_mean, torch.full((DIM,), 0.5).bfloat16())


def test_batch_norm_keeps_running_statistics_as_pytorch_does():
    ours, theirs = BatchNorm(DIM), nn.BatchNorm1d(DIM)
    generator = torch.Generator().manual_seed(3)
    for _ in range(5):
        x = torch.randn(BATCH, DIM, generator=generator) * 3 + 1
        torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_variance, theirs.running_var)
    x = torch.randn(BATCH, DIM, generator=generator)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


def test_batch_norm_answers_alone_as_in_company_in_evaluation():
    module = _make("batch")
    x = torch.randn(BATCH, MEMBERS, DIM)
    module(x)
    module.eval()
    alone = torch.cat([module(row) for row in x.split(1)])
    torch.testing.assert_close(alone, module(x))


@pytest.mark.parametrize("name", ["layer", "rms", "group"])
def test_a_row_does_not_see_its_neighbours(name):
    module = _make(name)
    x = torch.randn(BATCH, DIM)
    alone = torch.cat([module(row) for row in x.split(1)])
    torch.testing.assert_close(alone, module(x))


@pytest.mark.parametrize("name", ["batch", "layer", "rms", "group"])
def test_the_gradient_reaches_every_parameter(name):
    module = _make(name)
    module(torch.randn(BATCH, DIM)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().min() > 0 for p in module.parameters())


def test_which_networks_share_rows():
    assert shares_rows(nn.Sequential(nn.Linear(2, 3), _make("batch")))
    assert shares_rows(nn.Sequential(nn.BatchNorm2d(3)))
    assert not shares_rows(nn.Sequential(nn.Linear(2, 3), LayerNorm(3)))


def test_messages():
    with pytest.raises(RecipeError, match="Did you mean 'layer'") as caught:
        norm("layers", DIM)
    assert caught.value.what == "There is no normalisation 'layers'."
    with pytest.raises(RecipeError, match="'batch' does not use the option 'num_groups'"):
        norm("batch", DIM, num_groups=2)
    with pytest.raises(RecipeError, match="10 cannot be cut into 8 equal groups") as caught:
        norm("group", DIM)
    assert caught.value.do == "Choose 10 groups, or another width."
    with pytest.raises(TrainingError, match="cannot learn from a batch of one row"):
        norm("batch", DIM)(torch.zeros(1, DIM))


def test_channels_of_a_map_are_normalised_as_vectors_are():
    maps, vectors = ChannelNorm(DIM), LayerNorm(DIM)
    with torch.no_grad():
        for place, parameter in enumerate((maps.gain, maps.bias)):
            parameter.copy_(torch.arange(DIM) + place)
    vectors.load_state_dict(maps.state_dict())
    x = torch.randn(2, DIM, 3, 5, generator=torch.Generator().manual_seed(0))
    expected = vectors(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    assert torch.equal(maps(x), expected)
    assert maps(x.bfloat16()).dtype == torch.bfloat16
