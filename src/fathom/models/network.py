"""Encoders → fusion → body → heads, as one plain `nn.Module`."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from fathom.base.tensors import Features, Field
from fathom.encoders.encoder import Encoder
from fathom.encoders.image import ImageEncoder
from fathom.heads.head import Head


class SideBySide(nn.Module):
    """A body for tables: the vectors of all inputs one beside the other, through one net.

    Args:
        net: from one vector to one vector, or to one per member.
        members: how many members the net's answer has; None = a single network.
    """

    def __init__(self, net: nn.Module, members: int | None = None) -> None:
        super().__init__()
        self.net, self.members = net, members

    def forward(self, parts: dict[str, Features]) -> Features:
        vectors = [part.tensor for part in parts.values()]
        fused = torch.cat(vectors, dim=1) if len(vectors) > 1 else vectors[0]
        return Features("vector", self.net(fused), members=self.members)


class Network(nn.Module):
    """What learns: one encoder per input, one head per target.

    Inputs and heads go by our names ("numbers", "target_0"); the person's column names never
    become attributes, so no name can break it.

    Args:
        encoders: input name -> encoder.
        body: from the encoders' features, by input, to what the heads see.
        heads: head name -> head.
    """

    def __init__(
        self, encoders: Mapping[str, Encoder], body: nn.Module, heads: Mapping[str, Head[Any]]
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.body = body
        self.heads = nn.ModuleDict(heads)

    def head(self, name: str) -> Head[Any]:
        """The head of that name; `heads` itself knows its modules only as modules."""
        head = self.heads[name]
        assert isinstance(head, Head), "only heads are put there"
        return head

    def compile_parts(self) -> None:
        """Let PyTorch compile what computes most, in place: networks for pictures and the body's.

        One program for each size of a batch, so that a resumed training runs the same ones. Names
        of weights, copies and what is pickled stay as they were.
        """
        for part in [*self.encoders.values(), self.body]:
            if isinstance(part, ImageEncoder | SideBySide):
                part.net.compile(dynamic=False)

    def features(self, inputs: dict[str, Field]) -> Features:
        """What the heads see."""
        parts = {name: encoder(inputs[name]) for name, encoder in self.encoders.items()}
        return self.body(parts)

    def forward(
        self, inputs: dict[str, Field], teacher: dict[str, Field] | None = None
    ) -> dict[str, Any]:
        """Raw outputs by head.

        Args:
            inputs: a field per input.
            teacher: true targets for heads that answer step by step; others ignore them.
        """
        features = self.features(inputs)
        given = teacher or {}
        return {name: head(features, given.get(name)) for name, head in self.heads.items()}
