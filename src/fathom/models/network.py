"""Encoders → fusion → body → heads, as one plain `nn.Module`."""

import torch
from torch import Tensor, nn

from fathom.base.tensors import Features, Field


class Network(nn.Module):
    """What learns: one encoder per input, one head per target.

    Inputs and heads go by our names ("numbers", "target_0"); the person's column names never
    become attributes, so no name can break it.

    Args:
        encoders: input name -> encoder.
        body: a net from the encoders' features, side by side, to one vector (or one per member);
            has `members` and `dim_out`.
        heads: head name -> head.
    """

    def __init__(
        self, encoders: dict[str, nn.Module], body: nn.Module, heads: dict[str, nn.Module]
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.body = body
        self.heads = nn.ModuleDict(heads)

    def features(self, inputs: dict[str, Field]) -> Features:
        """What the heads see."""
        parts = [encoder(inputs[name]).tensor for name, encoder in self.encoders.items()]
        fused = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
        members: int | None = self.body.members  # pyright: ignore[reportAssignmentType]
        return Features("vector", self.body(fused), members=members)

    def forward(
        self, inputs: dict[str, Field], teacher: dict[str, Field] | None = None
    ) -> dict[str, Tensor]:
        """Raw outputs by head.

        Args:
            inputs: a field per input.
            teacher: true targets for heads that answer step by step; others ignore them.
        """
        features = self.features(inputs)
        given = teacher or {}
        return {name: head(features, given.get(name)) for name, head in self.heads.items()}
