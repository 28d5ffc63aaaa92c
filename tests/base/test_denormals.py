"""Numbers next to nothing: they cost a hundred times as much, and trainings know none."""

import torch
from torch import nn

from fathom.base.denormals import denormals_flushed, flushes_denormals
from fathom.training import fit
from fathom.training.optimizers import OptimizerPlan
from fathom.training.plan import TrainingPlan

SMALLEST = torch.finfo(torch.float32).tiny


def test_after_the_block_all_is_as_it_was() -> None:
    assert not flushes_denormals()
    with denormals_flushed():
        assert flushes_denormals()
        with denormals_flushed():
            assert flushes_denormals()
        assert flushes_denormals()
    assert not flushes_denormals()


def test_weights_of_what_is_always_dark_end_at_nought() -> None:
    """Decay takes them through the numbers that are slow to multiply."""
    network = nn.Linear(7, 1)
    with torch.no_grad():
        network.weight[:, 3] = 2e-38
    x = torch.randn(64, 7, generator=torch.Generator().manual_seed(0))
    x[:, 3] = 0
    rows = torch.utils.data.TensorDataset(x, x.sum(1, keepdim=True))
    loader = torch.utils.data.DataLoader(rows, batch_size=16)
    decaying = OptimizerPlan(name="sgd", learning_rate=0.1, weight_decay=1.0)
    fit(
        network, loader, nn.functional.mse_loss, plan=TrainingPlan(num_steps=40, optimizer=decaying)
    )
    weight = network.weight.detach().abs()
    assert not ((weight > 0) & (weight < SMALLEST)).any()
    assert not flushes_denormals()
