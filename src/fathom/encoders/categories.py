"""Columns of categories, all at once, as one vector per row."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from fathom.base.tensors import Features, Field
from fathom.encoders.encoder import Encoder


class CategoriesEncoder(Encoder):
    """Columns of categories, all at once: one learnt vector per level, side by side.

    All columns share one table of vectors, so that a row costs one look-up however many columns
    there are.

    Args:
        num_codes: for each column how many codes it has, "missing" and "unseen" included.
        dim: length of the vectors.
        generator: where they are drawn from.
    """

    start: Tensor

    def __init__(self, num_codes: Sequence[int], dim: int, generator: torch.Generator) -> None:
        super().__init__()
        start = np.concatenate([[0], np.cumsum(num_codes)[:-1]]) if num_codes else np.zeros(0)
        self.register_buffer("start", torch.as_tensor(start).long())
        self.table = nn.Embedding(int(sum(num_codes)), dim)
        with torch.no_grad():
            # Of length 1 on average, whatever `dim`: long vectors are learned by heart.
            self.table.weight.normal_(generator=generator).mul_(dim**-0.5)
        self.dim_out = len(num_codes) * dim

    def forward(self, field: Field) -> Features:
        vectors = self.table(field.data + self.start)
        return Features("vector", vectors.flatten(1))
