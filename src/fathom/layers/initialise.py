"""How the weights of a network start: the scale decides whether signals die, live or explode.

| word | weights | made for |
|---|---|---|
| default | uniform within ± 1/√in, biases too | any; PyTorch's linear layers begin so |
| xavier_uniform, xavier_normal | variance gain² · 2 / (in + out) | tanh, sigmoid |
| kaiming_uniform, kaiming_normal | variance gain² / in | relu and its family |
| lecun_normal | variance 1 / in | no activation, or a self-normalising one |
| orthogonal | rows or columns at right angles, length gain | recurrent and very deep networks |
| truncated_normal | a small normal, cut at two deviations | transformers, embeddings |
| constant | all the same | showing why weights must differ |
| zeros | all 0 | a last layer that starts silent |

*in* and *out* count the inputs and outputs of one unit (its fans). Biases become 0, but for
`default`. Units that start alike (`zeros`, `constant`) get the same gradient and stay alike.
"""

import math

import torch
from torch import Tensor, nn

from fathom.base.errors import RecipeError, listed, nearest
from fathom.layers.activation import named_activation

INITIALISATIONS: dict[str, str] = {
    "default": "Uniform within ± 1/√in, biases too: how PyTorch's linear layers begin.",
    "xavier_uniform": "Uniform, balanced between forward and backward; for tanh and sigmoid.",
    "xavier_normal": "Normal, balanced between forward and backward; for tanh and sigmoid.",
    "kaiming_uniform": "Uniform, keeps the forward signal's size; for relu and its family.",
    "kaiming_normal": "Normal, keeps the forward signal's size; for relu and its family.",
    "lecun_normal": "Normal with variance 1/in; for linear or self-normalising networks.",
    "orthogonal": "Rows or columns at right angles; for recurrent and very deep networks.",
    "truncated_normal": "A small normal without tails; for transformers and embeddings.",
    "constant": "All weights alike; shows why they must differ, for units stay alike for ever.",
    "zeros": "All weights 0; for a last layer that starts silent, never for hidden layers.",
}

GAINS: dict[str, float] = {
    "identity": 1.0,
    "softmax": 1.0,
    "sigmoid": 1.0,
    "softplus": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "leaky_relu": math.sqrt(2 / (1 + 0.01**2)),
    "elu": 1.2451983,
    "gelu": 1.5335304,
    "silu": 1.6765325,
    "swish": 1.6765325,
}
"""How much larger weights must be to make good what the activation takes from the signal.

For the family of relu this is 1 / √E[f(z)²] with z standard normal; the others are the field's
customs.
"""

# The standard deviation of a standard normal that is cut at ±2.
_CUT_DEVIATION = 0.8796256610342398

