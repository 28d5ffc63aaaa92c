"""Activation functions by name: what makes a network more than one linear map.

| word | what it does | where it is used |
|---|---|---|
| relu | keeps what is positive, the rest becomes 0 | hidden layers; the plain first choice |
| leaky_relu | like relu, but lets 1 % of the negative through | when many units have died |
| elu | like relu, but bends smoothly down to −1 | hidden layers without normalisation |
| gelu | x times the chance that a normal draw lies below x | transformers |
| silu, swish | x · sigmoid(x), one function with two names | deep or gated networks |
| softplus | a smooth relu, always above 0 | answers that must be positive: a variance, a rate |
| tanh | squeezes to (−1, 1), odd | recurrent networks, bounded answers |
| sigmoid | squeezes to (0, 1) | gates; one probability |
| softmax | makes the last axis positive with sum 1 | attention; one class out of several |
| identity | changes nothing | the last layer of a regression |
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn

from fathom.base.errors import RecipeError, listed, nearest


@dataclass(frozen=True)
class NamedActivation:
    """One activation of the course.

    Attributes:
        make: makes the module.
        sentence: what it does and when to use it, for a newcomer.
    """

    make: Callable[[], nn.Module]
    sentence: str


_SILU = "x · sigmoid(x): smooth, dips slightly below 0; for deep or gated networks."

ACTIVATIONS: dict[str, NamedActivation] = {
    "relu": NamedActivation(
        nn.ReLU, "Keeps what is positive and zeroes the rest; the plain choice for hidden layers."
    ),
    "leaky_relu": NamedActivation(
        nn.LeakyReLU,
        "Like relu but lets a hundredth of the negative through; when many units stay at 0.",
    ),
    "elu": NamedActivation(
        nn.ELU, "Like relu but bends smoothly down to -1; for nets without normalisation."
    ),
    "gelu": NamedActivation(
        nn.GELU, "x times the share of the normal distribution below x; the habit of transformers."
    ),
    "silu": NamedActivation(nn.SiLU, _SILU),
    "swish": NamedActivation(nn.SiLU, f"Another name of silu. {_SILU}"),
    "softplus": NamedActivation(
        nn.Softplus,
        "log(1 + exp x), a smooth relu above 0; for answers that must be positive.",
    ),
    "tanh": NamedActivation(
        nn.Tanh, "Squeezes to (-1, 1) around 0; for recurrent networks and bounded answers."
    ),
    "sigmoid": NamedActivation(
        nn.Sigmoid,
        "Squeezes to (0, 1); for gates and single probabilities, not for deep hidden layers.",
    ),
    "softmax": NamedActivation(
        partial(nn.Softmax, dim=-1),
        "Makes the last axis positive with sum 1; for attention and class probabilities.",
    ),
    "identity": NamedActivation(
        nn.Identity, "Changes nothing; for the last layer of a regression."
    ),
}


def activation(name: str) -> nn.Module:
    """The activation of that name, as a module that works on a tensor of any shape.

    Without one between them, two linear layers are no more than one linear layer.

    Args:
        name: a word of `ACTIVATIONS`; the table at the top of this file says what each is for.

    Raises:
        RecipeError: there is no activation of that name.

    Source: Nair and Hinton 2010 (relu); Maas et al. 2013 (leaky relu); Clevert et al. 2016 (elu);
        Hendrycks and Gimpel 2016 (gelu, silu); Ramachandran et al. 2017 (swish).

    Example:
        >>> import torch
        >>> activation("relu")(torch.tensor([-2.0, 3.0]))
        tensor([0., 3.])
    """
    return named_activation(name).make()


def named_activation(name: str) -> NamedActivation:
    """The entry of `ACTIVATIONS` of that name.

    Raises:
        RecipeError: there is no activation of that name.
    """
    if name not in ACTIVATIONS:
        raise RecipeError(
            f"There is no activation '{name}'.",
            expected=f"one of {listed(ACTIVATIONS, most=20)}",
            got=f"'{name}'",
            do=nearest(str(name).lower(), ACTIVATIONS) or "Choose one of the words above.",
        )
    return ACTIVATIONS[name]
