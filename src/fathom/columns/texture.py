"""How the pixels of pictures go together: their means, and products by displacement."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, UInt8

# The farthest displacement, in pixels.
REACH = 3
# Sums stay exact enough where values are near zero.
_MIDDLE = 128.0
_DISPLACED = (2 * REACH + 1, 2 * REACH + 1)

Texture = Float[np.ndarray, "channels channels down right"]


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over the pixels of some pictures; those of grey ones stand for every colour.

    Attributes:
        num: pixels.
        total: their sums by channel.
        products: `texture_of` of the pixels less 128, times `num`.
    """

    num: int = 0
    total: np.ndarray = field(default_factory=lambda: np.zeros(3))
    products: np.ndarray = field(default_factory=lambda: np.zeros((3, 3, *_DISPLACED)))

    @classmethod
    def of(cls, pixels: UInt8[np.ndarray, "pictures channels height width"]) -> "Moments":
        """Of a sample."""
        if not pixels.size:
            return cls()
        pixels = pixels.astype(np.float32) - _MIDDLE
        num = pixels.size // pixels.shape[1]
        total = pixels.sum((0, 2, 3), dtype=np.float64) + num * _MIDDLE
        products = num * texture_of(pixels)
        size = (3, 3, *_DISPLACED)
        return cls(num, np.broadcast_to(total, 3), np.broadcast_to(products, size))

    def merge(self, other: "Moments") -> "Moments":
        """Of both."""
        total, products = self.total + other.total, self.products + other.products
        return Moments(self.num + other.num, total, products)

    def summary(self, channels: int) -> tuple[np.ndarray, Texture]:
        """Means and covariances of the first channels."""
        num = max(self.num, 1)
        mean = self.total[:channels] / num
        off = mean - _MIDDLE
        texture = self.products[:channels, :channels] / num - (off[:, None] * off)[..., None, None]
        return mean, texture


def texture_of(pixels: Float[np.ndarray, "pictures channels height width"]) -> Texture:
    """The mean products of pixels by channel and displacement, of pictures of mean 0.

    Displacements that the pictures are too small for count as unrelated.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=(20, 1, 32, 32))
        >>> texture_of(noise).round(1)[0, 0, 3].astype(int).tolist()
        [0, 0, 0, 1, 0, 0, 0]
    """
    channels, height, width = pixels.shape[1:]
    found = np.zeros((channels, channels, 2 * REACH + 1, 2 * REACH + 1))
    for down in range(min(REACH + 1, height)):
        for right in range(-min(REACH, width - 1), min(REACH, width - 1) + 1):
            left, shifted = max(0, -right), max(0, right)
            one = pixels[:, :, : height - down, left : width - shifted]
            other = pixels[:, :, down:, shifted : width - left]
            one, other = (part.transpose(1, 0, 2, 3).reshape(channels, -1) for part in (one, other))
            product = one @ other.T / one.shape[1]
            found[:, :, REACH + down, REACH + right] = product
            found[:, :, REACH - down, REACH - right] = product.T
    return found
