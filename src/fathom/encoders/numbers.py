"""Columns of numbers, all at once, as one vector per row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fathom.base.tensors import Features, Field
from fathom.encoders.encoder import Encoder
from fathom.layers.numeric import NumericEmbedding, ValueEmbedding


@dataclass(frozen=True)
class Projection:
    """A number made of two columns: a · first + b · second, in the columns' transformed space.

    Places (longitude, latitude) and ratios are seldom told by one axis; a few turned axes tell
    them, and each then gets bins of its own.

    Attributes:
        first, second: which columns, by position among the numbers.
        first_weight, second_weight: a and b.
        edges: bin edges of the made number on the training rows.
    """

    first: int
    second: int
    first_weight: float
    second_weight: float
    edges: tuple[float, ...]


class NumbersEncoder(Encoder):
    """Numbers as small vectors, side by side, with a sign for each that is missing.

    Args:
        edges: bin edges of each column in its transformed space.
        missing: which columns had missing values in training; only those get a sign.
        projections: numbers made of pairs of columns, treated like columns.
        dim: length of each number's vector; 0 = the plain number, no embedding.
        generator: where initial weights are drawn from.
        values: for each column the values that get a vector each; empty for most.
    """

    turn: Tensor
    sign: Tensor
    repeating: Tensor

    def __init__(
        self,
        edges: Sequence[np.ndarray],
        missing: Sequence[bool],
        projections: Sequence[Projection],
        dim: int,
        generator: torch.Generator,
        values: Sequence[np.ndarray] = (),
    ) -> None:
        super().__init__()
        num_columns, num_made = len(edges), len(projections)
        self.embed: NumericEmbedding | None = None
        if dim:
            made = [np.asarray(projection.edges) for projection in projections]
            self.embed = NumericEmbedding([*edges, *made], dim, generator)
        self.register_buffer("turn", _projection_matrix(projections, num_columns))
        self.register_buffer("sign", torch.tensor([i for i, m in enumerate(missing) if m]).long())
        repeating = [number for number, known in enumerate(values) if len(known) and dim]
        self.register_buffer("repeating", torch.tensor(repeating, dtype=torch.int64))
        self.exact: ValueEmbedding | None = None
        if repeating:
            self.exact = ValueEmbedding([values[n] for n in repeating], dim, generator)
        width = (num_columns + num_made) * max(dim, 1) + len(repeating) * dim
        self.dim_out = width + int(sum(missing))

    def forward(self, field: Field) -> Features:
        numbers = self._with_projections(field.data)
        vector = self.embed(numbers) if self.embed is not None else numbers
        parts = [vector, self._signs(field)]
        if self.exact is not None:
            parts.append(self.exact(field.data[:, self.repeating]))
        return Features("vector", torch.cat(parts, dim=1))

    def _with_projections(self, x: Float[Tensor, "batch columns"]) -> Float[Tensor, "batch all"]:
        if self.turn.shape[1] == 0:
            return x
        # Bins are fine; bf16 would blur which bin a made number falls into.
        with torch.autocast(x.device.type, enabled=False):
            return torch.cat([x, x @ self.turn], dim=1)

    def _signs(self, field: Field) -> Float[Tensor, "batch missing"]:
        mask: Bool[Tensor, "batch columns"] | None = field.mask
        if mask is None or len(self.sign) == 0:
            return field.data.new_zeros(len(field), len(self.sign))
        return (~mask[:, self.sign]).to(field.data.dtype)


def _projection_matrix(
    projections: Sequence[Projection], num_columns: int
) -> Float[Tensor, "columns made"]:
    matrix = torch.zeros(num_columns, len(projections))
    for made, projection in enumerate(projections):
        matrix[projection.first, made] = projection.first_weight
        matrix[projection.second, made] = projection.second_weight
    return matrix
