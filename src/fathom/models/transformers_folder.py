"""A network for pictures out of a folder in the format of transformers: sizes, weights, reading."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from fathom.base.errors import FathomError, RunError, listed
from fathom.base.files import check_ordinary
from fathom.columns.image import FittedImage
from fathom.columns.texture import REACH
from fathom.models.body import Body
from fathom.nets.pretrained import ARCHITECTURES, shape_of, weights_of

CONFIG, WEIGHTS, PROCESSOR = "config.json", "model.safetensors", "preprocessor_config.json"
# The mean and deviation of ImageNet, on which nearly all of these networks learned.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SIDE = 224
_PICKLED = (".bin", ".pt", ".pth", ".ckpt")


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


def body_of_folder(folder: Path, origin: str) -> Body:
    """The network of a folder with config.json and model.safetensors.

    Nothing is unpickled, and no code out of the folder is run.

    Args:
        folder: may hold preprocessor_config.json too, which says how pictures are read.
        origin: what people call it.

    Raises:
        RunError: it is of a type that is not known, incomplete, or damaged.
        MissingExtra: transformers is not installed.
    """
    facts = _read(folder / CONFIG)
    model_type = _known_type(facts, folder)
    weights = _weights_file(folder)
    channels = facts.get("num_channels", 3)
    reading, told = read_processor(folder, channels, facts.get("image_size"))
    try:
        shape = shape_of(model_type, facts)
        found = weights_of(shape, load_file(weights))
    except FathomError:
        raise
    except Exception as error:  # the library has errors of its own for each fault
        raise _damaged(folder, f"{CONFIG} and {WEIGHTS} that fit together", error) from error
    return Body(origin, "pretrained", shape, reading.column(), found, told)


def _known_type(facts: dict[str, Any], folder: Path) -> str:
    found = str(facts.get("model_type"))
    known = found in ARCHITECTURES
    if known and "quantization_config" not in facts:
        return found
    raise RunError(
        "This is no network for pictures that can be started from.",
        where=str(folder / CONFIG),
        expected="weights that are not packed into fewer bits"
        if known
        else f"a model_type of {listed(ARCHITECTURES, most=20)}",
        got="a quantization_config" if known else f"the model_type '{found}'",
        do="Name a network of one of these types, with plain weights.",
    )


def _weights_file(folder: Path) -> Path:
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
            do="Take a version of it with safetensors, or let transformers write one, where you "
            "trust the file: AutoModel.from_pretrained(…).save_pretrained(FOLDER).",
        )
    raise RunError(
        "The weights of the network are not there.",
        where=str(folder),
        expected=f"{WEIGHTS}, in one file",
        got=listed(others),
        do="Bring the file, or let transformers write it: "
        "AutoModel.from_pretrained(…).save_pretrained(FOLDER, max_shard_size='50GB').",
    )


def read_processor(folder: Path, channels: Any, image_size: Any) -> tuple[Reading, str]:
    """What preprocessor_config.json says, and what had to be supposed, in words.

    Read here, since transformers needs torchvision for it.

    Args:
        folder: that may hold it.
        channels: that the network sees.
        image_size: of config.json, for where the file is absent.

    Raises:
        RunError: it cannot be read, or does not fit the network.
    """
    place = folder / PROCESSOR
    try:
        if channels not in (1, 3):
            raise ValueError(f"{channels!r} channels in {CONFIG}")
        if not place.exists():
            return _supposed(channels, image_size)
        return _as_said(_read(place), channels), ""
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError) as error:
        if isinstance(error, FathomError):
            raise
        wanted = "1 or 3 channels, a size, and a mean and deviation for each channel"
        raise _damaged(place, wanted, error) from error


def _supposed(channels: int, image_size: Any) -> tuple[Reading, str]:
    height, width = _sides(image_size or _SIDE)
    mean, deviation = _MEAN, _DEVIATION
    if channels == 1:
        mean, deviation = ((sum(one) / len(one),) for one in (mean, deviation))
    told = f"there is no {PROCESSOR}: {height} × {width} pixels, and mean and deviation of ImageNet"
    return Reading(height, width, mean, deviation), f"{told} were supposed"


def _as_said(said: dict[str, Any], channels: int) -> Reading:
    """Size, mean and deviation, whatever the processor of transformers calls them.

    It computes (pixels × factor - mean) / deviation, of pixels from 0 to 255.
    """
    cropped = said.get("do_center_crop", True) and said.get("crop_size")
    height, width = _sides(said["crop_size"] if cropped else said.get("size", _SIDE))
    factor = said.get("rescale_factor", 1 / 255) if said.get("do_rescale", True) else 1.0
    mean, deviation = [0.0] * channels, [1.0] * channels
    if said.get("do_normalize", True):
        mean = _by_channel(said.get("image_mean", _MEAN), channels)
        deviation = _by_channel(said.get("image_std", _DEVIATION), channels)
    unit = 255 * float(factor)
    found = tuple(one / unit for one in mean), tuple(one / unit for one in deviation)
    if min(found[1]) <= 0:
        raise ValueError("a deviation that is not above 0")
    return Reading(height, width, *found)


def _by_channel(said: Any, channels: int) -> list[float]:
    found = [float(one) for one in (said if isinstance(said, list | tuple) else [said] * channels)]
    if len(found) != channels:
        raise ValueError(f"{len(found)} numbers for {channels} channels")
    return found


def _sides(said: Any) -> tuple[int, int]:
    """Height and width; where only the shorter side was said, a square of it."""
    if isinstance(said, dict):
        edge = said.get("shortest_edge")
        said = (said["height"], said["width"]) if edge is None else edge
    height, width = said if isinstance(said, list | tuple) else (said, said)
    if not (0 < int(height) <= 4096 and 0 < int(width) <= 4096):
        raise ValueError(f"pictures of {height} × {width} pixels")
    return int(height), int(width)


def _read(place: Path) -> dict[str, Any]:
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
        raise _damaged(place, "a JSON object, as transformers writes it", error) from error
    return found


def _damaged(place: Path, expected: str, error: Exception) -> RunError:
    told = f"{type(error).__name__}: {str(error).splitlines()[0]}" if str(error) else ""
    return RunError(
        "The network to start from cannot be read.",
        where=str(place),
        expected=expected,
        got=told or type(error).__name__,
        do="Bring the folder again from where it came.",
    )
