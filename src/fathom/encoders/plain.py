"""Columns whose parts are ready as they stand: flags, dates, sets."""

from collections.abc import Sequence

import torch
from torch import Tensor

from fathom.base.tensors import Features, Field
from fathom.encoders.encoder import Encoder


class PlainEncoder(Encoder):
    """Parts that are ready as they stand (flags, parts of dates, labels of sets), side by side.

    Args:
        dim: how many parts.
        missing: which parts can be missing; only those get a sign.
    """

    sign: Tensor

    def __init__(self, dim: int, missing: Sequence[bool]) -> None:
        super().__init__()
        self.register_buffer("sign", torch.tensor([i for i, m in enumerate(missing) if m]).long())
        self.dim_out = dim + len(self.sign)

    def forward(self, field: Field) -> Features:
        if len(self.sign) == 0:
            return Features("vector", field.data)
        mask = field.mask
        signs = (
            field.data.new_zeros(len(field), len(self.sign))
            if mask is None
            else (~mask[:, self.sign]).to(field.data.dtype)
        )
        return Features("vector", torch.cat([field.data, signs], dim=1))
