"""The contract of an encoder: one field in, features out."""

from abc import ABC, abstractmethod

from torch import nn

from fathom.base.tensors import Features, Field


class Encoder(nn.Module, ABC):
    """Turns the field of one input into features.

    Attributes:
        dim_out: width of the features, known as soon as the encoder is made.
    """

    dim_out: int

    @abstractmethod
    def forward(self, field: Field) -> Features:
        """Features with one row per example."""
