"""Pictures in another light and out of focus, each by its own factors."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

Values = Float[Tensor, "batch channels height width"]
Each = Float[Tensor, " batch"]
# How bright red, green and blue are to the eye (ITU-R BT.601).
_EYE = (0.299, 0.587, 0.114)
_SAMPLES = 32


def mean_grey(pixels: UInt8[Tensor, "batch channels height width"]) -> Each:
    """How bright each picture is, 0 to 255, from a grid of its pixels.

    Example:
        >>> mean_grey(torch.full((1, 3, 2, 2), 100, dtype=torch.uint8))
        tensor([100.])
    """
    height, width = pixels.shape[2:]
    some = pixels[:, :, :: max(1, height // _SAMPLES), :: max(1, width // _SAMPLES)]
    # Sums of whole numbers are exact in any order, and so the same however a batch is split.
    mean = some.sum((2, 3), dtype=torch.float64) / (some.shape[2] * some.shape[3])
    return _grey([mean[:, channel] for channel in range(pixels.shape[1])]).float()


def relit(values: Values, bright: Each, contrast: Each, colour: Each, middle: Each) -> Values:
    """Brightness, contrast and saturation changed, in this order; not cut off at 0 and 255 yet.

        bright x,   then   m + contrast (x - m),   then   g + colour (x - g)

    with m the mean of the brightened picture and g the grey of the pixel; 1 changes nothing.

    Args:
        values: of the pixels.
        bright, contrast, colour: a factor for each picture; grey pictures have no colour.
        middle: the mean of each picture as it was.

    Example:
        >>> grey, one = torch.tensor([[[[50.0, 150.0]]]]), torch.ones(1)
        >>> relit(grey, one, 0.5 * one, one, 100 * one)
        tensor([[[[ 75., 125.]]]])
    """
    gain, lift = bright * contrast, bright * (1 - contrast) * middle
    if values.shape[1] == 1:
        return values * gain[:, None, None, None] + lift[:, None, None, None]
    grey = _grey([values[:, channel] for channel in range(values.shape[1])])
    shared = grey * (gain * (1 - colour))[:, None, None] + lift[:, None, None]
    return values * (gain * colour)[:, None, None, None] + shared[:, None]


def blurred(values: Values, sigma: Each) -> Values:
    """Each picture through a Gaussian of two pixels each way; edges are repeated.

    Args:
        values: of the pixels.
        sigma: width of the Gaussian in pixels; 0 = as it is.

    Example:
        >>> dot = torch.zeros(1, 1, 5, 5)
        >>> dot[0, 0, 2, 2] = 1
        >>> blurred(dot, torch.tensor([0.7])).sum()
        tensor(1.0000)
    """
    # 0 stands for any width at which nothing reaches the next pixel; in double precision, so that
    # how many pictures there are at once does not show in the last bit.
    distance = torch.arange(3, device=sigma.device) / sigma[:, None].double().clamp_min(0.01)
    far = torch.exp(-0.5 * distance.square())
    taps = (far / (far[:, :1] + 2 * far[:, 1:].sum(1, keepdim=True))).float()
    for axis in (2, 3):
        values = _through(values, taps, axis)
    return values


def _through(values: Values, taps: Float[Tensor, "batch 3"], axis: int) -> Values:
    size = values.shape[axis]
    first, last = values.narrow(axis, 0, 1), values.narrow(axis, size - 1, 1)
    padded = torch.cat([first, first, values, last, last], dim=axis)
    own, near, far = (taps[:, place, None, None, None] for place in range(3))
    found = padded.narrow(axis, 2, size) * own
    for tap, way in ((near, 1), (far, 2)):
        found += (padded.narrow(axis, 2 - way, size) + padded.narrow(axis, 2 + way, size)) * tap
    return found


def _grey(channels: list[Tensor]) -> Tensor:
    if len(channels) == 1:
        return channels[0]
    red, green, blue = (tone * part for tone, part in zip(channels, _EYE, strict=True))
    return red + green + blue
