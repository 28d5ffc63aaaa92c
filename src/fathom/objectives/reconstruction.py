"""Learning without labels: to give back what was seen."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from fathom.base.errors import RecipeError
from fathom.base.tensors import Batch, Loss
from fathom.objectives.objective import Objective, Phase


class Reconstruction(Objective):
    """The network gives back its input; the loss is the mean squared difference.

    A loader may yield inputs alone; where it yields targets too, they are not looked at.

    Raises:
        RecipeError: several inputs, or the network gives something of another shape.

    Example:
        >>> import torch
        >>> from fathom.base.tensors import Field
        >>> batch = Batch({"x": Field(torch.ones(3, 2))}, {}, torch.ones(3), torch.arange(3))
        >>> float(Reconstruction().loss(nn.Identity(), batch, Phase()).mean())
        0.0
    """

    unlabelled = True

    def loss(self, network: nn.Module, batch: Batch, phase: Phase) -> Loss:
        if len(batch.inputs) != 1:
            raise RecipeError(
                "There are several inputs, and one is to be given back.",
                where="the objective",
                expected="a loader of x, or of (x, y)",
                got=f"{len(batch.inputs)} inputs",
                do="Leave the others out of the loader.",
            )
        (field,) = batch.inputs.values()
        weight = batch.weight
        if field.mask is not None:
            weight = weight * field.mask.reshape(len(field), -1).all(1)
        errors = reconstruction_errors(network, field.data)
        return Loss({"loss": ((errors * weight).sum(), weight.sum())})

    def after_step(self, network: nn.Module, step: int) -> None:
        """Nothing to keep."""


def reconstruction_errors(
    network: nn.Module, x: Float[Tensor, "batch ..."]
) -> Float[Tensor, " batch"]:
    """How badly each example is given back: the mean squared difference over all of its numbers.

    A high one says that the example is unlike those that were learned from.

    Args:
        network: from examples to as many numbers of each.
        x: what it is to give back.

    Raises:
        RecipeError: the network gives something of another shape.

    Example:
        >>> import torch
        >>> reconstruction_errors(nn.Identity(), torch.ones(2, 3)).tolist()
        [0.0, 0.0]
    """
    found: Any = network(x)
    if not isinstance(found, Tensor) or found.shape != x.shape:
        got = f"shape {list(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
        raise RecipeError(
            "The network does not give back what it was given.",
            where=type(network).__name__,
            expected=f"a tensor of shape {list(x.shape)}",
            got=got,
            do="Take a network that ends as it begins, such as an Autoencoder.",
        )
    return (found.float() - x.float()).square().flatten(1).mean(1)
