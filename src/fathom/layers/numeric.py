"""Numbers as vectors: piecewise-linear encodings of many columns at once."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn


class PiecewiseLinear(nn.Module):
    """Say in which of its column's bins a number lies, and how far into it.

    With edges e_0 < … < e_T of one column, component t of the encoding of x is

        clip((x − e_t) / (e_{t+1} − e_t), 0, 1)

    but the first component is not clipped below and the last not above, so that values outside
    the training range still differ. A network can then learn steps and bends in single columns
    that a plain linear layer on x would need many units for.

    Args:
        edges: for each column its increasing bin edges, at least two.

    Source: Gorishniy, Rubachev, Babenko, "On Embeddings for Numerical Features in Tabular Deep
        Learning", 2022 (there: PLE).

    Example:
        >>> encode = PiecewiseLinear([[0.0, 1.0, 3.0]])
        >>> encode(torch.tensor([[0.5], [2.0]])).tolist()
        [[[0.5, 0.0]], [[1.0, 0.5]]]
    """

    # Far outliers may not drown what the network sees of the rest.
    reach = 10.0
    left: Tensor
    inverse_width: Tensor
    lowest: Tensor
    highest: Tensor

    def __init__(self, edges: Sequence[Sequence[float] | np.ndarray]) -> None:
        super().__init__()
        num_bins = max((len(column) - 1 for column in edges), default=1)
        shape = (len(edges), num_bins)
        left, inverse_width = torch.zeros(shape), torch.zeros(shape)
        lowest, highest = torch.zeros(shape), torch.ones(shape)
        for row, column in enumerate(edges):
            points = torch.as_tensor(np.asarray(column, dtype=np.float64))
            used = len(points) - 1
            left[row, :used] = points[:-1].float()
            inverse_width[row, :used] = (1 / (points[1:] - points[:-1])).float()
            lowest[row, 0], highest[row, used - 1] = -self.reach, self.reach
        self.register_buffer("left", left)
        self.register_buffer("inverse_width", inverse_width)
        self.register_buffer("lowest", lowest)
        self.register_buffer("highest", highest)

    def forward(self, x: Float[Tensor, "batch columns"]) -> Float[Tensor, "batch columns bins"]:
        position = (x.unsqueeze(-1) - self.left) * self.inverse_width
        return torch.minimum(torch.maximum(position, self.lowest), self.highest)


class NumericEmbedding(nn.Module):
    """Each number of a row as a small vector: a linear part plus a learned piecewise-linear one.

        v_j(x) = x · a_j + b_j + PiecewiseLinear_j(x) · W_j

    W starts at zero, so that training begins with the plain number and bends it where that pays.

    Args:
        edges: for each column its bin edges.
        dim: length of each column's vector.
        generator: where the initial a and b are drawn from.

    Source: Gorishniy et al., 2022 (as above), and Gorishniy, Kotelnikov, Babenko, "TabM", 2024
        (there: version B of the piecewise-linear embeddings).

    Example:
        >>> embed = NumericEmbedding([[0.0, 1.0], [0.0, 2.0, 5.0]], 3, torch.Generator())
        >>> embed(torch.zeros(7, 2)).shape
        torch.Size([7, 6])
    """

    def __init__(
        self, edges: Sequence[Sequence[float] | np.ndarray], dim: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.encode = PiecewiseLinear(edges)
        num_columns, num_bins = self.encode.left.shape
        shape = (num_columns, dim)
        bound = dim**-0.5  # so that a column's vector is about as long as its number is large
        self.slope_embedding = nn.Parameter(
            torch.empty(shape).uniform_(-bound, bound, generator=generator)
        )
        self.offset_embedding = nn.Parameter(
            torch.empty(shape).uniform_(-bound, bound, generator=generator)
        )
        self.bend_embedding = nn.Parameter(torch.zeros(num_columns, num_bins, dim))

    def forward(self, x: Float[Tensor, "batch columns"]) -> Float[Tensor, "batch width"]:
        straight = x.unsqueeze(-1) * self.slope_embedding + self.offset_embedding
        bent = torch.einsum("bct,ctd->bcd", self.encode(x), self.bend_embedding)
        return (straight + bent).flatten(1)


class ValueEmbedding(nn.Module):
    """A vector of its own for every value of columns that repeat a few values.

    Counts, codes and amounts in round steps often mean something value by value (a capital gain
    of exactly 7,298), which bins with slopes can only approach. A value that was not seen in
    training gets the column's last vector.

    Args:
        values: for each column its known values, increasing.
        dim: length of the vectors.
        generator: where they are drawn from.

    Example:
        >>> embed = ValueEmbedding([[0.0, 1.0], [3.0]], 2, torch.Generator())
        >>> vectors = embed(torch.tensor([[1.0, 3.0], [0.5, 3.0]]))
        >>> vectors.shape, torch.equal(vectors[0, 2:], vectors[1, 2:])
        (torch.Size([2, 4]), True)
    """

    known: Tensor
    start: Tensor
    unknown: Tensor

    def __init__(
        self, values: Sequence[Sequence[float] | np.ndarray], dim: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        longest = max((len(column) for column in values), default=0)
        known = torch.full((len(values), max(longest, 1)), float("inf"))
        for row, column in enumerate(values):
            known[row, : len(column)] = torch.as_tensor(np.asarray(column, dtype=np.float32))
        sizes = torch.tensor([len(column) + 1 for column in values], dtype=torch.int64)
        self.register_buffer("known", known)
        self.register_buffer("start", sizes.cumsum(0) - sizes)
        self.register_buffer("unknown", sizes - 1)
        self.table = nn.Embedding(int(sizes.sum()), dim)
        with torch.no_grad():
            self.table.weight.normal_(generator=generator).mul_(dim**-0.5)

    def forward(self, x: Float[Tensor, "batch columns"]) -> Float[Tensor, "batch width"]:
        place = torch.searchsorted(self.known, x.T.contiguous())
        place = place.clamp_max(self.known.shape[1] - 1)
        found = self.known.gather(1, place) == x.T
        code = torch.where(found, place, self.unknown.unsqueeze(1)) + self.start.unsqueeze(1)
        return self.table(code.T).flatten(1)
