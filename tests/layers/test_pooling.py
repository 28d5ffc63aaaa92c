"""The greatest value of all places, and where its gradient goes."""

import shutil

import pytest
import torch
from torch import nn

from fathom.layers.pooling import maximum_of_places


class _Bent(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return maximum_of_places(nn.functional.gelu(x * 3))


def _gradient(call: nn.Module, x: torch.Tensor) -> torch.Tensor:
    given = x.clone().requires_grad_()
    call(given).float().square().mean().backward()
    assert given.grad is not None
    return given.grad


def test_equals_share_the_gradient() -> None:
    x = torch.tensor([1.0, 5.0, 5.0, 2.0]).view(1, 1, 2, 2).requires_grad_()
    maximum_of_places(x).sum().backward()
    assert x.grad is not None
    assert x.grad.flatten().tolist() == [0.0, 0.5, 0.5, 0.0]


@pytest.mark.skipif(not shutil.which("g++"), reason="nothing compiles here")
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method:DeprecationWarning")
def test_compiled_programs_in_bf16_have_gradients() -> None:
    """They compare before rounding: PyTorch's own `amax` divided by a count of none here."""
    x = torch.randn(4, 8, 4, 4, generator=torch.Generator().manual_seed(0)).bfloat16()
    compiled = _Bent()
    compiled.compile(dynamic=False)
    found = _gradient(compiled, x)
    assert torch.isfinite(found).all()
    # Where two places are equal, one has all in the compiled program and each its share otherwise.
    wanted, gradient = _gradient(_Bent(), x).float().sum((2, 3)), found.float().sum((2, 3))
    torch.testing.assert_close(gradient, wanted, rtol=0.05, atol=1e-3)
