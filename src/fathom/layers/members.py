"""Layers of an efficient ensemble: many members that share most of their weights."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn


class MemberScale(nn.Module):
    """Give each member its own view of the input: multiply by a vector of its own.

        y[member] = x · r[member],  r drawn from {−1, +1}

    All that follows can then be shared by the members and still differ between them.

    Args:
        num_members: how many members.
        dim: width of the input.
        generator: where the signs are drawn from.

    Source: Wen, Tran, Ba, "BatchEnsemble", 2020; Gorishniy et al., "TabM", 2024 (there: the
        adapter R of TabM-mini).
    """

    def __init__(self, num_members: int, dim: int, generator: torch.Generator) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(num_members, dim))
        signs = torch.randint(0, 2, (num_members, dim), generator=generator)
        self.scale.data.copy_(signs).mul_(2).sub_(1)

    def forward(self, x: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch members dim"]:
        dtype = working_dtype(x)
        return x.to(dtype).unsqueeze(1) * self.scale.to(dtype)


class MemberLinear(nn.Module):
    """A linear layer of its own for each member, answers in fp32.

    Args:
        num_members: how many members.
        dim_in: width of the input.
        dim_out: width of the output.
        generator: where the weights are drawn from, uniform in ±1/√dim_in.
    """

    def __init__(
        self, num_members: int, dim_in: int, dim_out: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        bound = 1 / math.sqrt(dim_in)
        shape = (num_members, dim_in, dim_out)
        self.weight = nn.Parameter(torch.empty(shape))
        self.weight.data.uniform_(-bound, bound, generator=generator)
        self.bias = nn.Parameter(torch.zeros(num_members, dim_out))

    def forward(
        self, x: Float[Tensor, "batch members dim_in"]
    ) -> Float[Tensor, "batch members dim_out"]:
        weight = self.weight.to(x.dtype)
        if weight.shape[-1] == 1:
            # A sum over products beats a batch of matrix-vector products on a CPU.
            answer = (x * weight.squeeze(-1)).sum(-1, dtype=torch.float32).unsqueeze(-1)
        else:
            answer = torch.einsum("bmi,mio->bmo", x, weight).float()
        return answer + self.bias


def working_dtype(x: Tensor) -> torch.dtype:
    """The type that autocast, where it is on, would compute in; else the tensor's own."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
