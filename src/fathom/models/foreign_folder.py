"""Folders that other packages write: JSON, weights, and how pictures are brought to a network."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fathom.base.errors import RunError, listed
from fathom.base.files import check_ordinary
from fathom.columns.image import FittedImage
from fathom.columns.texture import REACH

CONFIG, WEIGHTS = "config.json", "model.safetensors"
# The mean and deviation of ImageNet, on which nearly all of these networks learned.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_PICKLED = (".bin", ".pt", ".pth", ".ckpt")
_MOST_SIDE = 4096


@dataclass(frozen=True)
class Reading:
    """How pictures are brought to what a network learned on.

    Attributes:
        height, width: of the pixels.
        mean, deviation: by channel, 0 to 1.
    """

    height: int
    width: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def column(self) -> FittedImage:
        """As a column of pictures of which no more is known."""
        channels, reach = len(self.mean), 2 * REACH + 1
        texture = [0.0] * (channels * channels * reach * reach)
        for place, spread in enumerate(self.deviation):
            block = place * channels + place
            texture[block * reach * reach + reach * reach // 2] = (255 * spread) ** 2
        return FittedImage(
            height=self.height,
            width=self.width,
            channels=channels,
            mean=self.mean,
            standard_deviation=self.deviation,
            texture=tuple(texture),
            count=0,
            num_missing=0,
        )


def weights_file(folder: Path, written_by: str) -> Path:
    """The file of weights of a folder.

    Args:
        folder: to look into.
        written_by: what people do where they have weights of another kind.

    Raises:
        RunError: it is absent, or only a pickle is there.
    """
    place = folder / WEIGHTS
    if place.is_file():
        return place
    others = sorted(one.name for one in folder.iterdir())
    pickled = [name for name in others if name.endswith(_PICKLED)]
    if pickled:
        raise RunError(
            "The weights are pickled, which fathom never reads: it could run any code.",
            where=str(folder),
            expected=WEIGHTS,
            got=listed(pickled),
            do="Take a version of it with safetensors, or write one, where you trust the file: "
            f"{written_by}.",
        )
    raise RunError(
        "The weights of the network are not there.",
        where=str(folder),
        expected=f"{WEIGHTS}, in one file",
        got=listed(others),
        do=f"Bring the file, or write it: {written_by}.",
    )


def by_channel(said: Any, channels: int) -> list[float]:
    """A number for each channel; one number is for all of them.

    Raises:
        ValueError, TypeError: it is none.
    """
    found = [float(one) for one in (said if isinstance(said, list | tuple) else [said] * channels)]
    if len(found) != channels:
        raise ValueError(f"{len(found)} numbers for {channels} channels")
    return found


def check_sides(height: int, width: int) -> tuple[int, int]:
    """Sides that pictures can have.

    Raises:
        ValueError: they cannot.
    """
    if not (0 < int(height) <= _MOST_SIDE and 0 < int(width) <= _MOST_SIDE):
        raise ValueError(f"pictures of {height} × {width} pixels")
    return int(height), int(width)


def read_object(place: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        RunError: it is none.
    """
    try:
        check_ordinary(place)
        found = json.loads(place.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("not a JSON object")
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(place, "a JSON object, as transformers and timm write it", error) from error
    return found


def damaged(place: Path, expected: str, error: Exception) -> RunError:
    """What is told of a place that cannot be read."""
    told = f"{type(error).__name__}: {str(error).splitlines()[0]}" if str(error) else ""
    return RunError(
        "The network to start from cannot be read.",
        where=str(place),
        expected=expected,
        got=told or type(error).__name__,
        do="Bring the folder again from where it came.",
    )
