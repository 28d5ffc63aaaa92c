"""Normalisations of vectors by name: bring features to one scale inside the network.

| word | brings to mean 0, deviation 1 | depends on other rows | where it is used |
|---|---|---|---|
| batch | each feature over the batch | yes, in training | pictures, large batches |
| layer | each row over its features | no | transformers, recurrent networks |
| rms | each row's size only, mean kept | no | large transformers; cheaper than layer |
| group | each row over groups of its features | no | small batches |
| none | nothing | no | shallow networks on scaled inputs |

All of them work on the last axis of `[batch, …, dim]`, count every axis before it as rows, learn a
gain and (but for rms) a bias, and take their statistics in fp32 whatever the input's type; the
output has the type of the input. `ChannelNorm` is layer for maps, `[batch, dim, height, width]`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from fathom.base.errors import RecipeError, TrainingError, listed, nearest

_EPS = 1e-5


class LayerNorm(nn.Module):
    """Each row to mean 0 and variance 1 over its features.

        y = (x − mean(x)) / √(var(x) + ε) · gain + bias

    Args:
        dim: width of the vectors.

    Source: Ba, Kiros, Hinton, "Layer Normalization", 2016.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x: Float[Tensor, "*rows dim"]) -> Float[Tensor, "*rows dim"]:
        gain, bias = self.gain.float(), self.bias.float()
        return F.layer_norm(x.float(), gain.shape, gain, bias, _EPS).to(x.dtype)


class ChannelNorm(nn.Module):
    """`LayerNorm` for maps: the channels of each place to mean 0 and variance 1.

    Nothing is copied where the channels are the last axis in memory.

    Args:
        dim: how many channels.

    Example:
        >>> ChannelNorm(2)(torch.tensor([1.0, 3.0]).reshape(1, 2, 1, 1)).flatten().round().tolist()
        [-1.0, 1.0]
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x: Float[Tensor, "b dim h w"]) -> Float[Tensor, "b dim h w"]:
        gain, bias = self.gain.float(), self.bias.float()
        last = x.float().permute(0, 2, 3, 1)
        return F.layer_norm(last, gain.shape, gain, bias, _EPS).permute(0, 3, 1, 2).to(x.dtype)


class RMSNorm(nn.Module):
    """Each row to a mean square of 1; its mean is not taken off.

        y = x / √(mean(x²) + ε) · gain

    Args:
        dim: width of the vectors.

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(dim))

    def forward(self, x: Float[Tensor, "*rows dim"]) -> Float[Tensor, "*rows dim"]:
        gain = self.gain.float()
        return F.rms_norm(x.float(), gain.shape, gain, _EPS).to(x.dtype)


class GroupNorm(nn.Module):
    """Each row to mean 0 and variance 1 over each of several groups of its features.

    Args:
        dim: width of the vectors.
        num_groups: into how many equal groups the features are cut, in their order.

    Raises:
        RecipeError: the width cannot be cut into that many equal groups.

    Source: Wu and He, "Group Normalization", 2018.
    """

    def __init__(self, dim: int, num_groups: int) -> None:
        super().__init__()
        if num_groups < 1 or dim % num_groups:
            divisors = [n for n in range(1, dim + 1) if dim % n == 0]
            closest = min(divisors, key=lambda divisor: abs(divisor - num_groups))
            raise RecipeError(
                f"A width of {dim} cannot be cut into {num_groups} equal groups.",
                expected=f"one of {listed(divisors, most=12)}",
                got=str(num_groups),
                do=f"Choose {closest} groups, or another width.",
            )
        self.num_groups = num_groups
        self.gain = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x: Float[Tensor, "*rows dim"]) -> Float[Tensor, "*rows dim"]:
        rows = x.float().reshape(-1, x.shape[-1])
        gain, bias = self.gain.float(), self.bias.float()
        return F.group_norm(rows, self.num_groups, gain, bias, _EPS).view(x.shape).to(x.dtype)