_CONVOLUTIONS = (
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_INITIALISED = (nn.Linear, *_CONVOLUTIONS, nn.RNNBase, nn.MultiheadAttention)


def initialise(
    module: nn.Module,
    name: str,
    generator: torch.Generator,
    activation: str = "identity",
    *,
    deviation: float | None = None,
    value: float | None = None,
) -> None:
    """Give the weights of all linear, convolution, recurrent and attention layers new values.

    Stacked matrices (the gates of an LSTM; query, key and value) are treated one by one, so that
    each has the fans of its own. Embeddings and normalisations keep what they have.

    Args:
        module: a layer, or a network of layers; changed in place.
        name: a word of `INITIALISATIONS`; the table at the top of this file says what each is for.
        generator: the only source of randomness; it must live where the weights live.
        activation: what follows the layers; `GAINS` has the factor for xavier, kaiming and
            orthogonal.
        deviation: the standard deviation of truncated_normal, after the cut; 0.02 if not given.
        value: the value of constant; 0.01 if not given.

    Raises:
        RecipeError: an unknown word, an option that the scheme does not use, or no layer in the
            module that could be initialised.

    Source: Glorot and Bengio 2010 (xavier); He et al. 2015 (kaiming); LeCun et al. 1998 (lecun);
        Saxe et al. 2014 (orthogonal).

    Example:
        >>> layer = nn.Linear(100, 50)
        >>> initialise(layer, "kaiming_normal", torch.Generator().manual_seed(0), "relu")
        >>> bool((layer.weight.std() - (2 / 100) ** 0.5).abs() < 0.01), bool(layer.bias.any())
        (True, False)
    """
    _check(name, deviation, value)
    scale = deviation if name == "truncated_normal" else value
    factor = gain(activation)
    layers = [part for part in module.modules() if isinstance(part, _INITIALISED)]
    if not layers:
        raise RecipeError(
            "There is nothing to initialise in this module.",
            where=type(module).__name__,
            expected="a linear, convolution, recurrent or attention layer",
            got="none of them",
            do="Initialise its parameters yourself with `fill`.",
        )
    for layer in layers:
        _initialise_layer(layer, name, generator, factor, scale)


def gain(activation: str) -> float:
    """The factor of `GAINS` that belongs to an activation.

    Raises:
        RecipeError: there is no activation of that name.

    Example:
        >>> round(gain("relu") ** 2, 6)
        2.0
    """
    named_activation(activation)
    return GAINS[activation]


def fill(
    weight: Tensor,
    name: str,
    generator: torch.Generator,
    *,
    fans: tuple[int, int],
    gain: float = 1.0,
    scale: float | None = None,
) -> None:
    """Fill one weight in place by a scheme; for layers that hold parameters of their own.

    Args:
        weight: changed in place.
        name: a word of `INITIALISATIONS`.
        generator: the only source of randomness.
        fans: how many inputs and outputs one unit has.
        gain: the activation's factor, for xavier, kaiming and orthogonal.
        scale: the deviation of truncated_normal, the value of constant.

    Raises:
        RecipeError: there is no initialisation of that name.

    Example:
        >>> weight = torch.empty(3, 2)
        >>> fill(weight, "constant", torch.Generator(), fans=(2, 3), scale=0.5)
        >>> weight.unique()
        tensor([0.5000])
    """
    _check(name, None, None)
    fan_in, fan_out = fans
    with torch.no_grad():
        match name:
            case "default":
                _uniform(weight, 1 / math.sqrt(3 * fan_in), generator)
            case "xavier_uniform":
                _uniform(weight, gain * math.sqrt(2 / (fan_in + fan_out)), generator)
            case "xavier_normal":
                deviation = gain * math.sqrt(2 / (fan_in + fan_out))
                weight.normal_(0, deviation, generator=generator)
            case "kaiming_uniform":
                _uniform(weight, gain / math.sqrt(fan_in), generator)
            case "kaiming_normal":
                weight.normal_(0, gain / math.sqrt(fan_in), generator=generator)
            case "lecun_normal":
                weight.normal_(0, 1 / math.sqrt(fan_in), generator=generator)
            case "orthogonal":
                nn.init.orthogonal_(weight, gain, generator=generator)
            case "truncated_normal":
                # PyTorch's bounds are absolute and its deviation is that before the cut.
                uncut = (0.02 if scale is None else scale) / _CUT_DEVIATION
                nn.init.trunc_normal_(weight, 0, uncut, -2 * uncut, 2 * uncut, generator)
            case "constant":
                weight.fill_(0.01 if scale is None else scale)
            case _:
                weight.zero_()


def _uniform(weight: Tensor, deviation: float, generator: torch.Generator) -> None:
    """Uniform around 0; a uniform within ±b has the deviation b / √3."""
    bound = math.sqrt(3) * deviation
    weight.uniform_(-bound, bound, generator=generator)


def _initialise_layer(
    layer: nn.Module, name: str, generator: torch.Generator, gain: float, scale: float | None
) -> None:
    parameters = dict(layer.named_parameters(recurse=False))
    for key, parameter in parameters.items():
        if "bias" not in key:
            for block in _blocks(layer, key, parameter.detach()):
                fans = _fans(block, isinstance(layer, _TRANSPOSED) and name != "default")
                fill(block, name, generator, fans=fans, gain=gain, scale=scale)
            continue
        weight = parameters.get(key.replace("bias", "weight"))
        if name == "default" and weight is not None:
            fill(parameter.detach(), name, generator, fans=_fans(weight, False))
        else:
            parameter.detach().zero_()


def _blocks(layer: nn.Module, key: str, weight: Tensor) -> tuple[Tensor, ...]:
    """The matrices that are stacked in one parameter."""
    if isinstance(layer, nn.RNNBase):
        return weight.split(layer.hidden_size)
    if key == "in_proj_weight":
        return weight.chunk(3)
    return (weight,)


def _fans(weight: Tensor, transposed: bool) -> tuple[int, int]:
    """Inputs and outputs of one unit, the size of a convolution's window counted in."""
    window = math.prod(weight.shape[2:])
    fan_in, fan_out = weight.shape[1] * window, weight.shape[0] * window
    return (fan_out, fan_in) if transposed else (fan_in, fan_out)


def _check(name: str, deviation: float | None, value: float | None) -> None:
    if name not in INITIALISATIONS:
        raise RecipeError(
            f"There is no initialisation '{name}'.",
            expected=f"one of {listed(INITIALISATIONS, most=20)}",
            got=f"'{name}'",
            do=nearest(str(name).lower(), INITIALISATIONS) or "Choose one of the words above.",
        )
    options = (("deviation", deviation, "truncated_normal"), ("value", value, "constant"))
    for option, given, user in options:
        if given is not None and name != user:
            raise RecipeError(
                f"The initialisation '{name}' does not use the option '{option}'.",
                expected=f"'{option}' with '{user}' only",
                got=f"{option} = {given}",
                do=f"Leave '{option}' out, or choose '{user}'.",
            )
    if deviation is not None and not deviation > 0:
        raise RecipeError(
            "The deviation of an initialisation must be above 0.",
            expected="a number above 0",
            got=str(deviation),
            do="Give a small one, such as 0.02.",
        )