class BatchNorm(nn.Module):
    """Each feature to mean 0 and variance 1 over all rows of the batch.

    In training the statistics are those of the batch, and a running mean of them (a tenth of the
    new one at each step) is kept; in evaluation the running ones serve, so that an answer does
    not depend on its neighbours. An ensemble's members count as rows and share the statistics.

    Args:
        dim: width of the vectors.

    Raises:
        TrainingError: a training batch of one row, which has no variance.

    Source: Ioffe and Szegedy, "Batch Normalization", 2015.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))
        self.running_mean: Tensor
        self.running_variance: Tensor
        self.register_buffer("running_mean", torch.zeros(dim))
        self.register_buffer("running_variance", torch.ones(dim))

    def forward(self, x: Float[Tensor, "*rows dim"]) -> Float[Tensor, "*rows dim"]:
        rows = x.float().reshape(-1, x.shape[-1])
        if self.training and len(rows) < 2:
            raise TrainingError(
                "Batch normalisation cannot learn from a batch of one row.",
                expected="at least two rows in each training batch",
                got=f"{len(rows)} row",
                do="Choose a larger batch, or the normalisation 'layer'.",
            )
        mean, variance = self.running_mean.float(), self.running_variance.float()
        normal = F.batch_norm(
            rows,
            mean,
            variance,
            self.gain.float(),
            self.bias.float(),
            training=self.training,
            momentum=0.1,
            eps=_EPS,
        )
        if mean is not self.running_mean:
            # The statistics live in another type, and copies of them were brought up to date.
            self.running_mean.copy_(mean)
            self.running_variance.copy_(variance)
        return normal.view(x.shape).to(x.dtype)


@dataclass(frozen=True)
class NamedNormalisation:
    """One normalisation of the course.

    Attributes:
        make: makes the module from the width and the number of groups.
        sentence: what it does and when to use it, for a newcomer.
    """

    make: Callable[[int, int], nn.Module]
    sentence: str


NORMALISATIONS: dict[str, NamedNormalisation] = {
    "batch": NamedNormalisation(
        lambda dim, _: BatchNorm(dim),
        "Each feature over the batch; strong with large batches, and rows then share statistics.",
    ),
    "layer": NamedNormalisation(
        lambda dim, _: LayerNorm(dim),
        "Each row over its features; the habit of transformers, any batch size.",
    ),
    "rms": NamedNormalisation(
        lambda dim, _: RMSNorm(dim),
        "Each row by its size only; as good as layer in transformers, and cheaper.",
    ),
    "group": NamedNormalisation(
        GroupNorm, "Each row over groups of its features; when batches are small."
    ),
    "none": NamedNormalisation(
        lambda dim, _: nn.Identity(), "Nothing; for shallow networks on scaled inputs."
    ),
}


def norm(name: str, dim: int, *, num_groups: int | None = None) -> nn.Module:
    """The normalisation of that name for vectors of a width.

    Args:
        name: a word of `NORMALISATIONS`; the table at the top of this file says what each is for.
        dim: width of the vectors.
        num_groups: for group only; 8 if not given.

    Raises:
        RecipeError: an unknown word, groups for another one than group, or a width that cannot
            be cut into the groups.

    Example:
        >>> norm("rms", 2)(torch.tensor([[3.0, 4.0]])).detach().round(decimals=3)
        tensor([[0.8490, 1.1310]])
    """
    if name not in NORMALISATIONS:
        raise RecipeError(
            f"There is no normalisation '{name}'.",
            expected=f"one of {listed(NORMALISATIONS)}",
            got=f"'{name}'",
            do=nearest(str(name).lower(), NORMALISATIONS) or "Choose one of the words above.",
        )
    if num_groups is not None and name != "group":
        raise RecipeError(
            f"The normalisation '{name}' does not use the option 'num_groups'.",
            expected="'num_groups' with 'group' only",
            got=f"num_groups = {num_groups}",
            do="Leave 'num_groups' out, or choose 'group'.",
        )
    return NORMALISATIONS[name].make(dim, 8 if num_groups is None else num_groups)


def shares_rows(network: nn.Module) -> bool:
    """Whether rows of a training batch see one another through batch statistics.

    Such a batch cannot be split for memory without changing the result.

    Example:
        >>> shares_rows(nn.Sequential(BatchNorm(3))), shares_rows(nn.Sequential(LayerNorm(3)))
        (True, False)
    """
    kinds = (BatchNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
    return any(isinstance(part, kinds) for part in network.modules())
